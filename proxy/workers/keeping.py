"""The child's part in the case pool: a pair that has a chance to be kept is redacted before it leaves the process.

Most pairs have none: their ranks are below the floors that the pool was last told to have, and nothing of them is
touched. What the parent knows of a pair and no analyzer may see (whose it is, its session) is not in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzers.finding import Finding, Measurement
from analyzers.pair import Pair
from cases import redaction
from cases.case import Case, Stratum, dumps
from cases.sampling import chances
from cases.strata import places
from proxy.workers.answers import MAX_CASE, UNREDACTED
from proxy.workers.wire import Settings


class Keeping:
    """Makes cases. Raises cases.redaction.RedactorError where the operator's redactor cannot be loaded."""

    def __init__(self, settings: Settings) -> None:
        self.floors: Mapping[str, float] = {}
        """By stratum, what a rank must exceed; 0 where it is not named."""
        self._own = None if settings.redactor is None else redaction.load(settings.redactor)
        self._store_text = settings.store_text

    def case(self, pair: Pair, findings: Iterable[Finding], measurements: Iterable[Measurement]) -> bytes:
        """The redacted case, without what the parent adds; empty where no stratum would take it.

        UNREDACTED where it could not be redacted, and so is not kept. Without its texts where it is too large.
        """
        drawn = chances(pair.pair_id, places(findings, measurements), self.floors)
        if not drawn:
            return b""
        try:
            for store_text in (True, False) if self._store_text else (False,):
                parts = redaction.redact(pair, self._own, store_text=store_text)
                body = dumps(_case(pair, parts, drawn))
                if len(body) <= MAX_CASE:
                    return body
        except Exception:
            return UNREDACTED
        return UNREDACTED


def _case(pair: Pair, parts: redaction.Parts, drawn: tuple[Stratum, ...]) -> Case:
    """The case as far as it is known here."""
    return Case(
        pair_id=pair.pair_id,
        at="",
        subject="",
        session="",
        primary="",
        state="",
        inclusion=1.0,
        revision="",
        path=pair.request.path,
        strata=drawn,
        **parts._asdict(),
    )
