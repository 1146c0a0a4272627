"""Which header fields end at the gateway, which it rebuilds, and which pass (RFC 9110 section 7.6.1)."""

from __future__ import annotations

import re
from typing import Final

Field = tuple[bytes, bytes]


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


_KNOWN: dict[bytes, int] = {}
"""Kinds by spelling as met, so that most names cost one look-up; bounded."""


def kind_of(name: bytes) -> int:
    """The kind of a field by its name, in any case."""
    kind = _KNOWN.get(name)
    if kind is None:
        lower = name.lower()
        kind = _KINDS.get(lower, CONTROL if lower.startswith(_CONTROL_PREFIX) else PASS)
        if len(_KNOWN) < 1_024 and len(name) <= 64:
            _KNOWN[name] = kind
    return kind


def tokens(value: bytes) -> list[bytes]:
    """The lower-case members of a comma-separated list (RFC 9110 section 5.6.1)."""
    return [token for part in value.lower().split(b",") if (token := part.strip(b" \t"))]


def without(fields: list[Field], named: set[bytes]) -> list[Field]:
    """`fields` without those that a `Connection` header named (lower-case)."""
    return [field for field in fields if field[0].lower() not in named]


def block(fields: list[Field]) -> bytes:
    """Header lines as they go on the wire, each behind its CRLF."""
    return b"".join([b"\r\n%b: %b" % field for field in fields])


def finder(*names: str) -> re.Pattern[bytes]:
    """Finds lines of these names, patterns in lower case, in a `block`: groups are name and value.

    Only for lines that llhttp has accepted, which have no space around the name, no folding and no bare CR or LF.
    The literal CRLF in front lets the search skip from line to line.
    """
    return re.compile(rb"(?i)\r\n(%b):[ \t]*([^\r]*)" % "|".join(names).encode())


SPECIAL: Final = finder(*(name.decode() for name in _KINDS), _CONTROL_PREFIX.decode() + "[^:]*")
"""Every line that is not simply passed on."""
