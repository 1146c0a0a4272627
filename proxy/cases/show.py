"""Cases for people at a terminal. Every text is a customer's or a model's, and is shown as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import orjson

from analyzers.asked import last_user_text
from analyzers.pair import Request
from cases.case import Answer, Case
from cases.divergence import divergence
from cases.filter import failures
from cases.pool import Stats
from proxy.cases.plain import line, plain


def listed(cases: Sequence[Case], following: str | None) -> None:
    """A line each."""
    for case in cases:
        found = sorted({f"{variable}:{label}" for _, variable, label in failures(case)})
        said = [str(label.judged) for label in case.labels]
        more = f" +{case.duplicates}" if case.duplicates else ""
        apart = f"{divergence(case.measurements):.2f}"
        click.echo(line("  ".join((case.pair_id + more, case.at, apart, " ".join(found) or "-", " ".join(said)))))
    if following is not None:
        click.echo(f"more: --before {line(following)}", err=True)
    if not cases:
        click.echo("no case is like that", err=True)


def case(kept: Case) -> None:
    """All of one case."""
    _row(
        "case", f"{kept.pair_id}, {kept.at}, {kept.state}, answered by the {kept.primary}, revision {kept.revision}"
    )
    _row("client", f"{kept.subject} (session {kept.session})")
    _row("strata", ", ".join(f"{each.name} (p = {each.probability:.3g})" for each in kept.strata))
    _row("segments", ", ".join(kept.segments))
    if kept.duplicates:
        _row("alike", f"{kept.duplicates} near-duplicates were counted on it")
    for finding in kept.findings:
        told = f"baseline {finding.baseline.label}, candidate {finding.candidate.label}"
        _row(finding.variable, told + (f", repeat {finding.repeat.label}" if finding.repeat else ""))
    for measured in kept.measurements:
        _row(measured.analyzer, ", ".join(f"{figure:.3g}" for figure in measured.figures))
    for label in kept.labels:
        about = f" of {label.analyzer}" if label.analyzer else ""
        _row("label", f"{label.judged}{about} by {label.by}, {label.at}: {label.note}")
    if not kept.texts:
        click.echo("\nIts texts are not kept.")
        return
    _text("asked", last_user_text(Request(kept.path, kept.request)))
    for name, answer in (("baseline", kept.baseline), ("candidate", kept.candidate), ("repeat", kept.repeat)):
        if answer is not None:
            _text(f"{name}, {answer.end} {answer.status or ''}", _answered(answer))


def stats(found: Stats) -> None:
    """The pool as tables."""
    _row("cases", f"{found.cases}, {found.bytes / 1e6:.1f} MB, {found.duplicates} near-duplicates counted on them")
    if found.oldest and found.newest:
        _row("from", f"{found.oldest} to {found.newest}")
    for name, held in found.strata.items():
        _row(name, f"{held.cases} cases of {held.pairs:.0f} pairs")
    for variable, rate in found.rates.items():
        shares = f"baseline {rate.baseline:.2%}, candidate {rate.candidate:.2%}"
        _row(variable, f"{shares} of {rate.pairs:.0f} pairs, as estimated")
    for analyzer, said in found.precision.items():
        ratio = f"{said.ratio:.0%}" if said.ratio is not None else "-"
        _row(analyzer, f"{ratio} of {said.right + said.wrong} judged findings are right")


def stats_told(found: Stats) -> dict[str, Any]:
    """The same as JSON has it."""
    return {
        "cases": found.cases,
        "bytes": found.bytes,
        "duplicates": found.duplicates,
        "oldest": found.oldest,
        "newest": found.newest,
        "strata": {name: held._asdict() for name, held in found.strata.items()},
        "rates": {name: rate._asdict() for name, rate in found.rates.items()},
        "precision": {name: said._asdict() | {"ratio": said.ratio} for name, said in found.precision.items()},
    }


def _answered(answer: Answer) -> str:
    parts = list[str]()
    for choice in answer.choices:
        parts += [choice.text, choice.refusal]
        parts += [f"{call.name}({call.arguments})" for call in choice.tool_calls]
        parts.append(f"[{choice.finish_reason}]" if choice.finish_reason not in ("", "stop") else "")
    return "\n".join(filter(None, parts)) or orjson.dumps(answer.status).decode()


def _row(name: str, told: str) -> None:
    click.echo(f"{line(name):<22} {line(told)}")


def _text(name: str, text: str) -> None:
    click.echo(f"\n--- {line(name)}\n{plain(text)}")
