"""What is told must never hurt: the log's reader may have gone, and its disk may be full."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import structlog

from proxy.config import Log
from proxy.logs import configure


@pytest.mark.parametrize("where", ["broken", "closed"])
def test_a_log_that_cannot_be_written_is_lost_and_raises_nothing(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", buffering=1)
    if where == "closed":
        with pytest.raises(BrokenPipeError):
            print("x", file=stream)
        with pytest.raises(BrokenPipeError):
            stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    configure(Log(format="json"))

    structlog.get_logger("test").error("told", of="nobody")

    with pytest.raises((BrokenPipeError, ValueError)):  # it could indeed not be written
        print("x", file=stream, flush=True)
    with suppress(BrokenPipeError):
        stream.close()
