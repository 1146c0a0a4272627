"""Which header fields end at the gateway, which it rebuilds, and which pass (RFC 9110 section 7.6.1)."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

# What the gateway does with a field, by its name. Plain integers: this is asked of every field of every message,
# and an enumeration's members cost several times as much to name.
PASS: Final = 0
DROP: Final = 1  # hop-by-hop: it speaks of one connection only
HOST: Final = 2
LENGTH: Final = 3
CODING: Final = 4
CONNECTION: Final = 5
EXPECT: Final = 6
UPGRADE: Final = 7
LEG: Final = 8  # names the leg of a request; only the gateway may send it
CONTROL: Final = 9  # speaks to Slipgauge, not to a server

_KINDS: dict[bytes, int] = {
    b"host": HOST,
    b"content-length": LENGTH,
    b"transfer-encoding": CODING,
    b"connection": CONNECTION,
    b"expect": EXPECT,
    b"upgrade": UPGRADE,
    b"x-slipgauge-leg": LEG,
    b"close": DROP,
    b"keep-alive": DROP,
    b"proxy-authenticate": DROP,
    b"proxy-authentication-info": DROP,
    b"proxy-authorization": DROP,
    b"proxy-connection": DROP,
    b"te": DROP,
    b"trailer": DROP,
    b"http2-settings": DROP,
}
_CONTROL_PREFIX = b"x-slipgauge-"


def kind_of(name: bytes) -> int:
    """The kind of a field by its name, in any case."""
    lower = name.lower()
    return _KINDS.get(lower, CONTROL if lower.startswith(_CONTROL_PREFIX) else PASS)


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def without(lines: list[bytes], named: AbstractSet[bytes]) -> list[bytes]:
    """Header lines without those that a `Connection` header named (lower-case)."""
    return [line for line in lines if line.partition(b":")[0].lower() not in named]


def finder(*names: str) -> re.Pattern[bytes]:
    """Finds lines of these names, patterns in lower case, each behind its CRLF: groups are name and value.

    Only for lines that llhttp has accepted, which have no space around the name, no folding and no bare CR or LF.
    """
    return re.compile(rb"(?i)\r\n(%b):[ \t]*([^\r]*)" % "|".join(names).encode())


# What a whole header line is: PASS, HOST, LENGTH, CODING as above and well-formed, or one of these.
IDLE: Final = 10  # `Connection: keep-alive`, which says what is so
ODD: Final = 11  # to be read with care: any other kind, one that is malformed or not ASCII

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%-]*(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_SECRET = frozenset({b"authorization", b"x-api-key", b"cookie", b"proxy-authorization"})
_LINES: dict[bytes, int] = {}
"""Lines as met, since most come again with the next message; bounded, and without what is secret."""


def is_host(value: bytes) -> bool:
    """Whether a Host header's value is well-formed (RFC 9110 section 7.2)."""
    return _HOST.fullmatch(value) is not None


def line_kind(line: bytes) -> int:
    """The kind of a header line; it counts only where llhttp accepts the line, too."""
    kind = _LINES.get(line)
    return _learn(line) if kind is None else kind


def _learn(line: bytes) -> int:
    name, _, value = line.partition(b":")
    value = value.strip(b" \t")
    kind = kind_of(name)
    if not line.isascii():
        kind = ODD
    elif kind == HOST:
        kind = HOST if is_host(value) else ODD
    elif kind == LENGTH:
        kind = LENGTH if value.isdigit() and len(value) <= 18 else ODD
    elif kind == CODING:
        kind = CODING if value.lower() == b"chunked" else ODD
    elif kind == CONNECTION:
        kind = IDLE if value.lower() == b"keep-alive" else ODD
    elif kind != PASS:
        kind = ODD
    if len(line) <= 128 and name.lower() not in _SECRET:
        if len(_LINES) >= 4_096:
            _LINES.clear()
        _LINES[line] = kind
    return kind
