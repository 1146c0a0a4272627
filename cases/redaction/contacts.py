"""E-mail addresses and telephone numbers.

An address is a local part, `@` and a domain name with a dot (RFC 5321 without address literals), or spelt out with
"at" and "dot". A telephone number is in international form with a country code that exists (ITU-T E.164), in the
North American form (NANP), in a European national form that begins with 0, or any other of 7 to 15 digits where the
words before say that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cases.redaction.span import Span, is_sum, said_before

MAX_LOCAL = 64
_AT = re.compile(r" @ |@|%40|&#64;")
_LOCAL = re.compile(r"[\w.+%!#$&'*/=?^`{|}~-]")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}([^\W\d_]{2,24}|xn--[\w-]{2,59})(?![\w@])")
_SPELT = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}(?: ?[\[({] ?at ?[\])}] ?| at )[\w-]{1,63}"
    r"(?:(?: ?[\[({] ?dot ?[\])}] ?| dot )[\w-]{1,63}){1,4}",
    re.IGNORECASE,
)
_PICTURE = re.compile(r"[1-4]x\.(?:png|jpe?g|gif|webp|svg|avif)", re.IGNORECASE)
_PROGRAMS = frozenset({"git", "hg", "svn"})
"""Who is asked for in addresses of repositories, such as git@example.org:team/tool.git."""

_INTERNATIONAL = re.compile(r"(?<![\w.])(?:\+|00)\(?[1-9](?:[ ().\-/]{0,2}[0-9]){6,14}(?![0-9])")
_AMERICAN = re.compile(
    r"(?<![\w.,/+-])(?:1[-. ])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-.]|[2-9][0-9]{2} (?=[2-9][0-9]{2}-))"
    r"[2-9][0-9]{2}[-. ][0-9]{4}(?![\w%]|[.,/-][0-9])"
)
_NATIONAL = re.compile(
    r"(?<![\w.,/+-])(?:(?:\(0[1-9][0-9]{1,4}\) ?|0[1-9][0-9]{1,4}[ /-])[0-9]{3,8}(?:[ -][0-9]{2,5}){0,2}"
    r"|0[67](?:[ .-]?[0-9]{2}){4}|0[1-9](?:\.[0-9]{2}){4})(?![\w%]|[.,/-][0-9])"
)
_ANY = re.compile(r"(?<![\w.,/+-])\(?[0-9](?:[ ().\-/]{0,2}[0-9]){6,14}(?![\w%]|[.,/-][0-9])")
_WORDS = re.compile(
    r"\b(?:(?:tele)?phones?|tel|mobile|cell|fax|whatsapp|sms|(?:call|ring|text|reach) (?:me|us|him|her|them)"
    r"|telefon\w*|tel[eé]fono|t[eé]l[eé]phone|t[eé]l|handy\w*|mobil\w*|m[oó]vil|portable|rufnummer)\b"
    r"[^\n]{0,20}$",
    re.IGNORECASE,
)
_COUNTRIES = frozenset(map(str, (
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, *range(43, 50), *range(51, 59), *range(60, 67), 81, 82, 84,
    86, *range(90, 96), 98, 211, 212, 213, 216, 218, *range(220, 270), 290, 291, 297, 298, 299, *range(350, 360),
    *range(370, 379), 380, 381, 382, 383, 385, 386, 387, 389, 420, 421, 423, *range(500, 510), *range(590, 600),
    670, *range(672, 684), *range(685, 693), 800, 808, 850, 852, 853, 855, 856, 870, 878, *range(880, 884), 886,
    888, *range(960, 969), *range(970, 978), 979, *range(992, 997), 998,
)))  # fmt: skip


def emails(text: str) -> Iterator[Span]:
    """Every e-mail address."""
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        start = _local(text, at.start())
        if domain and start < at.start() and not _PICTURE.match(text, at.end()):
            yield Span(start, domain.end(), "email")
    for spelt in _SPELT.finditer(text):
        yield Span(spelt.start(), spelt.end(), "email")


def _local(text: str, end: int) -> int:
    """Where the local part that ends here begins; `end` where there is none."""
    if text.startswith('"', end - 1):
        opening = text.rfind('"', max(0, end - MAX_LOCAL), end - 1)
        return end if opening < 0 or "\n" in text[opening:end] else opening
    start = end
    while start > max(0, end - MAX_LOCAL) and _LOCAL.match(text, start - 1):
        start -= 1
    local = text[start:end].lstrip(".%!#$&'*/=?^`{|}~-")
    local = local.rpartition("=")[2].rpartition("/")[2]  # `to=ada@…` and `//ada@…` are no local parts
    return end if local.lower() in _PROGRAMS else end - len(local)


def phones(text: str) -> Iterator[Span]:
    """Every telephone number."""
    for found in _INTERNATIONAL.finditer(text):
        if _reachable(found[0]) and not _is_added(text, found):
            yield Span(found.start(), found.end(), "phone")
    for found in _AMERICAN.finditer(text):
        if not is_sum(text, *found.span()):
            yield Span(found.start(), found.end(), "phone")
    for found in _NATIONAL.finditer(text):
        if 9 + ("-" in found[0]) <= _digits(found[0]) <= 13:  # nine with a hyphen are a ZIP+4 code
            yield Span(found.start(), found.end(), "phone")
    for found in _ANY.finditer(text):
        if said_before(text, found.start(), _WORDS) and not is_sum(text, *found.span()):
            yield Span(found.start(), found.end(), "phone", told=True)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _reachable(number: str) -> bool:
    """Whether an international number has a country code that exists, and as many digits as there may be."""
    plain = "".join(filter(str.isdigit, number))
    digits = plain if number.startswith("+") else plain[2:]
    if digits.startswith("1"):
        return len(digits) == 11 and digits[1] in "23456789" and digits[4] in "23456789"
    least = 8 if number.startswith("+") else 9
    return least <= len(digits) <= 15 and any(digits[:size] in _COUNTRIES for size in (1, 2, 3))


def _is_added(text: str, found: re.Match[str]) -> bool:
    """Whether the plus sign adds to a number before it: what is added is not written in groups."""
    before = text[max(0, found.start() - 8) : found.start()].rstrip(" ")[-1:]
    grouped = " " in found[0] and not re.search("[-/]", found[0])
    return found[0].startswith("+") and not grouped and (before.isdigit() or before in (")", "+", "*", "="))
