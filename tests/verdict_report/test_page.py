"""docs/verdict.md and its pictures are what was measured, and the promises on it are kept."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from verdict_report.__main__ import faults, files
from verdict_report.measuring import results
from verdict_report.page import targets
from verdict_report.sections import false_alarms


def test_the_page_is_what_was_measured_and_a_batch_gives_the_same_again() -> None:
    assert list(faults()) == []


def test_error_rates_rest_on_ten_thousand_runs_and_more() -> None:
    found = results()
    errors = [*found["false_alarms"].values(), *found["safe"]["false"], found["coverage"]]

    assert all(each["runs"] >= 10_000 for each in errors)
    assert set(found["false_alarms"]) == set(false_alarms.SCENARIOS)


def test_no_error_rate_is_above_what_is_promised() -> None:
    promised = ("false", "interval")

    assert [each for each in targets(results()) if each.words.startswith(promised) and not each.met] == []


def test_every_picture_is_an_image_with_a_title_and_a_description() -> None:
    drawn = [text for path, text in files().items() if path.suffix == ".svg"]

    assert drawn
    for text in drawn:
        root = ET.fromstring(text)
        assert [child.tag.rpartition("}")[2] for child in root][:2] == ["title", "desc"]
