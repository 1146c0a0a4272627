"""One panel: what is asked, how it is shown, and what it tells, as Grafana's Classic JSON has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grafana.units import Unit

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
METRIC = re.compile(r"\b(?:slipgauge_|vllm:|slipgauge:)[a-z0-9_:]+")
_SUFFIX = re.compile(r"_(?:bucket|sum|count)$")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NO_DATA = "no data: is Slipgauge scraped?"

Step = tuple[float | None, str]
"""A threshold and the colour from there on; the first has None."""
PLAIN: tuple[Step, ...] = ((None, "text"),)
"""Colour only where a tile carries a judgement."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query and the name of its series."""

    expr: str
    legend: str = "__auto"
    exemplar: bool = False
    unit: Unit | None = None
    """Its own, where it is not the panel's."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel without its place. `says` is what it tells the reader, in words."""

    kind: str
    title: str
    says: str
    queries: tuple[Query, ...]
    unit: Unit
    width: int = 8
    height: int = 8
    steps: tuple[Step, ...] = PLAIN
    mappings: tuple[Mapping[str, Any], ...] = ()
    instant: bool = False
    """Whether the value of now is asked for, as a table, rather than values over time."""
    no_value: str = NO_DATA
    custom: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[Mapping[str, Any], ...] = ()
    transformations: tuple[Mapping[str, Any], ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
    """Where a click on a value leads."""
    repeat: str | None = None
    """The variable for each value of which there is one such panel."""
    bounds: Mapping[str, float] = field(default_factory=dict)
    """`min` and `max` of the axis, where they are not left to Grafana."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics it asks for, as the documentation names them, each once."""
        found = (_SUFFIX.sub("", name) for query in self.queries for name in METRIC.findall(query.expr))
        return tuple(dict.fromkeys(found))

    def json(self, number: int, place: Mapping[str, int]) -> dict[str, Any]:
        """The panel as Grafana takes it."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": f"{self.says}\n\nMetrics: {', '.join(f'`{name}`' for name in self.metrics)}",
            "datasource": DATASOURCE,
            "gridPos": dict(place),
            "targets": [self._target(letter, query) for letter, query in zip(LETTERS, self.queries, strict=False)],
            "fieldConfig": {"defaults": self._defaults(), "overrides": [dict(each) for each in self.overrides]},
            "options": dict(self.options),
            **({"transformations": [dict(each) for each in self.transformations]} if self.transformations else {}),
            **(
                {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 24 // self.width}
                if self.repeat
                else {}
            ),
        }

    def _target(self, letter: str, query: Query) -> dict[str, Any]:
        return {
            "refId": letter,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": self.instant,
            "range": not self.instant,
            "format": "table" if self.instant and self.kind == "table" else "time_series",
            **({"exemplar": True} if query.exemplar else {}),
        }

    def _defaults(self) -> dict[str, Any]:
        steps = [{"value": value, "color": colour} for value, colour in self.steps]
        return {
            "unit": self.unit.name,
            "noValue": self.no_value,
            "color": {"mode": "thresholds" if self.kind != "timeseries" else "palette-classic"},
            "thresholds": {"mode": "absolute", "steps": steps},
            **({"decimals": self.unit.decimals} if self.unit.decimals is not None else {}),
            **dict(self.bounds),
            **({"mappings": [dict(each) for each in self.mappings]} if self.mappings else {}),
            **({"links": [dict(each) for each in self.links]} if self.links else {}),
            **({"custom": dict(self.custom)} if self.custom else {}),
        }
