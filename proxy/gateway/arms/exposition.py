"""Reads how loaded a vLLM server is from its `/metrics`, and nothing else of that page. Pure.

The page is the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/), some 100
kB, read every second on the loop that serves clients. So the two names are looked for in the bytes, and only
their lines are read, strictly: what is not exactly a sample is no statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

PAGE_BYTES = 1024 * 1024
"""Most bytes of a page that are read at all."""
_LINE_BYTES = 512
_SERIES = 256
"""Most lines that begin with one of the names, or with one that begins alike; a page of more says nothing."""
_WAITING = b"vllm:num_requests_waiting"
_KV_USAGE = b"vllm:kv_cache_usage_perc"
_LABEL = rb'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rb"(?:\{(?:" + _LABEL + rb"(?:," + _LABEL + rb")*,?)?\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*\r?")


@dataclass(frozen=True, slots=True)
class Load:
    """What one server says of itself; None where it does not say it."""

    waiting: float | None
    """Requests in its queue, over all its engines."""
    kv_usage: float | None
    """The fullest engine's KV cache, 1 when full."""


def load_of(page: bytes) -> Load:
    """The load that a page tells. A malformed, infinite or negative sample makes its metric unknown."""
    waiting, kv_usage = _values(page, _WAITING), _values(page, _KV_USAGE)
    return Load(sum(waiting) if waiting else None, max(kv_usage) if kv_usage else None)


def _values(page: bytes, name: bytes) -> list[float] | None:
    values: list[float] = []
    for number, line in enumerate(_lines(page, name)):
        if number == _SERIES:
            return None
        if line[:1] not in (b"{", b" ", b"\t"):
            continue  # another name that begins alike
        sample = _SAMPLE.fullmatch(line)
        value = _number(sample[1]) if sample else None
        if value is None:
            return None
        values.append(value)
    return values


def _lines(page: bytes, name: bytes) -> Iterator[bytes]:
    """What follows the name on each line that begins with it."""
    begins, page = b"\n" + name, b"\n" + page
    at = page.find(begins)
    while at >= 0:
        at += len(begins)
        end = page.find(b"\n", at, at + _LINE_BYTES)
        yield page[at : end if end >= 0 else at + _LINE_BYTES]
        at = page.find(begins, at)


def _number(text: bytes) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and value >= 0 and b"_" not in text else None
