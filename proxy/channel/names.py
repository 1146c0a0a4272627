"""What stands on the NATS servers under one prefix, and how each of it is bounded."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from proxy.config_channel import Nats

if TYPE_CHECKING:
    from nats.js.api import KeyValueConfig, StreamConfig

DUPLICATES = 120.0
"""Seconds in which a message that is sent again is known again by its id."""
JOURNAL_BYTES = 256 * 1024 * 1024
STATE_BYTES = 1024 * 1024


class Names:
    """Of streams, subjects and the bucket of one deployment."""

    def __init__(self, settings: Nats) -> None:
        prefix = settings.prefix
        self._settings = settings
        where = "\n".join((prefix, *sorted(settings.servers)))
        self.deployment = blake2b(where.encode(), digest_size=6).hexdigest()
        """Tells deployments on one host apart."""
        self.reports = f"{prefix}-reports"
        """The stream of all that gateways tell."""
        self.pairs = f"{prefix}.reports.pairs"
        """The subject of reports and marks."""
        self.counts = f"{prefix}.reports.counts"
        """The subject of what gateways have counted; in one stream with the reports, so in order with them."""
        self.cases = f"{prefix}.cases"
        """The subject of redacted cases, which no stream keeps."""
        self.floors = f"{prefix}.floors"
        """And of what the case pool asks of them."""
        self.journal = f"{prefix}-journal"
        """The stream of all that control has decided and what it rests on."""
        self.entries = f"{prefix}.journal"
        """Its one subject."""
        self.state = f"{prefix}-state"
        """The bucket with who leads, and the stage."""

    def streams(self) -> tuple[StreamConfig, ...]:
        """Every stream. One that is full refuses what is new: what is stored has been promised."""
        from nats.js.api import DiscardPolicy, StreamConfig  # noqa: PLC0415 - where NATS is used alone

        bounded = {"discard": DiscardPolicy.NEW, "num_replicas": self._settings.replicas}
        return (
            StreamConfig(
                name=self.reports,
                subjects=[self.pairs, self.counts],
                max_bytes=self._settings.stream_bytes,
                max_age=self._settings.stream_age,
                duplicate_window=min(DUPLICATES, self._settings.stream_age),
                **bounded,  # type: ignore[arg-type]
            ),
            StreamConfig(
                name=self.journal,
                subjects=[self.entries],
                max_bytes=JOURNAL_BYTES,
                **bounded,  # type: ignore[arg-type]
            ),
        )

    def bucket(self) -> KeyValueConfig:
        """The bucket. Its reads go to the stream's leader, never to a server that may be behind."""
        from nats.js.api import KeyValueConfig  # noqa: PLC0415 - where NATS is used alone

        return KeyValueConfig(
            bucket=self.state, max_bytes=STATE_BYTES, replicas=self._settings.replicas, direct=False
        )
