"""Which of the `X-Slipgauge-*` fields of a request analyzers may see. Pure, but for counting.

A gold says which answer is right, so that whoever sends one can say which arm fails: of a client that knows the
baseline's answers it is no measurement. It is believed only beside the operator's own token, which is for the
gateway alone.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from typing import Final

from analyzers.math_checked.asked import GOLD_HEADER, supplied
from proxy.config import Analysis
from proxy.telemetry import Telemetry

TOKEN_HEADER: Final = "x-slipgauge-gold-token"  # noqa: S105 - the name of the header
RESULTS = ("taken", "untrusted", "unreadable")
"""What becomes of a gold: it is used; it came without the token; it is neither a number nor an expression."""


class Golds:
    """Decides from one configuration."""

    def __init__(self, analysis: Analysis, telemetry: Telemetry) -> None:
        name = analysis.gold_token_env
        self._token = os.environ[name].encode() if name else None
        self._counts = {result: telemetry.golds.labels(result) for result in RESULTS}

    def seen(self, control: Mapping[str, str]) -> dict[str, str]:
        """What analyzers see of a request's fields: never the token, and a gold only where it is to be used."""
        fields = dict(control)
        token = fields.pop(TOKEN_HEADER, "")
        gold = fields.get(GOLD_HEADER)
        if gold is not None:
            result = self._judge(gold, token)
            self._counts[result].inc()
            if result != "taken":
                del fields[GOLD_HEADER]
        return fields

    def _judge(self, gold: str, token: str) -> str:
        if self._token is None or not hmac.compare_digest(token.encode(), self._token):
            return "untrusted"
        return "unreadable" if supplied(gold) is None else "taken"
