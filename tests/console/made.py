"""Cases and a pool to show, made for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from analyzers.finding import Finding, Measurement, Score
from analyzers.pair import Choice
from analyzers.token_divergence.divergence import FIGURES
from cases.case import Answer, Case, Label, Stratum
from cases.filter import Filter, after, place
from cases.pool import Access, Held, Kept, Stats

ASKED = "What is 12 + 30 + 41?"


def answer(*texts: str) -> Answer:
    choices = tuple(Choice(text=text, finish_reason="stop") for text in texts)
    return Answer("complete", 200, choices, prompt_tokens=12, completion_tokens=20, first_token=0.02, duration=0.4)


def case(
    pair_id: str = "p1",
    baseline: str = "12 + 30 + 41 is 83.",
    candidate: str = "12 + 30 + 41 is 63.",
    *,
    asked: str = ASKED,
    at: str = "2026-11-02T09:00:00+00:00",
) -> Case:
    """A sum that the candidate gets wrong."""
    return Case(
        pair_id=pair_id,
        at=at,
        subject="5ub7",
        session="5e55",
        primary="baseline",
        state="paired",
        inclusion=0.05,
        revision="int4-2026-11",
        path="/v1/chat/completions",
        request={"model": "m", "temperature": 0, "messages": [{"role": "user", "content": asked}]},
        headers={},
        baseline=answer(baseline),
        candidate=answer(candidate),
        findings=(
            Finding("served", "1", "served", Score(0.0), Score(0.0)),
            Finding("math.checked", "1", "math.checked", Score(0.0), Score(1.0, "wrong_answer")),
        ),
        measurements=(
            Measurement("similarity", "1", (0.05, 0.8, 0.0)),
            Measurement(
                "token_divergence",
                "1",
                tuple({"first_disagreement": 0.5, "margin": 0.04}.get(name, 0.1) for name in FIGURES),
            ),
        ),
        segments=("language=en",),
        redacted={"email": 2},
        strata=(Stratum("uniform", 0.1), Stratum("math.checked math.checked:wrong_answer", 0.5)),
    )


@dataclass
class MemoryPool:
    """The pool's contract over a list."""

    cases: dict[str, Case] = field(default_factory=dict)
    noted: list[Access] = field(default_factory=list)

    def add(self, case: Case) -> Kept:
        self.cases[case.pair_id] = case
        return Kept.KEPT

    def find(self, filter: Filter) -> list[Case]:  # noqa: A002 - as the contract has it
        start = after(filter)
        held = sorted(self.cases.values(), key=lambda each: place(each, filter.order), reverse=True)
        wanted = [
            each for each in held if filter.holds(each) and (start is None or place(each, filter.order) < start)
        ]
        return wanted[: filter.limit]

    def get(self, pair_id: str) -> Case | None:
        return self.cases.get(pair_id)

    def label(self, pair_id: str, label: Label) -> Case | None:
        if (found := self.cases.get(pair_id)) is None:
            return None
        self.cases[pair_id] = labelled = found.labelled(label)
        return labelled

    def erase(self, subject: str, by: str, at: str) -> int:
        gone = [name for name, each in self.cases.items() if each.subject == subject]
        for name in gone:
            del self.cases[name]
        return len(gone)

    def stats(self) -> Stats:
        return Stats(cases=len(self.cases), strata={"uniform": Held(len(self.cases), len(self.cases), 10.0, 0.0)})

    def note(self, access: Access) -> None:
        self.noted.append(access)

    def accesses(self, *, before: int | None = None, limit: int = 100) -> list[tuple[int, Access]]:
        return [*enumerate(self.noted)]

    def close(self) -> None:
        pass

    def floors(self) -> Mapping[str, float]:
        return {}


def pool(*cases: Case) -> MemoryPool:
    return MemoryPool({each.pair_id: each for each in cases})


def repeated(one: Case, text: str) -> Case:
    """The case with a control answer."""
    return replace(one, repeat=answer(text))
