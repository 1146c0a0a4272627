"""What kind of request one is, and the slip of each kind. Pure.

Segments are for reading: so many are looked at that one of them will look bad by chance. Who wants to be rolled
back by one declares it a guardrail, with a share of the error rate of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from math import log
from typing import Any, NamedTuple

from verdict.bets import stakes
from verdict.counts import Counts
from verdict.guardrails import Guardrail, Levels
from verdict.sessions import Measured, Observation
from verdict.tally import Tally

ATTRIBUTES = ("model", "prompt_length", "streaming", "structured")
"""Of a request itself; any header may be another."""
LANGUAGE = "language"
"""One more, of the request's words: who reads these fills it in."""
UNREAD = "language=unread"
"""Until then."""
OTHER = "other"
"""The value of all beyond those that are kept, and of what is no plain word."""
ABSENT = "none"
"""The value of a header that was not sent."""
LENGTHS = ((1, "1kB"), (4, "4kB"), (16, "16kB"), (64, "64kB"), (256, "256kB"))
"""Largest request bodies in kilobytes, and their names; larger ones are `more`."""
LONGEST = "more"
MEMO = 4_096
"""Most combinations of segments, and most kinds of observation, that are kept together for later."""
MOST_BOUNDS = 25
"""Intervals found anew whenever somebody looks."""
_PLAIN = re.compile(r"[\w.:+/-]{1,64}", re.ASCII)
_STRUCTURED = ("response_format", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "text")


_LIMITS = [most * 1024 for most, _ in LENGTHS]
_NAMES = [*(name for _, name in LENGTHS), LONGEST]


def prompt_length(size: int) -> str:
    """The bucket of a request's body of so many bytes."""
    return _NAMES[bisect_left(_LIMITS, size)]


class Segmenter:
    """Names the segments of requests, each as `attribute=value`."""

    def __init__(self, attributes: Iterable[str], headers: Iterable[str]) -> None:
        self._attributes = tuple(attributes)
        self._headers = tuple(name.lower() for name in headers)
        self._known: dict[tuple[str, str, bool, bool], tuple[str, ...]] = {}
        """The same few kinds of request come again and again."""

    def of(
        self, model: str, body: Mapping[str, Any], size: int, header: Callable[[str], str | None]
    ) -> tuple[str, ...]:
        """The segments of one request. `header` gives the value of one by its lower-case name."""
        structured = any(map(body.get, _STRUCTURED))
        kind = (model, prompt_length(size), body.get("stream") is True, structured)
        known = self._known.get(kind)
        if known is None:
            if len(self._known) >= MEMO:
                self._known.clear()
            known = self._known[kind] = self._named(*kind)
        return (*known, *(f"{name}={_word(header(name))}" for name in self._headers)) if self._headers else known

    def _named(self, model: str, length: str, streaming: bool, structured: bool) -> tuple[str, ...]:  # noqa: FBT001
        values = {
            "model": model if _PLAIN.fullmatch(model) else OTHER,
            "prompt_length": length,
            "streaming": "yes" if streaming else "no",
            "structured": "yes" if structured else "no",
            LANGUAGE: UNREAD.partition("=")[2],
        }
        return tuple(f"{name}={values[name]}" for name in self._attributes)

    def unread(self) -> tuple[str, ...]:
        """What is known of a request that was too large to be read."""
        return (f"prompt_length={LONGEST}",) if "prompt_length" in self._attributes else ()


def spoken(segments: tuple[str, ...], language: str) -> tuple[str, ...]:
    """The segments of a request whose words have been read: in this language, or in none that is plain."""
    return tuple(f"{LANGUAGE}={language or ABSENT}" if each == UNREAD else each for each in segments)


@lru_cache(maxsize=MEMO)
def read(segments: tuple[str, ...]) -> tuple[str, ...]:
    """The segments of a request without the one that waits for its words to be read."""
    return tuple(each for each in segments if each != UNREAD)


def _word(value: str | None) -> str:
    if not value:
        return ABSENT
    return value if _PLAIN.fullmatch(value) else OTHER


