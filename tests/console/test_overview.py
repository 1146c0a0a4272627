from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from proxy.control.console import chart
from proxy.control.console.history import Slip
from proxy.control.console.layout import Frame
from proxy.control.console.overview import Seen, headline, overview, sureness, where
from tests.console.test_markup import read

FRAME = Frame("1.2.3", "int4-2026-11", "f0rm")


def row(name: str, state: str, slip: float | None, **more: Any) -> dict[str, Any]:
    around = {"lower": None, "upper": None} if slip is None else {"lower": slip - 0.02, "upper": slip + 0.02}
    return {
        "name": name,
        "state": state,
        "sessions": 0 if slip is None else 1_500,
        "baseline_rate": None if slip is None else 0.05,
        "candidate_rate": None if slip is None else 0.05 + slip,
        "slip": slip,
        "e_value": 1.0 if slip is None else 1009.2,
        "threshold": 1000.0,
        "safe_e_value": 0.01,
        "safe_threshold": 20.0,
        "margin": 0.03,
        "required": True,
        "reason": "because <b>",
        "forecast": None,
        **around,
        **more,
    }


ROWS = [row("json.invalid", "fail", 0.13), row("served", "pass", 0.0), row("tools.called", "no_data", None)]


def seen(rows: list[dict[str, Any]], verdict: str = "fail", **stage: Any) -> Seen:
    return Seen(
        told={
            "verdict": verdict,
            "guardrails": rows,
            "blocks": ["A/A alarm on json.invalid"],
            "segments": [
                {
                    "guardrail": "served",
                    "segment": "language=en",
                    "sessions": 9,
                    "slip": 0.1,
                    "lower": 0.0,
                    "upper": 0.2,
                },
                {
                    "guardrail": "served",
                    "segment": "language=de",
                    "sessions": 9,
                    "slip": 0.1,
                    "lower": None,
                    "upper": None,
                },
            ],
            "late_slip": {"alert": False},
        },
        stage={
            "stage": "rolled_back",
            "candidate_weight": 0.0,
            "step": {"number": 0, "of": 3, "weight": 0.0},
            "waiting": [],
            "guard": None,
            "reason": "json.invalid: too much; served: too",
            **stage,
        },
        ledger={
            "states": {"paired": 3, "not_sampled": 2, "client_abort": 0},
            "open": 1,
            "total": 6,
            "balanced": True,
        },
        weights=(0.0, 0.1, 0.5),
        harm=0.01,
        safe=0.05,
        slips={"json.invalid": [(0.0, Slip(0.1, -1.0, 1.0)), (60.0, Slip(0.13, 0.11, 0.15))], "served": []},
        cases={"json.invalid": "/cases?analyzer=json"},
        endpoints={"/verdict": "the verdict", "/assets/{name}": "files"},
    )


def test_the_one_question_is_answered_first() -> None:
    page = overview(FRAME, seen(ROWS))
    words = " ".join(read(page).words.split())

    assert "<h1>The candidate loses more than it may, on 1 of 3 guardrails.</h1>" in page
    assert (
        "Most at json.invalid: +13.0 % of 1,500 sessions, between +11.0 % and +15.0 %; the margin is 3.0 %."
        in words
    )
    assert "at most 1% of rollouts" in words
    assert words.index("loses more") < words.index("rolled back") < words.index("because <b>")


@pytest.mark.parametrize(
    ("verdict", "rows", "said"),
    [
        (
            "pass",
            [row("a", "pass", 0.0)],
            "Nothing is lost that matters: 1 guardrail required, and every one is safe.",
        ),
        ("inconclusive", ROWS[1:], "Not known yet: 1 of 2 guardrails still open, and none has failed."),
        ("no_data", ROWS[2:], "Nothing is known yet: too few sessions have been measured."),
    ],
)
def test_the_headline_says_no_more_than_is_known(verdict: str, rows: list[dict[str, Any]], said: str) -> None:
    assert headline(verdict, rows) == said
    assert "5%" in sureness(verdict, 0.01, 0.05)


