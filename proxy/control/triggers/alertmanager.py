"""What Alertmanager's webhook asks for, version 4 of its payload. Pure.

An alert acts by its label `slipgauge_action`: `rollback` or `hold`. Others are let be. Alertmanager sends a group
again every `repeat_interval` for as long as it fires, and once more when it is resolved
(https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), so:

- only alerts that fire act, by their own status: a group that fires holds resolved ones, too;
- the same firing acts once, known by group, fingerprint and start: an operator who resumes is not held again by the
  repetition;
- where `truncatedAlerts` were left out, what they ask for is not known: the labels that the group shares still
  speak, and otherwise the rollout is held.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import structlog

from verdict.rollout import Command

LABEL = "slipgauge_action"
ACTIONS = {"rollback": Command.ROLLBACK, "hold": Command.HOLD}
VERSIONS = ("4", "1")
"""Alertmanager's, and that of Grafana's webhook, which holds the same and more."""
REMEMBERED = 1_000
"""Most firings remembered; the longest unheard is forgotten first, and would act again."""
MAX_ALERTS = 10_000
MAX_WORDS = 200
MAX_NAME = 10_000
"""Most characters of what a firing is known by, which is remembered."""

_log = structlog.get_logger(__name__)


class PayloadError(ValueError):
    """What came is no payload of version 4; sending it again would not help."""


class Wish(NamedTuple):
    """What the alerts of one payload ask for."""

    command: Command
    reason: str


class Firings:
    """Which firings have acted. `dump` and the argument of the constructor carry them over a restart."""

    def __init__(self, dumped: Mapping[str, str] | None = None) -> None:
        self._acted: OrderedDict[str, str] = OrderedDict(list((dumped or {}).items())[-REMEMBERED:])

    @classmethod
    def restored(cls, stored: bytes | None) -> Firings:
        """Those that a store has as JSON; none where it holds junk, so that what fires then acts once more."""
        try:
            dumped = orjson.loads(stored or b"{}")
            if isinstance(dumped, dict) and all(isinstance(each, str) for each in dumped.values()):
                return cls(dumped)
        except ValueError:
            pass
        _log.error("which alerts have acted cannot be read, so that those that fire act once more")
        return cls()

    def dump(self) -> dict[str, str]:
        """What must survive a restart, as JSON takes it."""
        return dict(self._acted)

    def take(self, payload: Any) -> Wish | None:
        """What a payload asks for that has not been done; a rollback before a hold. Raises PayloadError."""
        group, alerts, truncated = _read(payload)
        wishes = [wish for each in alerts if (wish := self._one(group, *each)) is not None]
        if payload["status"] != "firing":
            self._acted.pop(f"{group}\ntruncated", None)
        elif truncated and (wish := self._left_out(group, payload, truncated)):
            wishes.append(wish)
        return min(wishes, key=lambda wish: wish.command is not Command.ROLLBACK, default=None)

    def _one(self, group: str, fingerprint: str, status: str, starts: str, alert: Mapping[str, Any]) -> Wish | None:
        key = f"{group}\n{fingerprint}"
        if status != "firing":
            self._acted.pop(key, None)
            return None
        command = ACTIONS.get(str(alert["labels"].get(LABEL)))
        if command is None or not self._is_new(key, starts):
            return None
        return Wish(command, _words(alert))

    def _left_out(self, group: str, payload: Mapping[str, Any], truncated: int) -> Wish | None:
        """What is done about alerts that the payload does not hold."""
        shared = payload.get("groupLabels")
        command = ACTIONS.get(str(shared.get(LABEL))) if isinstance(shared, Mapping) else None
        if not self._is_new(f"{group}\ntruncated", str(command)):
            return None
        left = f"{truncated} alerts of the group were left out (max_alerts)"
        if command is not None:
            return Wish(command, f"{left}, and the whole group asks for it")
        return Wish(Command.HOLD, f"{left}, and what they ask for is not known")

    def _is_new(self, key: str, firing: str) -> bool:
        seen = self._acted.pop(key, None)
        self._acted[key] = firing
        if len(self._acted) > REMEMBERED:
            self._acted.popitem(last=False)
        return seen != firing


def _read(payload: Any) -> tuple[str, list[tuple[str, str, str, Mapping[str, Any]]], int]:
    """The group's key; fingerprint, status and start of each alert beside it; how many were left out."""
    if not isinstance(payload, Mapping) or payload.get("version") not in VERSIONS:
        raise PayloadError('should be a payload of Alertmanager\'s webhook with "version": "4"')
    alerts, group = payload.get("alerts"), payload.get("groupKey")
    truncated = payload.get("truncatedAlerts", 0)
    known = payload.get("status") in ("firing", "resolved")
    if not (known and isinstance(alerts, list) and isinstance(group, str)):
        raise PayloadError("should hold groupKey, status and alerts")
    if len(group) > MAX_NAME:
        raise PayloadError(f"holds a groupKey of more than {MAX_NAME} characters")
    if type(truncated) is not int or truncated < 0 or len(alerts) > MAX_ALERTS:
        raise PayloadError("holds more alerts, or fewer, than there can be")
    found = []
    for alert in alerts:
        if not isinstance(alert, Mapping) or not isinstance(alert.get("labels"), Mapping):
            raise PayloadError("holds an alert without labels")
        fingerprint, status, starts = (alert.get(name) for name in ("fingerprint", "status", "startsAt"))
        if not (isinstance(fingerprint, str) and isinstance(status, str) and isinstance(starts, str)):
            raise PayloadError("holds an alert without fingerprint, status or startsAt")
        if max(len(fingerprint), len(starts)) > MAX_NAME:
            raise PayloadError(f"holds a fingerprint or startsAt of more than {MAX_NAME} characters")
        found.append((fingerprint, status, starts, alert))
    return group, found, truncated


def _words(alert: Mapping[str, Any]) -> str:
    """The alert for people: its name, and its summary where it has one."""
    annotations = alert.get("annotations")
    summary = annotations.get("summary") if isinstance(annotations, Mapping) else None
    words = f"alert {alert['labels'].get('alertname', 'without a name')}" + (f": {summary}" if summary else "")
    return "".join(c if c.isprintable() else " " for c in words)[:MAX_WORDS]
