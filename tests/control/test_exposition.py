from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from analyzers.finding import Finding, Score
from proxy.control.control import Control
from proxy.control.exposition import SLICE, Encoder, pieces
from proxy.report import Analysis, Report
from proxy.tasks import cancel, spawn
from tests.control.fakes import Client
from verdict.judge import Judgement

SEGMENTS = 30


def filled(control: Control) -> CollectorRegistry:
    """What `control` shows of sessions in many segments, more than are written in one go."""
    for number in range(2 * SEGMENTS):
        finding = Finding("served", "1", "served", Score(0.0), Score(float(number % 7 == 0)))
        analyses = {"served": Analysis.SCORED}
        about = (f"p-{number}", f"{number:032x}", 1.0, "baseline", "paired")
        control.receive(Report(*about, analyses, {}, (finding,), segments=(f"a=v{number % SEGMENTS}",)))
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


def test_no_slice_judges_more_than_one_guardrail(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(control)
    control.receive(Report("p", "s", 1.0, "baseline", "paired", {"served": Analysis.SCORED}, {}, ()))
    asked, judgements = list[int | None](), control.dossier.judgements

    def judged(most: int | None = None) -> tuple[Judgement, ...]:
        asked.append(most)
        return judgements(most)

    monkeypatch.setattr(control.dossier, "judgements", judged)
    slices = sum(1 for _ in control.refreshing())

    assert slices > len(control.guardrails)
    assert set(asked) == {0, 1}
