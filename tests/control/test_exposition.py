from __future__ import annotations

import asyncio
from time import time_ns

import pytest
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from analyzers.finding import Finding, Score
from proxy.config import Config, Guardrail
from proxy.control.control import Control
from proxy.control.exposition import SLICE, Encoder, pieces
from proxy.report import Analysis, Report
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from tests.control.fakes import Client, FixedLedger
from verdict.judge import State

SEGMENTS = 30


def report(number: int, *, failed: bool, variable: str = "served") -> Report:
    """A session's one pair, judged in this variable, which is its analyzer's only one."""
    finding = Finding(variable, "1", variable, Score(0.0), Score(float(failed)))
    about = (f"p-{number}", f"{number:032x}", 1.0, "baseline", "paired")
    place = (f"a=v{number % SEGMENTS}",)
    return Report(*about, {variable: Analysis.SCORED}, {}, (finding,), segments=place)


def both(config: Config) -> Control:
    """One with two guardrails, each of an analyzer of its own."""
    names = ("served", "degeneration")
    analysis = config.analysis.model_copy(update={"enabled": names})
    guardrails = {name: Guardrail(margin=0.01) for name in names}
    of_both = config.model_copy(update={"analysis": analysis, "guardrails": guardrails})
    return Control(of_both, Telemetry(), FixedLedger(), "1.2.3")


def filled(control: Control) -> CollectorRegistry:
    """What `control` shows of sessions in many segments, more than are written in one go."""
    for number in range(2 * SEGMENTS):
        control.receive(report(number, failed=number % 7 == 0))
    control.refresh()
    return control.telemetry.registry


@pytest.mark.parametrize("encode", [exposition.generate_latest, openmetrics.generate_latest])
def test_in_pieces_the_metrics_are_what_they_are_in_one(control: Control, encode: Encoder) -> None:
    registry = filled(control)
    written = list(pieces(registry.collect(), encode))

    assert b"".join(written) == encode(registry)
    assert b"".join(written).count(b"slipgauge_slip_ratio{") > SLICE
    assert max(piece.count(b"\n") for piece in written) <= SLICE


def test_values_are_of_the_moment_at_which_it_began(control: Control) -> None:
    control.telemetry.candidate_weight.set(0.25)
    coming = pieces(control.telemetry.registry.collect(), exposition.generate_latest)
    begun = next(coming)
    control.telemetry.candidate_weight.set(0.5)

    assert b"slipgauge_candidate_weight_ratio 0.25" in begun + b"".join(coming)


async def test_others_have_many_turns_while_the_metrics_are_written(admin: Client, control: Control) -> None:
    filled(control)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = spawn(others(), name="others")
    await (await admin.get("/metrics")).text()
    await cancel(other)

    assert turns > 100


def test_in_no_slice_all_guardrails_are_judged(config: Config) -> None:
    control = both(config)
    for number in range(2_000):
        control.receive(report(number, failed=False))
        control.receive(report(10_000 + number, failed=False, variable="degeneration"))
    assert control.decision()[0] is State.PASS
    judged = control.dossier.judgements(0)
    for number, _ in enumerate(control.refreshing(), 2_000):
        former, judged = judged, control.dossier.judgements(0)
        assert sum(now is not then for now, then in zip(judged, former, strict=True)) <= 1
        control.receive(report(number, failed=False))
        control.receive(report(10_000 + number, failed=False, variable="degeneration"))
        control.dossier.fold(time_ns())
    assert all(each.sessions > 2_000 for each in control.judgements())


def test_a_failure_amid_a_scrape_is_in_it(control: Control) -> None:
    slices = control.refreshing()
    next(slices)
    for number in range(200):
        control.receive(report(number, failed=True))
    for _ in slices:
        pass
    value = control.telemetry.registry.get_sample_value

    assert value("slipgauge_verdict", {"guardrail": "served", "state": "fail"}) == 1
    assert value("slipgauge_candidate_verdict", {"state": "fail"}) == 1


def test_what_was_known_before_a_scrape_is_in_it_however_busy_other_guardrails_are(config: Config) -> None:
    control = both(config)
    for number in range(3):
        control.receive(report(number, failed=False, variable="degeneration"))
    for number in range(10, 20):
        control.receive(report(number, failed=False))
    for number, _ in enumerate(control.refreshing()):
        for each in range(5):
            control.receive(report(100 + 5 * number + each, failed=False))
        control.dossier.fold(time_ns())
    value = control.telemetry.registry.get_sample_value

    slip = {"guardrail": "degeneration", "segment": "all", "bound": "estimate"}
    assert value("slipgauge_slip_ratio", slip) == 0.0


def test_slips_of_a_former_term_are_shown_no_longer(control: Control, config: Config) -> None:
    """One that leads once more does so with the metrics that it had, and with evidence that may be another."""
    registry = filled(control)
    assert b"slipgauge_slip_ratio{" in exposition.generate_latest(registry)
    Control(config, control.telemetry, FixedLedger(), "1.2.3").refresh()

    assert b"slipgauge_slip_ratio{" not in exposition.generate_latest(registry)
