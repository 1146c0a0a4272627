"""What the demo prints for people, beside what other commands print too."""

from __future__ import annotations

from rich.table import Table

from proxy import shown
from proxy.demo.rehearsal import Stand
from proxy.demo.traffic import Tally
from proxy.verdict_table import render


def print_tables(stand: Stand, tally: Tally) -> None:
    """Findings, guardrails, the ledger and where to look further."""
    control, console = stand.deployment.control, shown.console()
    console.print(shown.findings(control.tables))
    if (measured := shown.figures(control.tables)) is not None:
        console.print(measured)
    console.print(render(control.told(), control.stage_now(), console.width), "")
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


def _ledger(stand: Stand, tally: Tally) -> Table:
    ledger = stand.deployment.control.ledger()
    states, total = ledger["states"], ledger["total"]
    table = shown.ledger(states)
    table.add_section()
    told = sum(states.values())
    good = told == total == tally.sent
    table.add_row("sum of the states", str(told))
    table.add_row("total", str(total))
    table.add_row("sent by the client", str(tally.sent))
    table.add_row("they agree" if good else "THEY DIFFER", "yes" if good else "no")
    return table
