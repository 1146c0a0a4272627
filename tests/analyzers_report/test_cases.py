"""The sets that analyzers are measured on hold what they say, and the analyzers do what docs claim of them."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import islice

import pytest

from analyzers.code import Code
from analyzers.degeneration import Degeneration
from analyzers.finding import PerAnswer
from analyzers.language import Language
from analyzers_report import assumed
from analyzers_report.cases import OK, Case, cells, labels
from analyzers_report.made import SETS, cases
from analyzers_report.made.code import functions
from analyzers_report.made.said import asked, told
from analyzers_report.made.texts import SENTENCES

COUNT = 1_000


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_the_same_each_time_and_half_of_it_is_good(name: str) -> None:
    once, again = list(cases(name, COUNT)), list(cases(name, COUNT))
    assert once == again
    assert list(cases(name, 10)) == once[:10]
    assert 0.4 < sum(case.label == OK for case in once) / COUNT < 0.6
    assert len({repr((case.request, case.answer)) for case in once}) > 0.5 * COUNT


@pytest.mark.parametrize("name", ["json", "tools", "degeneration", "code"])
def test_every_kind_of_defect_is_in_its_set_and_found(name: str) -> None:
    analyzer = SETS[name][0]()
    found = labels(analyzer, cases(name, COUNT))
    kinds = {label for label, _ in found}
    assert kinds <= analyzer.labels
    assert len(kinds) >= 4
    for (label, said), count in found.items():
        assert (label == OK) == (said == OK), (label, said, count)


def test_another_language_is_mostly_found_and_the_same_never_mistaken() -> None:
    (counts,) = cells(Language(), cases("language", COUNT)).values()
    assert counts[False, True] == 0
    assert counts[True, True] >= 0.94 * (counts[True, True] + counts[True, False])


@pytest.mark.parametrize("analyzer", [Degeneration(), Language(), Code()], ids=lambda analyzer: analyzer.name)
def test_answers_of_real_models_rarely_alarm(analyzer: PerAnswer) -> None:
    total: Counter[tuple[bool, bool]] = Counter()
    for counts in cells(analyzer, assumed.cases(analyzer)).values():
        total += counts
    assert total[False, True] <= 0.005 * total.total()


def test_a_case_outside_the_population_is_an_error() -> None:
    with pytest.raises(ValueError, match="code does not apply to a case of here"):
        cells(Code(), [Case("here", asked("Hi"), told("Hi"))])


def test_the_functions_are_python_and_the_sentences_differ() -> None:
    assert len(functions()) > 100
    for source in islice(functions(), 50):
        ast.parse(source)
    every = [sentence for sentences in SENTENCES.values() for sentence in sentences]
    assert len(set(every)) == len(every)
