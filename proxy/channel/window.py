"""What a gateway has to tell and does not know to be stored: reports in order, bounded by number and bytes. Pure.

A mark says that all that arrived before it has been told. With several messages under way at once, one may be
stored after its successor, so no mark passes a report that is not known to be stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import orjson

from proxy.channel.admission import Admission
from proxy.report import ENDED, MAX_BYTES, Mark, Message, Report, ReportError, dumps, loads, loads_mark
from proxy.telemetry import Telemetry

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of reports that wait, or are under way, at once."""
BATCH_REPORTS = 64
BATCH_BYTES = 256 * 1024
"""A message holds no more than this: a server takes 1 MiB unless it is told otherwise."""
UNDER_WAY = 16
"""Most messages that are under way at once."""
NO_MARK = Mark("", 0)


class _Held(NamedTuple):
    report: Report
    body: bytes


class Parcel(NamedTuple):
    """One message on the stream, on its way."""

    number: int
    body: bytes
    reports: tuple[Report, ...]
    marks: tuple[Mark, ...]


class Window:
    """`size` is the most reports that are held at once."""

    def __init__(self, telemetry: Telemetry, size: int) -> None:
        self._admission = Admission(telemetry)
        self._size = size
        self._waiting: deque[_Held] = deque()
        self._under_way: dict[int, Parcel] = {}
        self._bytes: dict[int, int] = {}
        self._held = 0
        self._held_bytes = 0
        self._marks: dict[str, int] = {}
        self._marked: dict[str, int] = {}
        """The marks that have been sent."""
        self._number = 0

    @property
    def waiting(self) -> int:
        """Reports that are not under way yet."""
        return len(self._waiting)

    @property
    def empty(self) -> bool:
        """Whether all is known to be stored."""
        return not self._held and not self._under_way

    def offer(self, message: Message) -> bool:
        """Take a message; False where it is dropped, and counted: see `Admission`."""
        if isinstance(message, Mark):
            self._marks[message.process] = message.low
            return True
        full = self._held >= self._size or self._held_bytes >= MOST_BYTES
        if message.mark.process:
            self._marks[message.mark.process] = message.mark.low
        if not self._admission.admits(message, full=full):
            return False
        body = dumps(message._replace(mark=NO_MARK))
        if len(body) > MAX_BYTES:
            self._admission.drop(message)
            return False
        self._waiting.append(_Held(message, body))
        self._held += 1
        self._held_bytes += len(body)
        return True

    def take(self) -> Parcel | None:
        """The next message to send, until `stored` or `lost`; None where there is none to be sent now."""
        if len(self._under_way) >= UNDER_WAY:
            return None
        taken, size = list[_Held](), 0
        while self._waiting and len(taken) < BATCH_REPORTS and size + len(self._waiting[0].body) <= BATCH_BYTES:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].body)
        marks = tuple(self._news())
        if not taken and not marks:
            return None
        self._number += 1
        reports = tuple(held.report for held in taken)
        parcel = Parcel(self._number, _body(marks, (held.body for held in taken)), reports, marks)
        self._under_way[parcel.number], self._bytes[parcel.number] = parcel, size
        for process, low in marks:
            self._marked[process] = low
        return parcel

    def stored(self, parcel: Parcel) -> None:
        """The parcel has arrived."""
        self._end(parcel)
        for process, low in parcel.marks:
            if low == self._marks.get(process) == self._marked.get(process) and low == ENDED:
                del self._marks[process], self._marked[process]

    def lost(self, parcel: Parcel) -> None:
        """The parcel is given up: its first reports are counted, and what others say is told once more."""
        self._end(parcel)
        for process, _ in parcel.marks:
            self._marked.pop(process, None)
        for report in parcel.reports:
            if report.further:
                self.offer(report._replace(mark=NO_MARK))
            else:
                self._admission.drop(report)

    def _end(self, parcel: Parcel) -> None:
        del self._under_way[parcel.number]
        self._held -= len(parcel.reports)
        self._held_bytes -= self._bytes.pop(parcel.number)

    def _news(self) -> Iterator[Mark]:
        """What can be said of how far each process has told, where that is news."""
        if self._marks == self._marked:
            return
        oldest: dict[str, int] = {}
        unknown = (report for parcel in self._under_way.values() for report in parcel.reports)
        for reports in (unknown, (held.report for held in self._waiting)):
            for report in reports:
                if report.arrival and not report.further:
                    process = report.mark.process
                    oldest[process] = min(oldest.get(process, report.arrival), report.arrival)
        for process, low in self._marks.items():
            told = min(low, oldest.get(process, low))
            if told != self._marked.get(process):
                yield Mark(process, told)


def _body(marks: Iterable[Mark], reports: Iterable[bytes]) -> bytes:
    """One line with the marks, then one a report; JSON has no line ends of its own."""
    return b"\n".join((orjson.dumps([tuple(mark) for mark in marks]), *reports))


def read(body: bytes) -> list[Message]:
    """What a message holds: reports, then how far has been told with them. Raises ReportError."""
    if len(body) > 2 * BATCH_BYTES:
        raise ReportError("a message of too many bytes")
    marks, *reports = body.split(b"\n")
    if len(reports) > BATCH_REPORTS or len(marks) > MAX_BYTES:
        raise ReportError("a message of too many reports")
    try:
        lows = orjson.loads(marks)
    except ValueError:
        raise ReportError("not a message") from None
    if not isinstance(lows, list):
        raise ReportError("not a message")
    return [*map(loads, reports), *(loads_mark(orjson.dumps(each)) for each in lows)]