class Bounded:
    """Keeps the first `most` values of each attribute; the rest become OTHER."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, dict[str, str]] = {}
        self._told: dict[tuple[str, ...], tuple[str, ...]] = {}
        """What became of the segments of a request: the same few come again and again, and their fate is final."""

    def every(self, segments: tuple[str, ...]) -> tuple[str, ...]:
        """The segments of one request as they are counted."""
        told = self._told.get(segments)
        if told is None:
            if len(self._told) >= MEMO:
                self._told.clear()
            told = self._told[segments] = tuple(map(self, segments))
        return told

    def __call__(self, segment: str) -> str:
        """The segment as it is counted."""
        attribute, _, value = segment.partition("=")
        known = self._known.setdefault(attribute, {})
        if segment not in known:
            if value != OTHER and sum(each != f"{attribute}={OTHER}" for each in known.values()) >= self._most:
                return f"{attribute}={OTHER}"
            known[segment] = segment
        return known[segment]

    def dump(self) -> list[str]:
        """Every segment kept, in the order in which they came."""
        return [segment for known in self._known.values() for segment in known]

    def restore(self, dumped: Iterable[str]) -> None:
        """Keep these."""
        for segment in dumped:
            self._known.setdefault(segment.partition("=")[0], {})[segment] = segment


class Row(NamedTuple):
    """One guardrail in one segment, for reading."""

    guardrail: str
    segment: str
    sessions: int
    baseline_rate: float | None
    candidate_rate: float | None
    slip: float | None
    lower: float | None
    """None where the bounds have not been found yet."""
    upper: float | None


class _Cell:
    __slots__ = ("bounds", "high", "low", "of", "tally")

    def __init__(self) -> None:
        self.tally, self.low, self.high = Tally(), Counts(), Counts()
        self.bounds: tuple[float, float] | tuple[None, None] = (None, None)
        self.of = 0
        """How many sessions the bounds are of."""

    @property
    def sessions(self) -> int:
        return self.tally.count + self.tally.missing


class Segments:
    """Every guardrail's sessions by segment. The interval of each is that of a guardrail with the same share."""

    def __init__(self, guardrails: Iterable[Guardrail], levels: Levels) -> None:
        self._guardrails = {each.name: each for each in guardrails}
        self._levels = levels
        self._cells: dict[tuple[str, str], _Cell] = {}
        self._alike: dict[tuple[str, Measured, tuple[str, ...], float], int] = {}
        """Sessions that are in no cell yet: most are like many others, and these are counted together."""

    def observe(self, observation: Observation, segments: tuple[str, ...], discount: float) -> None:
        """Count one session in each of its segments, of which there are few."""
        alike = self._alike
        key = (observation.guardrail, observation.measured, segments, discount)
        alike[key] = alike.get(key, 0) + 1
        if len(alike) >= MEMO:
            self._settle()

    def _settle(self) -> None:
        """Count in its cells what was counted together."""
        for (guardrail, measured, segments, discount), count in self._alike.items():
            for segment in segments:
                cell = self._cells.get((guardrail, segment))
                if cell is None:
                    cell = self._cells[guardrail, segment] = _Cell()
                cell.tally.observe(measured, count)
                cell.low.add(measured.low, discount, count)
                cell.high.add(measured.high, discount, count)
        self._alike.clear()

    def rows(self, most: int = MOST_BOUNDS) -> list[Row]:
        """Every guardrail in every segment that has a session, as they came; see `find` for `most`."""
        self.find(most)
        return [_row(*key, cell) for key, cell in self._cells.items()]

    def find(self, most: int) -> None:
        """Find the bounds of `most` anew, those first that lag most.

        It takes time, so the others are those of somewhat fewer sessions, or are found the next time.
        """
        self._settle()
        behind = sorted(self._cells.items(), key=lambda each: each[1].of / (each[1].sessions or 1))
        for (name, _), cell in behind[:most]:
            if cell.of < cell.sessions:
                cell.of, cell.bounds = cell.sessions, self._bounds(name, cell)

    def _bounds(self, name: str, cell: _Cell) -> tuple[float, float]:
        about, levels = self._guardrails[name], self._levels
        bets = stakes(about.margin)
        return (
            cell.low.bound(bets, log(2 / (levels.harm * about.weight))),
            cell.high.bound(bets, log(1 / levels.safe), side=-1),
        )

    def dump(self) -> list[Any]:
        """As JSON takes it."""
        self._settle()
        return [(*key, cell.tally.dump(), cell.low.dump(), cell.high.dump()) for key, cell in self._cells.items()]

    def restore(self, dumped: Iterable[Any]) -> None:
        """Go on from what `dump` told."""
        for name, segment, tally, low, high in dumped:
            cell = self._cells[name, segment] = _Cell()
            cell.tally, cell.low, cell.high = Tally(*tally), Counts.load(low), Counts.load(high)


def _row(name: str, segment: str, cell: _Cell) -> Row:
    tally = cell.tally
    rates = (tally.baseline_rate, tally.candidate_rate, tally.slip)
    return Row(name, segment, tally.count, *rates, *cell.bounds)
