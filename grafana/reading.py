"""Reads a board from a Prometheus as Grafana would: variables filled in, every query of every panel asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp

LABEL_VALUES = re.compile(r"label_values\((?P<selector>.+), *(?P<label>\w+)\)")
POINTS = 240
"""Steps into which the time shown is cut."""


class QueryError(Exception):
    """Prometheus did not answer a query. The message holds the query and what it said."""


class Window(NamedTuple):
    """The time shown, in seconds since 1970, and the scrape interval."""

    start: float
    end: float
    scrape: float

    @property
    def step(self) -> float:
        """Seconds from one point to the next, no less than the scrape interval."""
        return max(self.scrape, (self.end - self.start) / POINTS)

    @property
    def builtins(self) -> dict[str, str]:
        """What Grafana puts in for its own variables."""
        return {
            "__rate_interval": f"{max(self.step + self.scrape, 4 * self.scrape):.0f}s",
            "__interval": f"{max(1, round(self.step))}s",
            "__range": f"{self.end - self.start:.0f}s",
        }


class Series(NamedTuple):
    """One series under the name that the panel gives it. Points are (seconds since 1970, value)."""

    name: str
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float:
        """The last value."""
        return self.points[-1][1]


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with the answers to its queries, by their letters, and its title filled in."""

    panel: Mapping[str, Any]
    title: str
    answers: Mapping[str, Sequence[Series]]
    """By the queries' letters."""

    @property
    def series(self) -> list[Series]:
        """Every series, in the order of the queries."""
        return [each for answer in self.answers.values() for each in answer]


class Reading(NamedTuple):
    """A board as it was answered."""

    panels: list[Shown]
    chosen: Mapping[str, str]
    """The variables in words."""


def filled(text: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """The text with `$name` and `${name}` replaced; several values become a regular expression."""

    def value(found: re.Match[str]) -> str:
        given = values.get(found["braced"] or found["plain"])
        if given is None:
            return found[0]
        if isinstance(given, str):
            return given
        escaped = (re.escape(each).replace("\\", "\\\\") for each in given)  # it stands within a PromQL string
        return f"({'|'.join(escaped)})"

    return re.sub(r"\$(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))", value, text)


class Prometheus:
    """The HTTP API of one Prometheus: https://prometheus.io/docs/prometheus/latest/querying/api/."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, path: str, **parameters: str | Iterable[str]) -> Any:
        """The data of an answer. Raises QueryError."""
        pairs = [
            (name, each)
            for name, given in parameters.items()
            for each in ((given,) if isinstance(given, str) else given)
        ]
        async with self._session.get(f"{self._url}/api/v1/{path}", params=pairs) as response:
            told = await response.json()
        if told["status"] != "success":
            raise QueryError(f"{parameters}: {told.get('error')}")
        return told["data"]

    async def values(self, query: str, window: Window) -> list[str]:
        """The values that a variable can take. Raises QueryError."""
        found = LABEL_VALUES.fullmatch(query)
        if found is None:
            raise QueryError(f"{query}: should be label_values(selector, label)")
        asked = {"start": f"{window.start}", "end": f"{window.end}", "match[]": found["selector"]}
        return sorted(await self.ask(f"label/{found['label']}/values", **asked))

    async def series(self, target: Mapping[str, Any], expr: str, window: Window) -> list[Series]:
        """The answer to one query of a panel. Raises QueryError."""
        if target["instant"]:
            data = await self.ask("query", query=expr, time=f"{window.end}")
        else:
            span = {"start": f"{window.start}", "end": f"{window.end}", "step": f"{window.step}"}
            data = await self.ask("query_range", query=expr, **span)
        return [
            Series(
                _legend(target["legendFormat"], each["metric"]),
                each["metric"],
                [(float(at), float(value)) for at, value in each.get("values") or [each["value"]]],
            )
            for each in data["result"]
        ]


async def read(
    board: Mapping[str, Any],
    prometheus: Prometheus,
    window: Window,
    chosen: Mapping[str, str] | None = None,
) -> Reading:
    """Every panel of the board with its answers; one that repeats, once for each value. Raises QueryError.

    A variable takes the value that is `chosen`, else all of its values where it may, else its first.
    """
    values: dict[str, str | Sequence[str]] = dict(window.builtins)
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        found = await prometheus.values(filled(variable["query"]["query"], values), window)
        if not found:
            raise QueryError(f"{variable['name']}: nothing for {variable['query']['query']}")
        name = variable["name"]
        values[name] = (chosen or {}).get(name) or (found if variable["includeAll"] else found[0])
    panels = [
        await _shown(panel, prometheus, window, {**values, **own})
        for panel in board["panels"]
        if panel["type"] != "row"
        for own in _repeats(panel, values)
    ]
    return Reading(panels, {name: given if isinstance(given, str) else "all" for name, given in values.items()})


def _repeats(panel: Mapping[str, Any], values: Mapping[str, str | Sequence[str]]) -> list[dict[str, str]]:
    name = panel.get("repeat")
    if name is None:
        return [{}]
    given = values[name]
    return [{name: each} for each in ((given,) if isinstance(given, str) else given)]


async def _shown(
    panel: Mapping[str, Any], prometheus: Prometheus, window: Window, values: Mapping[str, str | Sequence[str]]
) -> Shown:
    answers = {
        target["refId"]: await prometheus.series(target, filled(target["expr"], values), window)
        for target in panel["targets"]
    }
    return Shown(panel, filled(panel["title"], values), answers)


def _legend(pattern: str, labels: Mapping[str, str]) -> str:
    if pattern == "__auto":
        return ", ".join(f"{value}" for name, value in labels.items() if name != "__name__") or "value"
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda found: labels.get(found[1], ""), pattern)
