"""The console in a real browser. Where none is installed (Debian: `apt install chromium`) these tests fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.browser.chrome import Tab, browser, tab_of
from tests.control.conftest import *  # noqa: F403 - the same admin port
from tests.control.fakes import Client


@pytest.fixture(scope="session")
def chrome() -> Iterator[str]:
    with browser() as address:
        yield address


@pytest.fixture
async def tab(chrome: str) -> AsyncIterator[Tab]:
    async with tab_of(chrome) as tab:
        await tab.size(1280, 900)
        yield tab


def url(client: Client, path: str = "/") -> str:
    return f"http://{client.host}:{client.port}{path}"
