"""What was asked and what each arm answered, first as bytes off the wire, then as read.

The gateway fills `Capture` and `CapturedPair` and looks no further: reading bodies costs time that belongs to no
client. `analyzers.reading` turns them into `Exchange` and `Pair` in a worker process, and analyzers see only those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ARRIVALS = 320
"""Most arrivals noted of one answer: no more than its first 257 tokens are timed (`analyzers.reading`)."""
STREAM = "text/event-stream"
"""The media type of server-sent events."""


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters, in lower case (RFC 9110 section 8.3.1); empty where there is none."""
    return content_type.partition(";")[0].strip().lower()


class End(StrEnum):
    """How one arm's answer ended, as the gateway saw it."""

    COMPLETE = "complete"
    """The whole answer arrived, whatever its status."""
    REFUSED = "refused"
    """No connection could be made."""
    RESET = "reset"
    """The connection broke, or broke HTTP, before the answer was whole."""
    DEADLINE = "deadline"
    """The deadline, counted from this leg's own send, passed first."""
    TOO_LARGE = "too_large"
    """The answer outgrew what may be captured; the rest was not kept."""
    ABORTED = "aborted"
    """The client left, or the gateway gave the leg up; says nothing about the arm."""


@dataclass(frozen=True, slots=True)
class Capture:
    """One arm's answer as bytes. Times are seconds since this leg's request was sent."""

    end: End
    status: int | None = None
    """HTTP status, or None where no status line arrived."""
    content_type: str = ""
    content_encoding: str = ""
    body: bytes = b""
    """The body without its transfer coding, still content-encoded."""
    arrivals: tuple[tuple[float, int], ...] = ()
    """(seconds, body bytes received so far) at each of the first ARRIVALS arrivals."""
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class CapturedPair:
    """One request with the bytes of both arms' answers, ready for a worker."""

    pair_id: str
    session: str
    """Keyed hash of the sticky key; never the key itself."""
    primary: str
    """Which arm was to answer the client: "baseline" or "candidate", the latter also where it failed to."""
    path: str
    body: bytes
    """The client's request body."""
    baseline: Capture
    candidate: Capture
    repeat: Capture | None = None
    inclusion: float = 1.0
    """The probability with which this request's session was chosen for mirroring."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The few request headers analyzers may see, by lower-case name."""
    arrival: int = 0
    """When the request arrived: its place among all."""
    segments: tuple[str, ...] = ()
    """What kind of request it is, as `attribute=value`."""
    subject: str = ""
    """Keyed hash of the client's identity; empty where nothing of the pair may be kept as a case."""
    client: str = ""
    """Keyed hash of the client whose part in the evidence is bounded; empty where none is."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the client asked. Populations are decided from this alone."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def messages(self) -> tuple[Mapping[str, Any], ...]:
        """The chat messages that are JSON objects, in order; empty where there are none."""
        messages = self.body.get("messages")
        if not isinstance(messages, list):
            return ()
        return tuple(message for message in messages if isinstance(message, dict))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call the model made. `arguments` is the text it wrote, JSON or not."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the `n` answers to a request."""

    text: str = ""
    refusal: str = ""
    """The API's own refusal field (`message.refusal`), where a server fills it."""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that the server says it spent."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request's answer by one arm, read."""

    end: End
    status: int | None = None
    choices: tuple[Choice, ...] = ()
    """Of an answer that was too large, as far as a stream was captured."""
    usage: Usage = Usage()
    readable: bool = True
    """False where a complete 2xx body could not be read as what the API promises."""
    first_token: float | None = None
    """Seconds from send to the first token's arrival; None where not streamed or unknown."""
    gaps: tuple[float, ...] = ()
    """Seconds between arrivals of successive streamed tokens; bounded."""
    duration: float = 0.0

    @property
    def served(self) -> bool:
        """Whether there is an answer to judge: whole, 2xx and readable."""
        return self.end is End.COMPLETE and self.status is not None and 200 <= self.status < 300 and self.readable


@dataclass(frozen=True, slots=True)
class Pair:
    """The exchanges of one request on both arms, and the repeat where one was drawn."""

    pair_id: str
    request: Request
    baseline: Exchange
    candidate: Exchange
    repeat: Exchange | None = None
