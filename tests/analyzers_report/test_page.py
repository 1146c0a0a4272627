"""docs/analyzers.md is written by `python -m analyzers_report`, whole or in parts."""

from __future__ import annotations

import pytest

from analyzers.truncation import Truncation
from analyzers_report.__main__ import HEAD, PAGE
from analyzers_report.made.said import asked, told
from analyzers_report.section import Section, cannot_tell, replaced, untimed
from analyzers_report.sections import SECTIONS
from analyzers_report.timing import TIMED
from tests.analyzers.exchanges import pair


def test_a_section_is_replaced_and_the_others_stay() -> None:
    page = "old head\n\n## `a`\n\nold a\n\n## `b`\n\nold b\n"

    assert replaced(page, "head\n", {"b": "## `b`\n\nnew b\n"}, ("b", "a", "c")) == (
        "head\n\n## `b`\n\nnew b\n\n## `a`\n\nold a\n"
    )


def test_the_page_has_every_section_in_order_under_this_head() -> None:
    page = PAGE.read_text()

    assert page.startswith(HEAD)
    assert [line[4:-1] for line in page.splitlines() if line.startswith("## `")] == list(SECTIONS)


def test_what_an_analyzer_cannot_tell_is_its_modules_own_paragraph() -> None:
    page = PAGE.read_text()
    said = cannot_tell(Truncation())
    assert said
    assert "\n" not in said
    with pytest.raises(ValueError, match="no paragraph"):
        cannot_tell(pair)  # type: ignore[arg-type]  # a thing whose module says nothing of the kind
    assert page.count("**Cannot tell:**") == len(SECTIONS)


@pytest.mark.parametrize("name", ["tools", "json"])
def test_a_section_measured_again_is_the_same_but_for_times(name: str) -> None:
    section = str(SECTIONS[name]())

    assert untimed(section) in untimed(PAGE.read_text())
    assert TIMED in section
    assert TIMED not in untimed(section)


def test_a_section_without_counts_has_no_table() -> None:
    one = pair(asked("Hi"), told("Hi"), told("Hi"))
    section = str(Section(Truncation(), "Counted by servers.", {}, [one]))

    assert "|" not in section
    assert "(1 pairs)" in section
