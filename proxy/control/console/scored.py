"""What was found of a case, and what was measured: findings in words, times and tokens. Pure."""

from __future__ import annotations

from analyzers.finding import Finding, Measurement, Outcome, Score
from cases.case import Answer, Case
from proxy.control.console import reasons
from proxy.control.console.chart import percent
from proxy.control.console.layout import table
from proxy.control.console.markup import Child, Html, tag


def findings(case: Case) -> Html:
    """What each analyzer says of each answer, what only the candidate failed first."""
    columns = {"name": "Variable", "baseline": "Baseline", "candidate": "Candidate", "repeat": "Control"}
    ordered = sorted(case.findings, key=lambda each: (-each.slip, each.variable))
    rows: list[list[Child]] = [
        [
            tag("code", each.variable),
            _score(each, each.baseline),
            _score(each, each.candidate),
            "–" if each.repeat is None else _score(each, each.repeat),
        ]
        for each in ordered
    ]
    return tag(
        "section",
        tag("h2", "Findings"),
        table("What each analyzer says of each answer", columns, rows, "findings")
        if rows
        else tag("p", "No analyzer applied.", class_="muted"),
        _measured(case),
    )


def _score(finding: Finding, score: Score) -> Html:
    failed = score.outcome is Outcome.FAIL
    share = f" ({percent(score.failed)} of choices)" if 0 < score.failed < 1 else ""
    return tag(
        "span",
        tag("span", "✕" if failed else "✓", aria_hidden="true"),
        tag("span", "failed: " if failed else "passed: ", class_="hidden"),
        f" {reasons.words(finding.analyzer, score)}{share}",
        class_=f"score {'fail' if failed else 'pass'}",
    )


def _measured(case: Case) -> Child:
    if not case.measurements:
        return None
    rows = [(tag("dt", each.analyzer), tag("dd", _figures(each))) for each in case.measurements]
    return tag("details", tag("summary", "Measured, without a judgement"), tag("dl", rows))


def _figures(measurement: Measurement) -> str:
    figures = ", ".join(f"{each:.3g}" for each in measurement.figures)
    noise = ", ".join(f"{each:.3g}" for each in measurement.noise)
    return f"{figures}{f'; between two answers of the baseline: {noise}' if noise else ''}"


def timings(case: Case) -> Html:
    """Times and tokens of each answer, the control among them."""
    arms = {"baseline": case.baseline, "candidate": case.candidate} | (
        {"control": case.repeat} if case.repeat is not None else {}
    )
    columns = {
        "name": "Answer",
        "end": "End",
        "first": "First token",
        "whole": "Whole",
        "prompt": "Prompt tokens",
        "tokens": "Answer tokens",
    }
    rows: list[list[Child]] = [
        [
            arm,
            ended(answer),
            _seconds(answer.first_token),
            _seconds(answer.duration),
            f"{answer.prompt_tokens:,}",
            f"{answer.completion_tokens:,}",
        ]
        for arm, answer in arms.items()
    ]
    return tag("section", tag("h2", "Timings"), table("Times and tokens of each answer", columns, rows, "timings"))


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{1000 * value:.0f} ms" if value < 10 else f"{value:.1f} s"


def ended(answer: Answer) -> str:
    """How an answer ended."""
    finished = ", ".join(dict.fromkeys(each.finish_reason for each in answer.choices if each.finish_reason))
    status = "no status" if answer.status is None else f"HTTP {answer.status}"
    return " · ".join(filter(None, (status, answer.end, finished)))
