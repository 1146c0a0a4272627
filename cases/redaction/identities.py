"""National identity numbers whose form or check digits are published, each checked exactly.

Where the check alone is weak, as with the Dutch number, which one in eleven numbers of nine digits would pass, the
words before it must say what it is. Two numbers have no check digit: the rules for their parts stand in its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from cases.redaction.span import Span, is_sum, said_before

_BEFORE, _AFTER = r"(?<![\w.,/-])", r"(?![\w%]|[.,/-][0-9])"
_SSN = re.compile(rf"{_BEFORE}([0-9]{{3}})([- .])([0-9]{{2}})\2([0-9]{{4}}){_AFTER}")
_SSN_PLAIN = re.compile(rf"{_BEFORE}([0-9]{{3}})()([0-9]{{2}})([0-9]{{4}}){_AFTER}")
_SSN_WORDS = re.compile(r"\b(?:ssn|social security|itin|tin)\b", re.IGNORECASE)
_BSN = re.compile(
    rf"{_BEFORE}(?:[0-9]{{4}}([ .]?)[0-9]{{2}}\1[0-9]{{3}}|[0-9]{{3}}([ .])[0-9]{{3}}\2[0-9]{{3}}){_AFTER}"
)
_BSN_WORDS = re.compile(r"\b(?:bsn|burgerservice\w*|sofi\w*)\b", re.IGNORECASE)
_DNI = re.compile(
    rf"{_BEFORE}(?:[XYZ][- ]?[0-9]{{7}}|[0-9]{{2}}\.?[0-9]{{3}}\.?[0-9]{{3}})[- ]?[A-Z]{_AFTER}", re.IGNORECASE
)
_NINO = re.compile(rf"{_BEFORE}([A-Z]{{2}})(?:[ -]?[0-9]{{2}}){{3}}[ -]?[A-D]{_AFTER}", re.IGNORECASE)
_CODICE = re.compile(
    rf"{_BEFORE}[A-Z]{{3}} ?[A-Z]{{3}} ?[0-9LMNP-V]{{2}}[ABCDEHLMPRST][0-9LMNP-V]{{2}} ?[A-Z][0-9LMNP-V]{{3}}"
    rf"[A-Z]{_AFTER}",
    re.IGNORECASE,
)
_STEUER = re.compile(rf"{_BEFORE}[1-9][0-9](?:[0-9]{{9}}|(?:[ -][0-9]{{3}}){{3}}){_AFTER}")
_NIR = re.compile(
    rf"{_BEFORE}[1-478] ?[0-9]{{2}} ?(?:0[1-9]|[1-9][0-9]) ?(?:[0-9]{{2}}|2[AB])"
    rf" ?[0-9]{{3}} ?[0-9]{{3}} ?[0-9]{{2}}{_AFTER}",
    re.IGNORECASE,
)
_CPF = re.compile(rf"{_BEFORE}[0-9]{{3}}([. ])[0-9]{{3}}\1[0-9]{{3}}-[0-9]{{2}}{_AFTER}")
_CPF_PLAIN = re.compile(rf"{_BEFORE}[0-9]{{11}}{_AFTER}")
_CPF_WORDS = re.compile(r"\bcpf\b", re.IGNORECASE)

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_NINO_NEVER = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_CODICE_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (*(1, 0, 5, 7, 9, 13, 15, 17, 19, 21) * 2, *(2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)),
        strict=True,
    )
)


def identities(text: str) -> Iterator[Span]:
    """Every national identity number that is known here."""
    yield from _those(text, _SSN, "us_ssn", lambda found: _is_ssn(found) and not is_sum(text, *found.span()))
    yield from _those(text, _SSN_PLAIN, "us_ssn", _is_ssn, _SSN_WORDS)
    yield from _those(text, _BSN, "nl_bsn", lambda found: _is_bsn(_plain(found[0])), _BSN_WORDS)
    yield from _those(text, _DNI, "es_dni", lambda found: _is_dni(_plain(found[0])))
    yield from _those(text, _NINO, "uk_nino", _is_nino)
    yield from _those(text, _CODICE, "it_codice_fiscale", lambda found: _is_codice(_plain(found[0])))
    yield from _those(text, _STEUER, "de_steuer_id", lambda found: _is_steuer(_plain(found[0])))
    yield from _those(text, _NIR, "fr_nir", lambda found: _is_nir(_plain(found[0])))
    yield from _those(text, _CPF, "br_cpf", lambda found: _is_cpf(_plain(found[0])))
    yield from _those(text, _CPF_PLAIN, "br_cpf", lambda found: _is_cpf(found[0]), _CPF_WORDS)


def _those(
    text: str,
    pattern: re.Pattern[str],
    kind: str,
    right: Callable[[re.Match[str]], bool],
    words: re.Pattern[str] | None = None,
) -> Iterator[Span]:
    for found in pattern.finditer(text):
        if right(found) and (words is None or said_before(text, found.start(), words)):
            yield Span(found.start(), found.end(), kind, words is not None)


def _plain(text: str) -> str:
    return re.sub("[ .-]", "", text).upper()


def _is_ssn(found: re.Match[str]) -> bool:
    """A number that is given out: by area, group and serial (ssa.gov), or a taxpayer's (9xx, by group, irs.gov)."""
    area, group, serial = int(found[1]), int(found[3]), int(found[4])
    if area >= 900:
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94
    return area not in (0, 666) and group > 0 and serial > 0


def _is_bsn(digits: str) -> bool:
    """The eleven-test: weights 9 to 2, and -1 for the last digit."""
    return (
        digits != "0" * 9
        and sum(w * int(d) for w, d in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), digits, strict=True)) % 11 == 0
    )


def _is_dni(number: str) -> bool:
    """The letter that the number leaves modulo 23; of foreigners X, Y, Z count as 0, 1, 2 in front."""
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return number[-1] == _DNI_LETTERS[int(digits) % 23]


def _is_nino(found: re.Match[str]) -> bool:
    """No check digit: the prefixes that are given out."""
    prefix = found[1].upper()
    return prefix not in _NINO_NEVER and prefix[0] not in "DFIQUV" and prefix[1] not in "DFIOQUV"


def _is_codice(code: str) -> bool:
    """The last letter: values of odd and even places, summed modulo 26 (D.M. 23 December 1976)."""
    odd = sum(_CODICE_ODD[char] for char in code[:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - ord("A") for char in code[1:15:2])
    return code[15] == chr(ord("A") + (odd + even) % 26)


def _is_steuer(digits: str) -> bool:
    """One digit twice or three times among the first ten, and ISO 7064 MOD 11,10 over them."""
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    if len(repeated) != 1 or repeated[0] > 3:
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == int(digits[10])


def _is_nir(number: str) -> bool:
    """The key is 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    digits = number[:13].replace("2A", "19").replace("2B", "18")
    return digits.isdigit() and 97 - int(digits) % 97 == int(number[13:])


def _is_cpf(digits: str) -> bool:
    """Two check digits modulo 11; eleven times the same digit is never given out."""
    return len(set(digits)) > 1 and all(
        sum(int(digit) * weight for digit, weight in zip(digits, range(size + 1, 1, -1), strict=False))
        * 10
        % 11
        % 10
        == int(digits[size])
        for size in (9, 10)
    )
