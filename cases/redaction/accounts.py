"""Payment cards and bank accounts, each by its checksum.

Cards: Luhn's sum (ISO/IEC 7812-1, annex B), a network's prefix and its lengths, in one run of digits or in the
groups that are printed on cards. Accounts: IBAN, ISO 13616 with the length of its country, modulo 97 (ISO 7064).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cases.redaction.span import Span

_CARD = re.compile(
    r"(?<![\w.,-])(?:[2-6][0-9]{12,18}"
    r"|[2-6][0-9]{3}([ .-])[0-9]{4}(?:\1[0-9]{4}(?:\1[0-9]{1,4}(?:\1[0-9]{1,3})?)?)"
    r"|[2-6][0-9]{3}([ .-])[0-9]{6}\2[0-9]{4,5})(?![\w%]|[.,-][0-9])"
)
_NETWORKS = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|(?:6011|65[0-9]{2}|64[4-9][0-9])[0-9]{12,15}|62[0-9]{14,17}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}|(?:5018|5020|5038|6304|6759|676[1-3])[0-9]{8,15}"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2} ?[0-9]{2}(?=[ .-]?[A-Za-z0-9])")
_SIGNS = re.compile("[ .-]")
_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FO FI GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR", "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV", "29": "BR EG PS QA UA", "30": "JO KW MU", "31": "MT SC",
        "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def cards(text: str) -> Iterator[Span]:
    """Every payment card's number."""
    for found in _CARD.finditer(text):
        digits = _SIGNS.sub("", found[0])
        if _NETWORKS.fullmatch(digits) and luhn(digits):
            yield Span(found.start(), found.end(), "card")


def ibans(text: str) -> Iterator[Span]:
    """Every IBAN."""
    for found in _IBAN.finditer(text):
        length = _LENGTHS.get(found[0][:2].upper())
        end = found.start() if length is None else _end(text, found.start(), length)
        if end > found.start() and _mod97(text[found.start() : end]):
            yield Span(found.start(), end, "iban")


def luhn(digits: str) -> bool:
    """Whether the last digit is Luhn's check digit."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(doubled)) % 10 == 0


def _end(text: str, start: int, length: int) -> int:
    """Where `length` letters and digits end, single signs between them; `start` where they do not."""
    at = start
    while length:
        if text[at : at + 1] in (" ", ".", "-") and at > start:
            at += 1
        char = text[at : at + 1]
        if not (char.isascii() and char.isalnum()):
            return start
        at, length = at + 1, length - 1
    after = text[at : at + 1]
    return start if after.isascii() and after.isalnum() else at


def _mod97(iban: str) -> bool:
    plain = _SIGNS.sub("", iban).upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1
