"""Logs to standard error: one event a line, no customer text. Callers log names and counts, never bodies."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog

from proxy.config import Log

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


# Without local variables: one may hold a token.
_tracebacks = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


class _Unfailing:
    """A stream whose reader may have gone, or whose disk may be full: what is told is lost then, no more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """See io.TextIOBase.write."""
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """See io.IOBase.flush."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(log: Log) -> None:
    """Set up structlog for this process."""
    pretty = log.format == "console" or (log.format == "auto" and sys.stderr.isatty())
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(sort_keys=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if pretty else [_tracebacks]),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[log.level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Unfailing(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [*(each for each in root.handlers if not isinstance(each, _Libraries)), _Libraries()]


class _Libraries(logging.Handler):
    """What libraries log, in our form: the message before its values are put in, the error's kind and its place.

    No more of it, since aiohttp quotes the request it could not read, which may hold a token.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one event."""
        told = {"library": record.name}
        kind, _, trace = record.exc_info or (None, None, None)
        if kind is not None:
            told["error"] = kind.__name__
        while trace is not None:
            told["at"] = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
            trace = trace.tb_next
        event = str(record.msg).partition("\n")[0]
        structlog.get_logger(record.name).log(min(record.levelno, logging.ERROR), event, **told)
