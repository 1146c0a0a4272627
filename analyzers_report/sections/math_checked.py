"""Final answers and steps, on the labels of GSM8K's example solutions, and expressions by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import orjson

from analyzers.math_checked import MathChecked, answers, equivalence, matches
from analyzers.math_checked.asked import GOLD_HEADER, gold_number
from analyzers.pair import Request
from analyzers_report.cases import OK, Case, Cells, cells, said
from analyzers_report.made.expressions import EXPRESSIONS, WAYS
from analyzers_report.made.said import CHAT, told
from analyzers_report.rates import Rate
from analyzers_report.section import Section, paired
from analyzers_report.timing import timed
from benchmarks.figures import table

DATA = Path(__file__).parents[2] / "tests" / "analyzers" / "data" / "gsm8k_solutions.jsonl"
MEASURED = """\
On the example solutions of GSM8K's test problems (https://github.com/openai/grade-school-math, MIT; 787 of the
1,319 problems, four models' solutions to each), labelled by whether the final answer is right, with the right one
as gold; and on expressions by construction. Nothing was fitted; four false steps stand in solutions whose final
answer is right, which the table counts against the analyzer."""


def section() -> Section:
    """Failures by model, final answers and steps apart, and what computer algebra costs."""
    analyzer = MathChecked()
    analyzer.prepare()
    solved, made = list(solutions()), list(expressions())
    counts: dict[str, Cells] = {**cells(analyzer, solved), **cells(analyzer, made)}
    further = "\n\n".join((apart(solved), cost(analyzer, solved, made)))
    return Section(analyzer, MEASURED, counts, paired(solved), further)


def solutions() -> Iterator[Case]:
    """Each solution, by the model that wrote it."""
    for line in DATA.read_bytes().splitlines():
        problem = orjson.loads(line)
        right = problem["ground_truth"].rpartition("A:")[2].strip()
        for model, solution in problem["solutions"].items():
            label = OK if solution["is_correct"] else "wrong_answer"
            yield Case(f"GSM8K, {model}", asked(problem["question"], right), told(solution["solution"]), label)


def expressions() -> Iterator[Case]:
    """Each gold with what equals it and what does not, in every way of saying so."""
    for gold, equal, other in EXPRESSIONS:
        for label, claims in ((OK, equal), ("wrong_answer", other)):
            for claim in claims:
                for way in WAYS:
                    yield Case(
                        "expressions by construction", asked("Solve it.", gold), told(way.format(claim)), label
                    )


def asked(prompt: str, gold: str) -> Request:
    """A request with a gold."""
    return Request(CHAT, {"messages": [{"role": "user", "content": prompt}]}, {GOLD_HEADER: gold})


def apart(solved: list[Case]) -> str:
    """Final answers by themselves, and steps that are called false."""
    agreed, flagged = Counter[bool](), Counter[bool]()
    for case in solved:
        text = answers.plain(case.answer.choices[0].text)
        final, right = answers.final(text), gold_number(case.request.headers[GOLD_HEADER])
        good = final is not None and right is not None and matches(right, final)
        agreed[good == (case.label == OK)] += 1
        if answers.false_step(text):
            flagged[case.label != OK] += 1
    rows = (
        ("final answer as labelled", f"{agreed.total():,}", str(Rate(agreed[True], agreed.total()))),
        (
            "false step, and the final answer is wrong",
            f"{flagged.total()}",
            str(Rate(flagged[True], flagged.total())),
        ),
    )
    return table(("GSM8K", "n", "share"), rows)


def cost(analyzer: MathChecked, solved: list[Case], made: list[Case]) -> str:
    """How often computer algebra is asked, and what that takes."""
    rows = []
    for name, cases in (("GSM8K", solved), ("expressions by construction", made)):
        calls = Counter[bool]()
        for case in cases:
            with patch.object(equivalence, "equivalent", wraps=equivalence.equivalent) as asked_for:
                said(analyzer, case)
            calls[asked_for.called] += 1
        rows.append((name, f"{len(cases):,}", f"{calls[True]:,}"))
    wild = [case for case in made if case.label != OK]
    shown = table(("answers", "n", "computer algebra asked"), rows)
    return f"{shown}\n\n{OF_EXPRESSIONS} {timed(analyzer, paired(wild))}"


OF_EXPRESSIONS = "Microseconds a pair, by the processor's clock: of expressions that are not equal,"
