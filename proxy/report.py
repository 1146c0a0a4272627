"""What the workers say of one pair: all that travels from a gateway to control, without any customer text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from analyzers.finding import Finding
from analyzers.pair import Usage


class Analysis(StrEnum):
    """What became of one pair at one analyzer; each served pair ends in exactly one per analyzer."""

    SCORED = "scored"
    NOT_APPLICABLE = "not_applicable"
    KILLED = "killed"
    """The analyzer overran its budget or failed; its worker was replaced where needed."""
    DROPPED = "dropped"
    """The queue before the workers was full, or they were shut down first."""


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm's token spend and streaming times. Times in seconds since the leg's own send."""

    usage: Usage = Usage()
    first_token: float | None = None
    gaps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything control needs to know of one pair."""

    pair_id: str
    session: str
    inclusion: float
    primary: str
    state: str
    """The pair's ledger state: "paired" or one of "unserved_*"."""
    analyses: dict[str, Analysis]
    """By analyzer name."""
    seconds: dict[str, float]
    """Time spent, by analyzer name, where it ran to its end."""
    findings: tuple[Finding, ...]
    baseline: ArmReport = ArmReport()
    candidate: ArmReport = ArmReport()
    repeat: ArmReport | None = None
