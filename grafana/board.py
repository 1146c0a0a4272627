"""A board: rows of panels, laid out from left to right, with the variables that its queries use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grafana.panel import DATASOURCE, Panel

WIDTH = 24
SCHEMA = 39
"""The version of Classic JSON that is written; Grafana migrates it when it loads it."""
TAG = "slipgauge"


@dataclass(frozen=True, slots=True)
class Row:
    """A title with the panels under it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """What the reader chooses: a label's values on a metric. `every` allows all of them at once."""

    name: str
    label: str
    query: str
    every: bool = False

    def json(self) -> dict[str, Any]:
        """The variable as Grafana takes it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": "query",
            "datasource": DATASOURCE,
            "definition": self.query,
            "query": {"query": self.query, "refId": "Variable"},
            "refresh": 2,
            "sort": 1,
            "multi": self.every,
            "includeAll": self.every,
            "hide": 0,
            **({"current": {"text": ["All"], "value": ["$__all"]}} if self.every else {}),
        }


JOB = Variable("job", "Deployment", "label_values(slipgauge_build_info, job)")
VLLM_JOB = Variable("vllm_job", "vLLM's job", "label_values(vllm:num_requests_running, job)")


@dataclass(frozen=True, slots=True)
class Board:
    """One question, with the panels that answer it."""

    uid: str
    title: str
    says: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = (JOB,)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel, in reading order."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def json(self) -> dict[str, Any]:
        """The board as Grafana takes it from a file."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.says,
            "tags": [TAG],
            "schemaVersion": SCHEMA,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-24h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_datasource(), *(each.json() for each in self.variables)]},
            "annotations": {"list": [_rollbacks()]},
            "links": [_others()],
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[dict[str, Any]]:
        number, top = 1, 0
        for row in self.rows:
            place = {"h": 1, "w": WIDTH, "x": 0, "y": top}
            yield {
                "id": number,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "gridPos": place,
                "panels": [],
            }
            number, top, left, deep = number + 1, top + 1, 0, 0
            for panel in row.panels:
                if left + panel.width > WIDTH:
                    top, left, deep = top + deep, 0, 0
                place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
                yield panel.json(number, place)
                number, left, deep = number + 1, left + panel.width, max(deep, panel.height)
            top += deep


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "multi": False,
        "includeAll": False,
    }


def _rollbacks() -> dict[str, Any]:
    return {
        "name": "Rollbacks",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'sum by (reason) (increase(slipgauge_rollbacks_total{job=~"$job"}[$__interval])) > 0',
        "titleFormat": "rolled back: {{reason}}",
    }


def _others() -> dict[str, Any]:
    return {
        "title": "Slipgauge's boards",
        "type": "dashboards",
        "tags": [TAG],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }
