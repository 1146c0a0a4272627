"""Addresses of machines, and credentials in URLs and command lines.

IPv4 as four numbers, IPv6 as RFC 4291 section 2.2 writes it; loopback, unspecified and broadcast addresses tell
nothing of anybody and stay. In URLs (RFC 3986): the user information before the host, and the values of query
parameters whose names say that they open something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from cases.redaction.span import Span, said_before

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![\w.-])(?:{_OCTET}\.){{3}}{_OCTET}(?![\w%]|\.[0-9]|-[0-9])")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?:\.[0-9]{1,3}){3})?(?![\w:])")
_MAC = re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])")
_VERSION = re.compile(
    r"\b(?:v|ver|version|versions|release|build|section|chapter|clause|rfc|draft|firmware|driver) ?$", re.IGNORECASE
)
_TELLS_NOTHING = frozenset({IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")})

_USER = re.compile(r"(?<=://)[^\s/?#@\"'<>]{1,256}+(?=@)")
_CURL = re.compile(r"(?<![\w-])(?:-u|--user)[ =]{1,4}[\"']?([^\s:\"']{1,64}:[^\s\"']{1,128})")
_PARAMETER = re.compile(
    r"[?&;](?:[\w.-]{0,40}?(?:token|secret|passw(?:or)?d|pwd|passwd|api[_-]?key|apikey|signature|credential|session[_-]?id)"
    r"|key|sig|auth|code|sid|jwt|access[_-]?key)=([^\s&#\"'<>\\]{6,2048}+)",
    re.IGNORECASE,
)


def addresses(text: str) -> Iterator[Span]:
    """Every IP address that is somebody's, and every MAC address."""
    for found in _MAC.finditer(text):
        yield Span(found.start(), found.end(), "mac")
    for found in _IPV4.finditer(text):
        if _somebodys(found[0]) and not said_before(text, found.start(), _VERSION):
            yield Span(found.start(), found.end(), "ip")
    for found in _IPV6.finditer(text):
        address = found[0] if found[0].endswith("::") else found[0].removesuffix(":")
        if address.count(":") >= 2 and _is_written_out(address) and _somebodys(address):
            yield Span(found.start(), found.start() + len(address), "ip")


def credentials(text: str) -> Iterator[Span]:
    """What opens something, in a URL or given to curl."""
    for found in _USER.finditer(text):
        yield Span(found.start(), found.end(), "credentials")
    for found in _CURL.finditer(text):
        yield Span(found.start(1), found.end(1), "credentials")
    for found in _PARAMETER.finditer(text):
        yield Span(found.start(1), found.end(1), "credentials")


def _is_written_out(text: str) -> bool:
    """Whether it is more than two names and `::`, as programs write them."""
    groups = [group for group in text.split(":") if group]
    return any(map(str.isdigit, text)) and (len(groups) > 2 or any(len(group) > 2 for group in groups))


def _somebodys(text: str) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address in _TELLS_NOTHING)
