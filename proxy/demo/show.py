"""What the demo prints for people: progress on standard error, tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from proxy.control.tables import CELLS
from proxy.demo.rehearsal import Stand
from proxy.demo.traffic import Tally

PLAIN_WIDTH = 100
"""Columns where the output is no terminal."""


class Advance(Protocol):
    """Called after every answer."""

    def __call__(self, tally: Tally) -> None:
        """Show how far the client has come."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def progress(total: int) -> Iterator[Advance]:
    """A bar on a terminal; elsewhere a line at each quarter."""
    if not sys.stderr.isatty():
        quarters = {total * part // 4 for part in range(1, 5)}

        def line(tally: Tally) -> None:
            if tally.answered in quarters:
                say(f"  {tally.answered} of {total} answered")

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("requests", total=total)
        yield lambda tally: bar.update(task, completed=tally.answered)


def print_tables(stand: Stand, tally: Tally) -> None:
    """Findings, guardrails, the ledger and where to look further."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    console.print(_findings(stand))
    console.print(_guardrails(stand))
    console.print(_ledger(stand, tally))
    rate = tally.answered / tally.seconds if tally.seconds else 0.0
    console.print(
        f"{tally.answered} requests in {tally.seconds:.1f} s ({rate:.1f}/s on each arm), "
        f"{tally.failed} without a whole answer",
        highlight=False,
    )
    for error, count in (*tally.statuses.items(), *tally.errors.items()):
        if error != 200:
            console.print(f"  {count} times {error}", highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _findings(stand: Stand) -> Table:
    table = _table(
        "Findings: baseline fails x candidate fails, over every scored request",
        *("variable", "scored", "both fail", "only baseline", "only candidate", "both pass", "slip"),
    )
    for variable, counts in stand.deployment.control.tables.findings.items():
        both, baseline, candidate, neither = (counts.cells[cell] for cell in CELLS)
        slip = (candidate - baseline) / counts.scored if counts.scored else None
        cells = (counts.scored, both, baseline, candidate, neither)
        table.add_row(variable, *map(str, cells), _points(slip))
    return table


def _guardrails(stand: Stand) -> Table:
    verdict = stand.deployment.control.verdict()["verdict"]
    table = _table(
        f"Verdict: {verdict}",
        *("guardrail", "state", "sessions", "baseline fails", "candidate fails", "slip", "margin"),
    )
    for row in stand.deployment.control.judgements():
        rates = (_share(row.baseline_rate), _share(row.candidate_rate), _points(row.slip), _share(row.margin))
        table.add_row(row.name, row.state, str(row.sessions), *rates)
    return table


def _ledger(stand: Stand, tally: Tally) -> Table:
    ledger = stand.deployment.control.ledger()
    states, total = ledger["states"], ledger["total"]
    table = _table("Ledger", "state", "requests")
    for state, count in states.items():
        if count:
            table.add_row(state, str(count))
    table.add_section()
    told = sum(states.values())
    good = told == total == tally.sent
    table.add_row("sum of the states", str(told))
    table.add_row("total", str(total))
    table.add_row("sent by the client", str(tally.sent))
    table.add_row("they agree" if good else "THEY DIFFER", "yes" if good else "no")
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"