def test_nothing_is_said_of_where_before_it_is_known() -> None:
    assert where(ROWS[2:]) == ""


def test_no_state_is_told_by_colour_alone() -> None:
    words = " ".join(read(overview(FRAME, seen(ROWS))).words.split())

    assert all(said in words for said in ("✕ fail", "✓ pass", "○ no data"))


def test_the_ledger_is_shown_with_its_identity() -> None:
    balanced = " ".join(read(overview(FRAME, seen(ROWS))).words.split())
    told = seen(ROWS)
    broken = read(overview(FRAME, told._replace(ledger={**told.ledger, "balanced": False}))).words

    assert "3 + 2 + 1 = 6: it balances." in balanced
    assert "1 states never seen" in balanced
    assert "DOES NOT BALANCE" in broken


def test_the_way_up_shows_where_it_is_and_what_is_next() -> None:
    canary = overview(
        FRAME,
        seen(
            ROWS[1:2],
            "inconclusive",
            stage="canary",
            step={"number": 1, "of": 3, "weight": 0.1},
            waiting=["12 of 300"],
        ),
    )

    assert '<li class="done">shadow</li><li aria-current="step">canary 10%</li><li>canary 50%</li>' in canary
    assert "<li>12 of 300</li>" in canary
    assert '<li class="back" aria-current="step">rolled back</li>' in overview(FRAME, seen(ROWS))


def test_cases_and_endpoints_are_linked_where_there_are_any() -> None:
    page = overview(FRAME, seen(ROWS))

    assert 'href="/cases?analyzer=json" aria-label="cases of json.invalid"' in page
    assert page.count('aria-label="cases of') == 1
    assert '<a href="/verdict">/verdict</a>' in page
    assert "<code>/assets/{name}</code>" in page


def test_every_interval_lies_on_the_picture_and_the_margins_in_one_line() -> None:
    rows = [row("a", "fail", 0.5), row("b", "pass", -0.3, margin=0.005), row("c", "pass", 0.0, margin=0.0)]
    scale = chart.scale_of(rows)
    drawn = [chart.band(each, scale) for each in rows]

    assert len({re.search(r'd="M([\d.]+) 0V24" class="margin"', each).group(1) for each in drawn}) == 1  # type: ignore[union-attr]
    for each in drawn:
        places = [float(x) for x in re.findall(r'c?x="([\d.]+)"', each)]
        assert all(0 <= x <= chart.WIDTH for x in places)


@pytest.mark.parametrize("low", [-0.6, -0.02, 0.0])
def test_the_marks_of_a_scale_do_not_overlap(low: float) -> None:
    drawn = chart.over_time("served", [(0.0, Slip(low, low, 0.01)), (60.0, Slip(low, low, 0.01))], 0.03)
    heights = sorted(float(y) for y in re.findall(r'<text x="38" y="([\d.]+)"', drawn))

    assert len(heights) >= 2
    assert all(lower - upper > 12 for upper, lower in pairwise(heights))


def test_a_slip_over_time_is_also_said_in_words() -> None:
    drawn = chart.over_time("served", [(0.0, Slip(0.0, -1.0, 1.0)), (3_600.0, Slip(0.01, -0.02, 0.04))], 0.03)

    assert (
        'role="img" aria-label="Slip of served from 00:00:00 to 01:00:00: now +1.0 %, between −2.0 % and +4.0 %; '
        'the margin is 3.0 %"'
    ) in drawn.replace("\u00a0", " ")
    assert "nan" not in drawn


@pytest.mark.parametrize(("value", "share"), [(0.0, 0), (1.0, 0), (1_000.0, 96), (1e300, 96), (31.6, 48)])
def test_evidence_is_drawn_by_its_logarithm_up_to_its_bar(value: float, share: float) -> None:
    drawn = re.search(r'width="([\d.]+)" height="4" rx="2" class="reached"', chart.evidence(value, 1_000.0, "harm"))

    assert float(drawn.group(1) if drawn else 0) == pytest.approx(share, abs=0.1)
