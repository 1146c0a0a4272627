"""How a command ends: what is printed, and the exit codes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import orjson

if TYPE_CHECKING:
    from proxy.handover import Handover

GOOD, ERROR, USAGE = 0, 1, 2
INTERRUPTED = 130
"""As a shell says that SIGINT ended a command."""
VERDICT_CODES = {"pass": GOOD, "fail": 3, "inconclusive": 4, "no_data": 4}
DOCTOR_CODES = {"ok": GOOD, "unfair": 3, "unknown": 4}

T = TypeVar("T")


def awaited(running: Coroutine[Any, Any, T], *failures: type[Exception]) -> T:
    """What it comes to; the command ends where it is interrupted, or fails in one of these ways, in their words."""
    import uvloop  # noqa: PLC0415

    try:
        return uvloop.run(running)
    except failures as error:
        fail(str(error), ERROR)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)


def handover_to(job: str, gateway: str | None, file: Path | None) -> Handover:
    """Where a run's metrics go at its end. Raises click.UsageError."""
    from proxy.handover import Handover  # noqa: PLC0415

    try:
        return Handover(job, gateway, file)
    except ValueError as error:
        raise click.UsageError(f"--push-gateway: {error}") from None


def conclude(told: Mapping[str, Any], *, as_json: bool, handover: Handover | None = None) -> NoReturn:
    """End with the verdict's exit code; what was found is said first, and then handed over."""
    if as_json:
        print_json(told)
    if handover is not None:
        from proxy.handover import HandoverError  # noqa: PLC0415

        try:
            handover.finish()
        except HandoverError as error:
            fail(str(error), ERROR)
    sys.exit(VERDICT_CODES[told["verdict"]])


def fail(message: str, code: int) -> NoReturn:
    """End the command with a message on standard error."""
    click.echo(message, err=True)
    sys.exit(code)


def print_json(value: object) -> None:
    """Print what a program reads."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
