"""docs/redaction.md is what is measured, on texts that say themselves what is private in them."""

from __future__ import annotations

from cases_report.__main__ import PAGE
from cases_report.generate import KINDS, texts
from cases_report.measure import counted, untouched
from cases_report.page import page


def test_the_page_is_what_is_measured() -> None:
    assert page(counted(texts()), untouched()) == PAGE.read_text()


def test_at_least_two_thousand_texts_and_the_same_from_the_same_seed() -> None:
    drawn = list(texts(3))

    assert len(drawn) >= 2_000
    assert drawn == list(texts(3))
    assert {text.kind for text in drawn} == {kind.name for kind in KINDS}
    assert all(0 <= text.start < text.end <= len(text.text) for text in drawn)
    assert not any(sign in text.text for text in drawn for sign in "⟦⟧")


def test_another_seed_gives_the_same_picture() -> None:
    """The page's seed is not one that flatters."""

    def recall(seed: int) -> float:
        forms = counted(texts(seed, each=4)).forms.values()
        return sum(tally.whole for tally in forms) / sum(tally.texts for tally in forms)

    assert abs(recall(7) - recall(8)) < 0.03
