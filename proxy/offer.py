"""A case on its way from a gateway to control: what was said of the pair, whose it is, and its redacted words.

It travels beside the pair's report and never in its place: where there is no room for it, it is dropped and
counted. The words come from a process that has read hostile text, so they are read as a case only where the pool
is, and all else in the case is taken from what the gateway itself knows and has checked.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from cases.case import Case, CaseError, stamp
from cases.case import loads as load_case
from proxy.report import Report, ReportError
from proxy.report import dumps as dump_report
from proxy.report import loads as load_report

MAX_SUBJECT = 64
_HEAD = struct.Struct(">IB")
"""Bytes of the report and of the subject."""


class Offer(NamedTuple):
    """A case that the pool may take."""

    report: Report
    """The pair's first one."""
    subject: str
    """Keyed hash of the client's identity."""
    body: bytes
    """The redacted case as `proxy.workers.keeping` made it."""

    @property
    def size(self) -> int:
        """Bytes that it holds on to, nearly."""
        return len(self.body)


def dumps(offer: Offer) -> bytes:
    """The offer as bytes."""
    report, subject = dump_report(offer.report), offer.subject.encode()
    return b"".join((_HEAD.pack(len(report), len(subject)), report, subject, offer.body))


def loads(body: bytes) -> Offer:
    """The offer that `dumps` wrote. Raises ReportError."""
    try:
        told, named = _HEAD.unpack_from(body)
        report = load_report(body[_HEAD.size : _HEAD.size + told])
        subject = body[_HEAD.size + told : _HEAD.size + told + named].decode("ascii")
    except (struct.error, UnicodeDecodeError):
        raise ReportError("not an offer") from None
    if not 0 < len(subject) <= MAX_SUBJECT or not subject.isalnum():
        raise ReportError("a subject that is none")
    return Offer(report, subject, body[_HEAD.size + told + named :])


def case_of(offer: Offer, revision: str) -> Case:
    """The case, of this candidate. Raises CaseError, whose words hold nothing of it."""
    report = offer.report
    case = load_case(offer.body)
    if case.pair_id != report.pair_id:
        raise CaseError("a case of another pair")
    at = datetime.fromtimestamp(report.arrival / 1e9, UTC)
    return replace(
        case,
        at=stamp(at),
        subject=offer.subject,
        session=report.session,
        primary=report.primary,
        state=report.state,
        inclusion=report.inclusion,
        revision=revision,
        findings=report.findings,
        measurements=report.measurements,
        segments=report.segments,
        duplicates=0,
        labels=(),
    )
