"""What a request is to Slipgauge: mirrored or not, answered by which arm, in which session. Pure.

Every decision is a keyed hash of the sticky key under a name of its own, so that whole sessions go together, the
decisions are independent of each other, and nobody who lacks the salt can choose theirs (RFC 7693, BLAKE2).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from proxy.config import Config
from proxy.gateway.eligibility import conversation, kept_by_server, parse_object, stands_alone
from proxy.gateway.fields import finder
from proxy.gateway.request import Request

OPERATIONS: Final = {
    b"/v1/chat/completions": "chat",
    b"/v1/completions": "completions",
    b"/v1/responses": "responses",
    b"/v1/messages": "messages",
    b"/v1/embeddings": "embeddings",
    b"/v1/models": "models",
}
"""The metric label of a path, from a closed set."""
OTHER: Final = "other"
"""The operation of any other path."""
MIRROR_HEADER: Final = "x-slipgauge-mirror"
"""By this a client asks that a request be not mirrored: any value but `yes` does."""
_SESSION, _BUCKET = 16, 8
"""Bytes of a session's name, and of each bucket: parts of one digest, independent of each other."""
_ENCODING = finder("content-encoding")
_IDENTITY = finder("authorization", "x-api-key")


@dataclass(slots=True)
class Route:
    """An eligible request's way."""

    model: str
    """The name the client asked for."""
    body: Mapping[str, Any]
    session: bytes
    """Keyed hash of the sticky key."""
    sampled: bool
    repeat: bool
    canary: bool
    """Whether the candidate answers, where it can."""
    peer: str = ""
    """The client's address."""


class Router:
    """Decides from one configuration. `salt` keys the hashes; `weight` is the share of sessions for the candidate.

    A session that the candidate answers at one weight is answered by it at every higher one.
    """

    def __init__(self, config: Config, salt: bytes, weight: float = 0.0) -> None:
        self._paths = frozenset(path.encode() for path in config.mirror.paths)
        self._models = config.models
        self._sample = _Share(config.mirror.sample)
        self._repeat = _Share(config.mirror.repeat)
        header = config.session.header
        self._session_header = finder(re.escape(header.lower())) if header else None
        self._session_field = config.session.field
        self._keyed = blake2b(digest_size=_SESSION + 3 * _BUCKET, key=blake2b(salt, digest_size=32).digest())
        self._reads = (
            config.mirror.coupled_seed
            or config.tracing.endpoint is not None
            or any(names.baseline not in (None, model) for model, names in config.models.items())
        )
        self.set_weight(weight)

    def set_weight(self, weight: float) -> None:
        """The share of sessions that the candidate answers, from the next request on."""
        self.weight = weight
        """Share of sessions that the candidate answers."""
        self._candidate = _Share(weight)
        self.reads_first = weight > 0 or self._reads
        """Whether a body must be read before the primary is sent: to know to which arm, whether it is traced, or to
        change it."""

    def may_mirror(self, request: Request) -> bool:
        """Whether the request's head allows mirroring, so that its body is worth holding."""
        return request.path in self._paths and request.method == b"POST"

    def route(self, request: Request, body: bytes, peer: str) -> Route | None:
        """The way of a request whose whole body is `body`; None where it is not eligible.

        `peer` is the client's address, its identity where it sent no credentials.

        Raises:
            TooIntricateError: The body has too much structure to be read here.
        """
        lines = request.forward
        encoding = _ENCODING.search(lines)
        if encoding and encoding[2].rstrip().lower() != b"identity":
            return None
        found = parse_object(body)
        if found is None:
            return None
        model = found.get("model")
        if not isinstance(model, str) or model not in self._models or not stands_alone(found):
            return None
        hashed = self._keyed.copy()
        hashed.update(self._sticky_key(lines, found, peer))
        digest = hashed.digest()
        sampled = self._sample.holds(digest[_SESSION : _SESSION + _BUCKET])
        if sampled and request.control and request.control.get(MIRROR_HEADER, "yes").lower() != "yes":
            sampled = False
        repeat = sampled and self._repeat.holds(digest[_SESSION + _BUCKET : _SESSION + 2 * _BUCKET])
        canary = self.weight > 0 and self._candidate.holds(digest[_SESSION + 2 * _BUCKET :])
        if canary and kept_by_server(request.path, found):
            canary = False
        return Route(model, found, digest[:_SESSION], sampled, repeat, canary, peer)

    def _sticky_key(self, lines: bytes, body: Mapping[str, Any], peer: str) -> bytes:
        named = self._session_header.search(lines) if self._session_header else None
        if named and named[2]:
            return b"session\x00" + named[2].rstrip(b" \t")
        credentials = _IDENTITY.search(lines)
        identity = credentials[2].rstrip(b" \t") if credentials else peer.encode()
        field = body.get(self._session_field) if self._session_field else None
        if field and isinstance(field, str):
            return b"field\x00" + identity + b"\x00" + field.encode("utf-8", "surrogatepass")
        return b"derived\x00" + identity + b"\x00" + conversation(body)


class _Share:
    """A share of sessions, drawn by their buckets."""

    def __init__(self, share: float) -> None:
        self._below: int = round(share * 2 ** (8 * _BUCKET))

    def holds(self, bucket: bytes) -> bool:
        """Whether a session with this bucket is in the share."""
        return int.from_bytes(bucket) < self._below


class ModelScan:
    """Looks for a configured model's name in a body that passes through, too large to be held or parsed.

    A request is counted by it, not routed: a `"model"` key with a configured name is taken for the request's own,
    which a nested one would be as well.
    """

    _KEY = re.compile(rb'"model"\s*:\s*"([^"\\]{1,256})"')
    _OVERLAP = 320
    """Bytes kept from one arrival to the next, since a key may be split over both."""

    def __init__(self, config: Config) -> None:
        self._models = frozenset(name.encode() for name in config.models)
        self._tail = b""

    def feed(self, piece: bytes) -> bool:
        """Whether the name stands in what has passed so far."""
        seam = self._tail + piece[: self._OVERLAP]
        last = seam if len(piece) < self._OVERLAP else piece
        self._tail = last[-self._OVERLAP :]
        return any(match[1] in self._models for text in (seam, piece) for match in self._KEY.finditer(text))


def salt_of(config: Config) -> bytes:
    """The configured salt, or a random one for this process's life."""
    name = config.session.salt_env
    return os.environ[name].encode() if name else os.urandom(32)
