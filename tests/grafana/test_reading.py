"""How a board's queries are filled in, as Grafana does it."""

from __future__ import annotations

from grafana.reading import Window, filled


def test_variables_are_filled_in_plain_braced_and_many() -> None:
    values = {"job": "slipgauge", "guardrail": ["json.invalid", "served"], "__range": "60s"}

    assert filled('x{job=~"$job"}[$__range]', values) == 'x{job=~"slipgauge"}[60s]'
    assert filled('x{guardrail=~"${guardrail}"}', values) == r'x{guardrail=~"(json\\.invalid|served)"}'
    assert filled("$unknown and $jobs", values) == "$unknown and $jobs"


def test_a_rate_spans_four_scrapes_or_a_step_and_a_scrape() -> None:
    assert Window(0, 60, 15).builtins["__rate_interval"] == "60s"
    assert Window(0, 86_400, 15).builtins["__rate_interval"] == "375s"
    assert Window(0, 60, 1).builtins == {"__rate_interval": "4s", "__interval": "1s", "__range": "60s"}
