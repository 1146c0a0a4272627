"""What Argo Rollouts' web provider is answered. Pure.

The provider takes any status but 2xx for an error of the measurement, never for a failure of the candidate, and a
few errors in a row end a rollout. So the answer is 200 whatever there is to say, and its body has the verdict under
`data`, for `jsonPath: "{$.data}"` (https://argo-rollouts.readthedocs.io/en/stable/analysis/web/). Where neither the
success nor the failure condition holds, the measurement is inconclusive, and the rollout pauses: give both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.control.control import Control
from verdict.judge import State


def answer(control: Control, query: Mapping[str, str]) -> dict[str, Any]:
    """The body. `revision` in the query names the candidate that is meant: of another, nothing is known."""
    state, reason = control.decision()
    asked = query.get("revision")
    if asked is not None and asked != control.revision:
        state, reason = State.NO_DATA, f"the evidence is of revision {control.revision}"
    return {
        "data": {
            "verdict": str(state),
            "reason": reason,
            "stage": str(control.rollout.stage),
            "revision": control.revision,
        }
    }
