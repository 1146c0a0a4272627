"""Which header fields end at the gateway, which it rebuilds, and which pass (RFC 9110 section 7.6.1)."""

from __future__ import annotations

from enum import IntEnum

Field = tuple[bytes, bytes]


class Kind(IntEnum):
    """What the gateway does with a header field."""

    PASS = 0
    DROP = 1
    """Hop-by-hop: it speaks of one connection only."""
    HOST = 2
    LENGTH = 3
    CODING = 4
    CONNECTION = 5
    EXPECT = 6
    UPGRADE = 7
    LEG = 8
    """Names the leg of a request; only the gateway may send it."""
    CONTROL = 9
    """Speaks to Slipgauge, not to a server."""


_KINDS = {
    b"host": Kind.HOST,
    b"content-length": Kind.LENGTH,
    b"transfer-encoding": Kind.CODING,
    b"connection": Kind.CONNECTION,
    b"expect": Kind.EXPECT,
    b"upgrade": Kind.UPGRADE,
    b"x-slipgauge-leg": Kind.LEG,
    b"keep-alive": Kind.DROP,
    b"proxy-authenticate": Kind.DROP,
    b"proxy-authentication-info": Kind.DROP,
    b"proxy-authorization": Kind.DROP,
    b"proxy-connection": Kind.DROP,
    b"te": Kind.DROP,
    b"trailer": Kind.DROP,
    b"http2-settings": Kind.DROP,
}
_CONTROL_PREFIX = b"x-slipgauge-"


def _spellings() -> dict[bytes, Kind]:
    """The common spellings, so that most names are found without lower-casing."""
    common = (b"Accept", b"Accept-Encoding", b"Authorization", b"Content-Type", b"Date", b"Server", b"User-Agent")
    passing = {spelling: Kind.PASS for name in common for spelling in (name, name.lower())}
    return passing | _KINDS | {name.title(): kind for name, kind in _KINDS.items()}


_SPELLINGS = _spellings()


def kind_of(name: bytes) -> Kind:
    """The kind of a field by its name, in any case."""
    kind = _SPELLINGS.get(name)
    if kind is not None:
        return kind
    lower = name.lower()
    if lower.startswith(_CONTROL_PREFIX) and lower not in _KINDS:
        return Kind.CONTROL
    return _KINDS.get(lower, Kind.PASS)


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def without(fields: list[Field], named: set[bytes]) -> list[Field]:
    """`fields` without those that a `Connection` header named (lower-case)."""
    return [field for field in fields if field[0].lower() not in named]


def block(fields: list[Field]) -> bytes:
    """Header lines as they go on the wire, each with its CRLF."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])
