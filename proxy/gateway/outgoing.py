"""Requests as they go to an arm: the client's own to the primary, the copy to mirror and repeat. Pure.

The copy carries a short list of header fields and nothing else. A list of what to drop would leak the first
credential nobody thought of; what is on the list decides how a server reads the body and words its answer, or names
the trace it belongs to (W3C Trace Context), so that both arms' spans stand side by side. `baggage` is not on it: it
may say who the user is, and no server needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.address import DEFAULT_PORTS, ArmUrl
from proxy.config import Arm, Config
from proxy.credentials import authorization
from proxy.gateway.request import Request

_COPIED = frozenset(
    {
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"anthropic-beta",
        b"anthropic-version",
        b"content-type",
        b"openai-beta",
        b"traceparent",
        b"tracestate",
        b"user-agent",
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """One arm as the gateway addresses it."""

    name: str
    """"baseline" or "candidate"."""
    credentials: bytes
    """The header line of the arm's own key; empty where it has none. Lines stand behind their CRLF."""
    models: Mapping[str, str]
    """Client-facing model name to the arm's own."""

    def name_of(self, model: str) -> str:
        """What the arm calls a model; the same where a newer configuration knows it no more."""
        return self.models.get(model, model)


def target_of(name: str, arm: Arm, config: Config) -> Target:
    """An arm's target, with its key from the environment."""
    return Target(
        name=name,
        credentials="".join(f"\r\n{name}: {value}" for name, value in authorization(arm).items()).encode(),
        models={model: getattr(names, name) or model for model, names in config.models.items()},
    )


def host_line(url: ArmUrl) -> bytes:
    """The Host header of requests to this server."""
    host = str(url.address)
    if url.address.port == DEFAULT_PORTS[url.scheme]:
        host = host.rpartition(":")[0]
    return f"\r\nHost: {host}".encode()


def primary_head(request: Request, own: bytes, length: int | None) -> bytes:
    """The head of the client's own request; `own` are the leg's own lines, the server's `host_line` first.

    `length` is its body's where that is held, else its own framing goes on.
    """
    if length is None:
        length = request.length
    framing = b""
    if length is not None:
        framing = b"\r\nContent-Length: %d" % length
    elif request.chunked:
        framing = b"\r\nTransfer-Encoding: chunked"
    return b"%b %b HTTP/1.1%b%b%b\r\n\r\n" % (
        request.method,
        request.target,
        own,
        request.forward,
        framing,
    )


def accept_plain(request: Request) -> None:
    """Ask for an answer that is not compressed, on every leg."""
    kept = [line for line in request.lines if _name_of(line) != b"accept-encoding"]
    request.lines = [*kept, b"Accept-Encoding: identity"]
    request.forward = b"\r\n".join(request.lines)


def mirror_head(request: Request, target: Target, own: bytes, length: int) -> bytes:
    """The head of the copy, whose body has `length` bytes; `own` as in `primary_head`."""
    return b"%b %b HTTP/1.1%b%b%b\r\nX-Slipgauge-Leg: mirror\r\nContent-Length: %d\r\n\r\n" % (
        request.method,
        request.path,  # without a query, which may hold a key
        own,
        b"".join([b"\r\n" + line for line in request.lines if _name_of(line) in _COPIED]),
        target.credentials,
        length,
    )


def _name_of(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()
