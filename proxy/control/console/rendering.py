"""What every handler of the console needs: the frame of a page, and a thread beside the event loop to render in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from aiohttp import web

from proxy.control.access import Guard, cookie_name
from proxy.control.console.layout import Frame
from proxy.control.control import Control

AT_ONCE = 2
"""Pages that are rendered at once; others wait."""
P = ParamSpec("P")
T = TypeVar("T")


class Rendering:
    """One for all handlers."""

    def __init__(self, control: Control, guard: Guard) -> None:
        self._control = control
        self._guard = guard
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="console")

    def frame(self, request: web.Request) -> Frame:
        """What stands around the page that this request is given."""
        return Frame(
            version=self._control.version,
            revision=self._control.revision,
            form_token=self._guard.form_token(request),
            asks=self._guard.asks,
            signed_in=cookie_name(request) in request.cookies,
            may_change=self._guard.may_change(request),
        )

    async def aside(self, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it in a thread: a large case takes milliseconds to compare."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(make, *args, **kwargs))

    def close(self) -> None:
        """Render no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def page_response(text: str, status: int = 200) -> web.Response:
    """A page."""
    return web.Response(text=text, status=status, content_type="text/html")
