"""What one gateway has counted so far, as it tells control: a snapshot that replaces the one before."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from proxy.counters import Block
from proxy.counters.block import SLOTS, Series
from proxy.counters.families import Family
from proxy.processes.status import Gateways
from proxy.telemetry import Telemetry

MAX_BYTES = 4 * 1024 * 1024
"""Most bytes of a snapshot once it is unpacked."""
MOST_LABELS = 8
MOST_PROCESSES = 1_024

_NAME = re.compile(r"[\w.:+-]{1,160}", re.ASCII)


class CountsError(ValueError):
    """Bytes that are no snapshot."""


class Counts(NamedTuple):
    """One incarnation of a gateway, from its start to its end."""

    gateway: str
    """The host's name, or what its operator calls it."""
    incarnation: str
    """Of all that it ever was, this one."""
    accepting: int
    """How many of its processes take requests, of how many."""
    wanted: int
    processes: tuple[str, ...]
    """What its processes call themselves in their marks, those that have ended included."""
    series: Mapping[Series, Mapping[int, float]]
    """What every series has in its slots, where that is not 0."""
    ended: bool = False
    """Whether nothing more will come."""

    @property
    def gateways(self) -> Gateways:
        """How many of its processes accept requests."""
        return Gateways(self.accepting, self.wanted)

    def write(self, block: Block, families: Iterable[Family]) -> None:
        """Have a block hold what is told here of these metrics."""
        known = {family.name: family for family in families}
        for (name, labels), values in self.series.items():
            if name in known:
                known[name].put(block, labels, values)


def counted(telemetry: Telemetry) -> dict[Series, Mapping[int, float]]:
    """Every series of this process, and of those whose metrics it owns."""
    return {
        (family.name, labels): {offset: value for offset, value in enumerate(values) if value}
        for family in telemetry.shared
        for labels, values in family.totals().items()
    }


def left_by(incarnation: str, blocks: Iterable[Block]) -> Counts:
    """The last that is to be said of a gateway that was killed, by what it left. Raises CountsError."""
    telemetry = Telemetry()
    telemetry.blocks += blocks
    try:
        series = counted(telemetry)
    except (TypeError, ValueError):
        raise CountsError("a block that is none") from None
    return Counts(incarnation.rpartition(".")[0], incarnation, 0, 0, (), series, ended=True)


def dumps(counts: Counts) -> bytes:
    """The snapshot as bytes."""
    series = [(*key, list(values.items())) for key, values in counts.series.items()]
    return zlib.compress(orjson.dumps((*counts[:4], counts.processes, series, counts.ended)), 1)


def loads(body: bytes) -> Counts:
    """The snapshot that `dumps` wrote; nothing in it is taken on trust. Raises CountsError."""
    try:
        plain = zlib.decompressobj().decompress(body, MAX_BYTES)  # what is longer is cut, and no JSON
        gateway, incarnation, accepting, wanted, processes, told, ended = orjson.loads(plain)
        series = {
            (_text(name), _labels(labels)): {_whole(offset, SLOTS): _figure(value) for offset, value in values}
            for name, labels, values in told
        }
        return Counts(
            _text(gateway),
            _text(incarnation),
            _whole(accepting, MOST_PROCESSES),
            _whole(wanted, MOST_PROCESSES),
            tuple(map(_text, processes[:MOST_PROCESSES])),
            series,
            ended is True,
        )
    except CountsError:
        raise
    except (zlib.error, TypeError, ValueError):
        raise CountsError("not counts") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise CountsError("a name that is none")
    return value


def _labels(raw: Any) -> tuple[str, ...]:
    if len(raw) > MOST_LABELS or not all(isinstance(each, str) and len(each) <= 256 for each in raw):
        raise CountsError("labels that are none")
    return tuple(raw)


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise CountsError("a number that is none")
    return value


def _figure(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise CountsError("a figure that is none")
    return float(value)
