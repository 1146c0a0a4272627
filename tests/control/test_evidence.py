"""From what gateways tell to what control says: in order, once each, and at once."""

from __future__ import annotations

from math import log10

import orjson
import pytest

from analyzers.finding import Finding, Score
from proxy.config import Config
from proxy.control.control import Control
from proxy.control.store import Batch
from proxy.report import ENDED, UNSENT, Analysis, Mark, Missing, Report, Unmeasured
from proxy.telemetry import Telemetry
from tests.control.fakes import FixedLedger
from verdict.judge import State
from verdict.rollout import Stage

START = 1_790_000_000_000_000_000


class Clock:
    """Nanoseconds since 1970, set by the test."""

    now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def control(config: Config, clock: Clock) -> Control:
    made = Control(config, Telemetry(), FixedLedger(), "1", clock=clock)
    made.begin()
    return made


def report(number: int, candidate: float = 0.0, *, session: str = "", low: int = 0) -> Report:
    finding = Finding("served", "1", "served", Score(0.0), Score(candidate))
    return Report(
        f"p-{number}",
        session or f"s{number}",
        1.0,
        "baseline",
        "paired",
        {"served": Analysis.SCORED},
        {},
        (finding,),
        arrival=START + number,
        mark=Mark("p", low or START + number + 1),
        segments=("prompt_length=1kB",),
    )


def state(control: Control) -> State:
    return control.judgements()[0].state


def test_the_deciding_report_decides_at_once_and_the_next_look_rolls_back(control: Control) -> None:
    control.look(1.0)
    for number in range(60):
        control.receive(report(number, 1.0))

    assert state(control) is State.FAIL
    (change,) = control.look(1.2)
    assert (change.stage, change.weight) == (Stage.ROLLED_BACK, 0.0)


def test_nothing_counts_before_what_arrived_earlier_is_told_of_or_will_never_be(
    control: Control, clock: Clock
) -> None:
    for number in range(1, 61):
        control.receive(report(number, 1.0, low=START))
    assert control.dossier.folded == 0
    control.receive(Mark("p", START + 30))
    assert control.dossier.folded == 29
    clock.now += 200 * 1_000_000_000
    control.look(1.0)
    assert control.dossier.folded == 60, "the process that has gone silent is waited for no longer"


HOUR = 3_600 * 1_000_000_000


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_step_of_controls_clock_loses_no_evidence(control: Control, clock: Clock, step: int) -> None:
    for number in range(30):
        control.receive(report(number))
    clock.now += step
    for number in range(30, 60):
        control.receive(report(number))
    control.receive(report(60, low=START + 30))  # whose process still has another open
    clock.now += 1_000_000_000
    control.look(1.0)
    control.receive(Mark("p", ENDED))

    assert control.dossier.folded == 61
    assert control.judgements()[0].sessions == 61


def test_what_a_gateway_whose_clock_is_ahead_tells_counts_once_the_others_clocks_are_there_or_they_end(
    control: Control, clock: Clock
) -> None:
    control.receive(Mark("right", START))
    ahead = report(1)._replace(arrival=START + HOUR, mark=Mark("ahead", START + HOUR + 1))
    control.receive(ahead)
    control.receive(report(2)._replace(mark=Mark("right", START + 3)))
    assert control.dossier.folded == 1  # the others' evidence is not held back
    clock.now += HOUR + 1
    control.receive(Mark("right", clock.now))
    assert control.dossier.folded == 2


def test_a_process_that_has_ended_holds_nothing_back(control: Control) -> None:
    control.receive(Mark("other", START))
    control.receive(report(1))
    assert control.dossier.folded == 0
    control.receive(Mark("other", ENDED))
    assert control.dossier.folded == 1


def test_a_report_told_of_twice_counts_once_everywhere(control: Control) -> None:
    for _ in range(2):
        control.receive(report(1, 1.0))

    assert control.tables.reports == 1
    assert control.judgements()[0].sessions == 1
    assert control.dossier.coverage.rates() == {"prompt_length=1kB": 1.0}


def test_a_pair_that_was_given_up_is_missing_and_in_no_table(control: Control) -> None:
    lost = report(1)._replace(
        state="client_abort", analyses={}, findings=(), missing=(Missing("served", "1", "served", -1.0, 0.0),)
    )
    control.receive(lost)
    control.receive(report(2, session="s1"))

    assert control.tables.reports == 1
    assert (control.dossier.tallies["served"].missing, control.dossier.tallies["served"].count) == (1, 0)
    assert control.dossier.later["served", "baseline"].count == 1


def test_what_was_never_sent_counts_for_coverage_alone(control: Control) -> None:
    for number in range(200):
        control.receive(report(number))
        unsent = Unmeasured(START + 1_000 + number, "x", "baseline", "dropped_budget", ("prompt_length=more",))
        control.receive(unsent.report(UNSENT))

    assert control.judgements()[0].sessions == 200
    assert control.facts().blocks == (
        "not covered: prompt_length=more, 50.0% of the traffic: 0.0% is measured, of all 50.0%",
    )


