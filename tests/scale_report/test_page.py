"""docs/scale.md and its pictures are what was simulated."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from scale_report.__main__ import faults, files
from scale_report.measuring import results


def test_the_page_is_what_was_simulated_and_a_few_gateways_end_the_same_again() -> None:
    assert list(faults()) == []


def test_every_sampled_request_of_the_whole_fleet_is_accounted_for() -> None:
    found = results()

    for fleet in found["fleets"]:
        total = sum(sum(counts) for counts in fleet["states"].values())
        expected = 100_000 * fleet["sample"] * found["seconds"]
        assert abs(total - expected) < 5 * expected**0.5


def test_every_picture_is_an_image_with_a_title_and_a_description() -> None:
    drawn = [text for path, text in files(results()).items() if path.suffix == ".svg"]

    assert len(drawn) == 2
    for text in drawn:
        assert [child.tag.rpartition("}")[2] for child in ET.fromstring(text)][:2] == ["title", "desc"]
