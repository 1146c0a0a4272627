"""What commands print for people: progress on standard error, tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from proxy.control.control import Control
from proxy.control.tables import CELLS, Tables

PLAIN_WIDTH = 100
"""Columns where the output is no terminal."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere a line at each quarter. What it gives is called with how many are done."""
    if not sys.stderr.isatty():
        quarters = {total * part // 4 for part in range(1, 5)}

        def line(done: int) -> None:
            if done in quarters:
                say(f"  {done} of {total} {what}")

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def console() -> Console:
    """Standard output, as wide as its terminal."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def table(title: str, *columns: str) -> Table:
    """An empty table whose first column is words and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    return made


def findings(tables: Tables) -> Table:
    """The 2x2 table of every variable, a row each."""
    made = table(
        "Findings: baseline fails x candidate fails, over every scored request",
        *("variable", "scored", "both fail", "only baseline", "only candidate", "both pass", "slip"),
    )
    for variable, counts in tables.findings.items():
        both, baseline, candidate, neither = (counts.cells[cell] for cell in CELLS)
        slip = (candidate - baseline) / counts.scored if counts.scored else None
        made.add_row(variable, *map(str, (counts.scored, both, baseline, candidate, neither)), points(slip))
    return made


def figures(tables: Tables) -> Table | None:
    """The mean of every figure that was measured; None where none was."""
    made = table("Measured, and not judged", "analyzer", "figure", "against", "pairs", "mean")
    for (analyzer, figure, against), bins in tables.figures.items():
        if count := sum(bins.counts):
            made.add_row(analyzer, figure, against, str(count), f"{bins.total / count:.4f}")
    return made if made.rows else None


def guardrails(control: Control) -> Table:
    """What may be said of each guardrail."""
    made = table(
        f"Verdict: {control.verdict()['verdict']}",
        *("guardrail", "state", "sessions", "baseline fails", "candidate fails", "slip", "margin"),
    )
    for row in control.judgements():
        rates = (share(row.baseline_rate), share(row.candidate_rate), points(row.slip), share(row.margin))
        made.add_row(row.name, row.state, str(row.sessions), *rates)
    return made


def ledger(states: Mapping[str, int]) -> Table:
    """The states that any request has ended in."""
    made = table("Ledger", "state", "requests")
    for state, count in states.items():
        if count:
            made.add_row(state, str(count))
    return made


def print_findings(control: Control) -> None:
    """Findings, figures, guardrails and the ledger."""
    out = console()
    out.print(findings(control.tables))
    if (measured := figures(control.tables)) is not None:
        out.print(measured)
    out.print(guardrails(control))
    out.print(ledger(control.ledger()["states"]))


def share(value: float | None) -> str:
    """A rate in per cent."""
    return "-" if value is None else f"{value:.1%}"


def points(value: float | None) -> str:
    """A difference of rates, with its sign."""
    return "-" if value is None else f"{value:+.1%}"