def test_what_lies_behind_the_verdict_is_told(control: Control) -> None:
    for number in range(40):
        control.receive(report(number, float(number == 7), session=f"s{number // 2}"))
    told = orjson.loads(orjson.dumps(control.told()))

    assert told["segments"][0] | {"lower": 0, "upper": 0} == {
        "guardrail": "served",
        "segment": "prompt_length=1kB",
        "sessions": 20,
        "baseline_rate": 0.0,
        "candidate_rate": 0.0,
        "slip": 0.0,
        "lower": 0,
        "upper": 0,
    }
    assert (told["later_turns"][0]["turns"], told["largest_session"], told["coverage"]) == (20, 0.05, 1.0)
    assert told["guardrails"][0]["forecast"] is not None


def test_every_series_of_a_closed_set_is_there_from_the_start(control: Control) -> None:
    control.refresh()
    value = control.telemetry.registry.get_sample_value

    for kind in ("harm", "safe", "repeat"):
        assert value("slipgauge_evidence_log10", {"guardrail": "served", "kind": kind}) == pytest.approx(0.0)
    assert value("slipgauge_evidence_log10", {"guardrail": "served", "kind": "late"}) == -3
    needed = {
        kind: value("slipgauge_evidence_threshold_log10", {"guardrail": "served", "kind": kind})
        for kind in ("harm", "safe", "late", "repeat")
    }
    levels, (guardrail, *_) = control.dossier.terms.levels, control.dossier.terms.guardrails
    assert needed == pytest.approx(
        {
            "harm": -log10(levels.harm * guardrail.weight),
            "safe": -log10(levels.safe),
            "late": log10(levels.run_length),
            "repeat": -log10(levels.repeat * guardrail.weight),
        }
    )
    assert value("slipgauge_margin_ratio", {"guardrail": "served"}) == guardrail.margin
    for history in ("baseline", "candidate", "mixed"):
        assert value("slipgauge_later_turns_total", {"guardrail": "served", "history": history}) == 0
    assert value("slipgauge_missing_sessions_total", {"guardrail": "served"}) == 0
    for name in ("late_slip", "largest_session_ratio", "turns_waiting", "promotion_blocked"):
        assert value(f"slipgauge_{name}") == 0


def test_the_forecast_is_shown_while_there_is_one(control: Control) -> None:
    def shown() -> float | None:
        control.refresh()
        return control.telemetry.registry.get_sample_value("slipgauge_forecast_sessions", {"guardrail": "served"})

    assert shown() is None
    for number in range(40):
        control.receive(report(number))
    ahead = control.judgements()[0].forecast
    assert ahead is not None
    assert shown() == ahead.sessions
    for number in range(40, 400):
        control.receive(report(number, 1.0))
    assert control.judgements()[0].state is State.FAIL
    assert shown() is None


def test_slips_of_former_evidence_are_shown_no_longer(control: Control) -> None:
    control.receive(report(1))
    control.refresh()
    labels = {"guardrail": "served", "segment": "prompt_length=1kB", "bound": "estimate"}
    value = control.telemetry.registry.get_sample_value
    assert value("slipgauge_slip_ratio", labels) == 0
    control.fingerprints = {"candidate": "another"}
    control.begin()
    control.fingerprints = {"candidate": "yet another"}
    control.begin()
    control.refresh()

    assert value("slipgauge_slip_ratio", labels) is None
    assert control.judgements()[0].sessions == 0


def test_the_failure_of_former_evidence_rolls_nothing_back(control: Control) -> None:
    for number in range(60):
        control.receive(report(number, 1.0))
    assert state(control) is State.FAIL
    control.fingerprints = {"candidate": "one"}
    control.begin()
    control.fingerprints = {"candidate": "another"}
    control.begin()

    assert control.look(1.0) == ()
    assert control.rollout.stage is Stage.SHADOW


@pytest.mark.parametrize("stop", range(0, 60, 7))
def test_a_restart_anywhere_is_as_if_it_had_never_stopped(config: Config, clock: Clock, stop: int) -> None:
    script = [
        report(number, float(number % 9 == 4), session=f"s{number // 3}", low=START + number - 3)
        for number in range(60)
    ]

    def fresh() -> Control:
        return Control(config, Telemetry(), FixedLedger(), "1", clock=clock)

    whole, parts, kept = fresh(), fresh(), Batch()
    whole.begin()
    parts.begin()
    for number, each in enumerate(script):
        if number == stop:
            kept.add(parts.snapshot())
            parts = fresh()
            parts.restore(orjson.loads(kept.state["rollout"]), orjson.loads(kept.state["evidence"]), kept.seen)
            parts.begin()
            parts.receive(script[max(0, number - 1)])  # told of again
        for control in (whole, parts):
            control.receive(each)
    for control in (whole, parts):
        control.receive(Mark("p", ENDED))

    assert parts.dossier.dump() == whole.dossier.dump()
    assert parts.judgements() == whole.judgements()
