"""What the API readers share: an answer under assembly, and careful access to JSON that anyone may have written.

`MalformedError` means: valid JSON, but not what the API promises. Nothing else is raised, whatever the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from analyzers.pair import Choice, ToolCall, Usage

MAX_CHOICES = 128
MAX_TOOL_CALLS = 256
MAX_TOKENS = 1 << 31


class MalformedError(ValueError):
    """A body that is JSON but not an answer of its API."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole body, read."""

    choices: tuple[Choice, ...]
    usage: Usage = Usage()


class Stream(Protocol):
    """An answer assembled from the events of one stream."""

    finished: bool
    """The API's end marker was seen."""
    failed: bool
    """The stream carried an error object: the answer broke off after its 200."""

    def feed(self, name: str, data: str) -> bool:
        """Take one event; True where it carried generated tokens. Raises MalformedError."""
        ...

    def answer(self) -> Answer:
        """What has been assembled so far. Raises MalformedError where that is no answer."""
        ...


@dataclass(slots=True)
class CallDraft:
    """A tool call whose arguments are still arriving."""

    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class ChoiceDraft:
    """A choice whose parts are still arriving."""

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, CallDraft] = field(default_factory=dict)
    finish_reason: str = ""

    def call(self, index: int) -> CallDraft:
        """The tool call at `index`, begun where it is new. Raises MalformedError beyond MAX_TOOL_CALLS."""
        if index not in self.calls and len(self.calls) >= MAX_TOOL_CALLS:
            raise MalformedError("too many tool calls")
        return self.calls.setdefault(index, CallDraft())

    def choice(self) -> Choice:
        """The choice as it stands."""
        return Choice(
            text="".join(self.text),
            refusal="".join(self.refusal),
            tool_calls=tuple(
                ToolCall(call.name, "".join(call.arguments)) for _, call in sorted(self.calls.items())
            ),
            finish_reason=self.finish_reason,
        )


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is a JSON object; empty where it is null or missing. Raises MalformedError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError("expected an object")
    return value


def items(value: Any) -> list[Any]:
    """`value` where it is a JSON array; empty where it is null or missing. Raises MalformedError."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError("expected an array")
    return value


def text(value: Any) -> str:
    """`value` where it is a string; empty where it is null or missing. Raises MalformedError."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError("expected a string")
    return value


def index(value: Any, default: int) -> int:
    """A small array position, or `default` where none is given. Raises MalformedError."""
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1_000_000:
        raise MalformedError("expected a small index")
    return value


def tokens(value: Any) -> int:
    """A token count; 0 where it is missing or absurd, since usage is telemetry and judges nothing."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_TOKENS:
        return value
    return 0
