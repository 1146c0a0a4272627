"""What Flagger's webhooks are answered. Pure.

Flagger takes 200 to 202 for yes and any other status for no, 204 too
(https://docs.flagger.app/usage/webhooks). What a no does depends on the hook:

- `rollout`: a failed check; after `analysis.threshold` of them Flagger rolls back. It fails closed.
- `rollback`: nothing. Only a yes rolls back, and an outage does not: it fails open. Configure both.
- `confirm-traffic-increase`: Flagger waits. Meanwhile it neither asks `rollback` nor rolls back on failed checks
  (fluxcd/flagger#1801), so this hook can keep a bad candidate's traffic where it is.
- `confirm-promotion`: Flagger waits, and still asks `rollback`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from verdict.judge import State

YES, NO = 200, 409


class Known(NamedTuple):
    """What an answer goes by."""

    verdict: State
    reason: str
    against: tuple[str, ...]
    """What keeps the candidate from more traffic, in words, whatever the verdict."""
    revision: str


class Answer(NamedTuple):
    """A status, and why."""

    status: int
    reason: str


def _rollout(known: Known) -> bool:
    return known.verdict is not State.FAIL


def _rollback(known: Known) -> bool:
    return known.verdict is State.FAIL


def _more(known: Known) -> bool:
    return known.verdict in (State.PASS, State.INCONCLUSIVE) and not known.against


def _promotion(known: Known) -> bool:
    return known.verdict is State.PASS


HOOKS: dict[str, Callable[[Known], bool]] = {
    "rollout": _rollout,
    "rollback": _rollback,
    "confirm-traffic-increase": _more,
    "confirm-promotion": _promotion,
}


def answer(hook: str, body: Any, known: Known) -> Answer:
    """The answer to one of HOOKS; `body` is Flagger's JSON.

    `revision` in the hook's metadata names the candidate that is meant: of another nothing is known, so every hook
    but `rollback` is answered no, and that one too.
    """
    metadata = body.get("metadata") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(metadata or {}, Mapping):
        return Answer(400, "should be Flagger's JSON: name, namespace, phase and metadata")
    asked = (metadata or {}).get("revision")
    if asked is not None and asked != known.revision:
        return Answer(NO, f"the evidence is of revision {known.revision}")
    reason = "; ".join((f"{known.verdict}: {known.reason}", *known.against))
    return Answer(YES if HOOKS[hook](known) else NO, reason)
