"""What is wrong with a board's answers: nothing, no number, or beyond what its unit can be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

import aiohttp

from grafana.board import Board
from grafana.generate import FOLDER
from grafana.panel import LETTERS
from grafana.reading import Prometheus, Series, Shown, Window, read
from grafana.stand.stand import Stand
from grafana.units import Unit

CHOSEN = {"variable": "math.checked"}
"""One that every run measures."""
CALM: Mapping[str, str] = {
    "Failures of analyzers: A": "none has failed",
    "Answers that were no 200, by arm: A": "all were",
    "Replaced, lapsed, opened: B": "no analyzer process was replaced",
    "Told and reloaded: A": "nobody is to be told",
    "Told and reloaded: B": "the configuration is no file that could be read again",
}
"""Queries that a run without faults leaves without an answer, as `panel: letter`, by why."""


async def reviewed(stand: Stand, window: Window) -> dict[str, int]:
    """The cases that exemplars name, and the status with which each opens: what a click on a dot does.

    Each is judged, too, and Prometheus has scraped that.
    """
    admin = f"http://{stand.deployment.admin_address}"
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(session, stand.prometheus)
        span = {"start": f"{window.start}", "end": f"{window.end}"}
        found = await prometheus.ask("query_exemplars", query="slipgauge_findings_total", **span)
        pairs = {each["labels"]["pair_id"] for series in found for each in series["exemplars"]}
        statuses = {}
        for pair in pairs:
            async with session.get(f"{admin}/cases/{pair}", headers={"Accept": "text/html"}) as response:
                assert pair in await response.text()
                assert response.content_type == "text/html"
                statuses[pair] = response.status
            await session.post(f"{admin}/cases/{pair}/label", json={"judged": "slip"})
        while not (await prometheus.ask("query", query="slipgauge_analyzer_judged"))["result"]:  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.2)
    return statuses


async def faults(board: Board, url: str, window: Window) -> list[str]:
    """Every query of every panel of the checked-in board, with its variables filled in. Empty where all is well."""
    tree = json.loads((FOLDER / f"{board.uid}.json").read_text())
    units = {
        (panel.title, letter): query.unit or panel.unit
        for panel in board.panels
        for letter, query in zip(LETTERS, panel.queries, strict=False)
    }
    async with aiohttp.ClientSession() as session:
        reading = await read(tree, Prometheus(session, url), window, CHOSEN)
    return [
        f"{board.uid}: {fault}"
        for shown in reading.panels
        for letter, answer in shown.answers.items()
        for fault in _faults(shown, letter, answer, units[shown.panel["title"], letter])
    ]


def _faults(shown: Shown, letter: str, answer: Sequence[Series], unit: Unit) -> Iterator[str]:
    if not answer and f"{shown.panel['title']}: {letter}" not in CALM:
        yield f"{shown.title}: {letter} has no answer"
    for series in answer:
        wrong = [value for _, value in series.points if not (isfinite(value) and unit.low <= value <= unit.high)]
        if wrong:
            yield f"{shown.title}: {letter} {series.name} is {wrong[0]}, should be from {unit.low} to {unit.high}"
