"""Cases for tests, made of what matters in them."""

from __future__ import annotations

from analyzers.finding import Finding, Measurement, Score
from analyzers.pair import Choice
from analyzers.registry import load, names
from cases.case import Answer, Case, Stratum

ANALYZERS = {variable: each.name for each in load(names()) for variable in each.variables}
"""By variable, the analyzer that has it."""
AT = "2026-01-02T03:04:05.000Z"


def finding(variable: str, baseline: bool, candidate: bool) -> Finding:  # noqa: FBT001
    """Which of the arms failed; `wrong` is the label."""
    scores = (Score(1.0, "wrong") if failed else Score(0.0) for failed in (baseline, candidate))
    return Finding(ANALYZERS.get(variable, variable), "1", variable, *scores)


def case(
    pair_id: str,
    *findings: Finding,
    distance: float = 0.0,
    prompt: str | None = None,
    subject: str = "s",
    at: str = AT,
    strata: tuple[Stratum, ...] = (),
    answer: str = "43",
) -> Case:
    """One whose prompt is like no other's where none is given."""
    text = " ".join(f"{pair_id}word{number}" for number in range(8)) if prompt is None else prompt
    return Case(
        pair_id=pair_id,
        at=at,
        subject=subject,
        session="k",
        primary="baseline",
        state="paired",
        inclusion=1.0,
        revision="1",
        path="/v1/chat/completions",
        request={"messages": [{"role": "user", "content": text}]},
        headers={},
        baseline=Answer("complete", 200, (Choice("42"),)),
        candidate=Answer("complete", 200, (Choice(answer),)),
        findings=findings,
        measurements=(Measurement("similarity", "1", (distance, 0.5, 0.0)),),
        segments=("model=m", "streaming=no"),
        strata=strata,
    )
