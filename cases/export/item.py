"""A case as eval tools see it: a conversation of OpenAI chat messages, parameters, checks, and what goes along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from cases.case import Answer, Case
from cases.export.targets import Check, checks

PARAMETERS = (
    "temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens", "response_format",
    "structured_outputs", "tools", "tool_choice", "parallel_tool_calls",
)  # fmt: skip
"""What of a chat request goes along to those tools that can send it."""
MOST_TOKENS = 131_072
"""A larger limit limits nothing, and may be a joke of a client's."""
FORMS = frozenset({"response_format", "structured_outputs", "tools"})
"""Parameters without which a request is another test."""


class UnfitError(ValueError):
    """A case that cannot be had in this form; the message says why, in words of its own."""


@dataclass(frozen=True, slots=True)
class Item:
    """One case."""

    id: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any]
    checks: tuple[Check, ...]
    reference: str
    """What the baseline answered: to compare with, not to be right by."""
    metadata: Mapping[str, Any]

    @property
    def gold(self) -> str | None:
        """The right answer, where there is one."""
        return next((check["gold"] for check in self.checks if check["kind"] == "answer"), None)

    @property
    def max_tokens(self) -> int | None:
        """The most tokens that the answer may have; None where the request sets no limit."""
        limits = (self.parameters.get(name) for name in ("max_completion_tokens", "max_tokens"))
        return next((limit for limit in limits if type(limit) is int and 0 < limit <= MOST_TOKENS), None)

    @property
    def alone(self) -> str:
        """The one user message that is the whole conversation. Raises UnfitError where there is more to it."""
        if len(self.messages) != 1 or self.messages[0]["role"] != "user":
            raise UnfitError("is more than one user message")
        if form := sorted(FORMS & self.parameters.keys()):
            raise UnfitError(f"needs {form[0]}, which this tool cannot send for one case alone")
        return str(self.messages[0]["content"])


def item(case: Case) -> Item:
    """The case as an item. Raises UnfitError where it has no words, or none that go into chat messages."""
    if not case.texts:
        raise UnfitError("has no texts")
    asked = checks(case)
    if not asked:
        raise UnfitError("has nothing that can be checked")
    return Item(
        id=case.pair_id,
        messages=_messages(case),
        parameters={name: case.request[name] for name in PARAMETERS if case.request.get(name) is not None},
        checks=asked,
        reference=_said(case.baseline),
        metadata=_metadata(case),
    )


def _metadata(case: Case) -> dict[str, Any]:
    """What goes along: where it is from, what it stands for, what was found and said of it."""
    return {
        "at": case.at,
        "revision": case.revision,
        "segments": list(case.segments),
        "inclusion": case.inclusion,
        "strata": {stratum.name: stratum.probability for stratum in case.strata},
        "near_duplicates": case.duplicates,
        "findings": {
            finding.variable: {"baseline": finding.baseline.label, "candidate": finding.candidate.label}
            for finding in case.findings
        },
        "labels": [asdict(label) for label in case.labels],
        "redacted": dict(case.redacted),
    }


def _messages(case: Case) -> tuple[Mapping[str, Any], ...]:
    body = case.request
    if not case.path.endswith("/chat/completions"):
        raise UnfitError("is no chat completion")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise UnfitError("has no messages")
    return tuple(map(_message, messages))


def _message(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or not isinstance(raw.get("role"), str):
        raise UnfitError("has a message without a role")
    message: dict[str, Any] = {"role": raw["role"], "content": _content(raw.get("content"))}
    return message | {name: raw[name] for name in ("tool_calls", "tool_call_id", "name") if raw.get(name)}


def _content(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise UnfitError("has a message that is no text")
    parts = [
        part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content
    ]
    if not all(isinstance(part, str) for part in parts):
        raise UnfitError("has images, sound or files, which are not kept")
    return "\n".join(map(str, parts))


def _said(answer: Answer) -> str:
    if not answer.choices:
        return ""
    first = answer.choices[0]
    calls = [{"name": call.name, "arguments": call.arguments} for call in first.tool_calls]
    return orjson.dumps(calls).decode() if calls else first.text or first.refusal
