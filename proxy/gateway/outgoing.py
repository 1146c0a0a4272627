"""Requests as they go to an arm: the client's own to the primary, the copy to mirror and repeat. Pure.

The copy carries a short list of header fields and nothing else. A list of what to drop would leak the first
credential nobody thought of; what is on the list decides how a server reads the body and words its answer, or names
the trace it belongs to (W3C Trace Context), so that both arms' spans stand side by side. `baggage` is not on it: it
may say who the user is, and no server needs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from proxy.address import DEFAULT_PORTS, ArmUrl
from proxy.config import Arm, Config
from proxy.credentials import authorization
from proxy.gateway.eligibility import RESPONSES
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
SEEDED_PATHS = frozenset({b"/v1/chat/completions", b"/v1/completions", b"/v1/responses"})
"""Where vLLM takes a `seed` (vllm/entrypoints/openai/*/protocol.py); in /v1/messages there is none."""


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


def mirror_body(request: Request, body: bytes) -> bytes:
    """The body of the copy; `body` is the client's with the model already the arm's own."""
    return _with(body, "store", False) if request.path == RESPONSES else body


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


def renamed(body: bytes, parsed: Mapping[str, Any], model: str) -> bytes:
    """`body` asking for `model`: the same bytes but for the name where that is certain, else written anew.

    It is certain where `"model"` stands once in the bytes, and no letter is escaped by its code, so that no other
    key can read the same: then it is the key that was parsed.
    """
    asked = parsed["model"]
    if asked == model:
        return body
    if body.count(b'"model"') == 1 and rb"\u00" not in body:
        found = re.search(rb'"model"\s*:\s*' + re.escape(orjson.dumps(asked)), body)
        if found:
            value = found.end() - len(orjson.dumps(asked))
            return body[:value] + orjson.dumps(model) + body[found.end() :]
    return orjson.dumps({**parsed, "model": model})


def seeded(body: bytes, parsed: Mapping[str, Any], seed: int) -> bytes:
    """`body` with `seed`, the same bytes otherwise; as it is where the client has set one."""
    return body if parsed.get("seed") is not None else _with(body, "seed", seed)


def _with(body: bytes, name: str, value: bool | int) -> bytes:  # noqa: FBT001 - it is the field's value
    """A JSON object's bytes with one more field; a later key of the same name would win, so none may be there."""
    if b'"%b"' % name.encode() in body or rb"\u00" in body:
        return orjson.dumps({**orjson.loads(body), name: value})
    return b'{"%b":%b,' % (name.encode(), orjson.dumps(value)) + body.lstrip()[1:]
