"""The right answer to a request, from the request alone: a supplied gold, or the prompt's own plain arithmetic.

The gold comes in the header `x-slipgauge-gold`, which reaches no server; a file of answers is turned into it
before analyzers see the request. It is a number or a fraction, maybe negative or in percent, or else an expression
in LaTeX or plain signs, within what `equivalence` may be given.

Otherwise the last user message must ask for exactly one expression outright ("What is 12 + 30 * 2?", "Berechne 7
mal 8.", "12 - 5 = ?"). Words between numbers count as signs. A word problem, a date, a ratio such as 24/7, or an
expression that something else hangs on is not plain, and such a request is outside the population.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from analyzers.asked import generates_text, last_user_text, system_text
from analyzers.math_checked.answers import MATHEMATICAL
from analyzers.math_checked.equivalence import bounded
from analyzers.numbers import NUMBER, NotPlainError, evaluate, plain_signs
from analyzers.pair import Request

GOLD_HEADER = "x-slipgauge-gold"
MAX_CHARS = 2_000

_WORDS = tuple(
    (word, re.compile(pattern), sign)
    for word, pattern, sign in (
        ("multiplied", r"\bmultiplied by\b", "*"),
        ("times", r"\btimes\b", "*"),
        ("mal", r"\bmal\b", "*"),
        ("divided", r"\bdivided by\b", "/"),
        ("geteilt", r"\bgeteilt durch\b", "/"),
        ("plus", r"\bplus\b", "+"),
        ("minus", r"\bminus\b", "-"),
        ("x", r"(?<=\d)\s*x\s*(?=\d)", " * "),
    )
)
"""What must be there for the pattern to be worth looking for, the pattern, and its sign."""
_SIGN = re.compile(r"[-+*/]")
_DIGIT = re.compile(r"\d")
_OPERAND = rf"[-+(\s]*(?:{NUMBER})[\s)]*"
_EXPRESSION = rf"(?P<expression>{_OPERAND}(?:[-+*/]{_OPERAND})+)"
_ASK = (
    r"(?:what(?:'s| is| does| do you get for)|how much is|compute|calculate|evaluate|work out|solve"
    r"|simplify|find"
    r"|the (?:value|result|sum|product|difference|answer) (?:of|to)|wie viel ist|wieviel ist|was ist"
    r"|was ergibt|was gibt"
    r"|berechne|rechne|löse|cuánto es|calcula|combien font|calcule)"
)
_REST = (
    r"(?:\s*(?:=\s*\??|equal(?: to)?|step by step|for me|please|bitte|für mich|aus"
    r"|ergibt)){0,3}\s*(?:[?.!;,\n]|$)"
)
_ORDER = re.compile(rf"\b{_ASK}[\s:]*(?:the (?:value|result) of\s*)?{_EXPRESSION}{_REST}")
_BARE = re.compile(rf"(?:^|[\n:.]){_EXPRESSION}(?:=\s*(?:\?|$)|\?|\s*$)")
_NO_SUM = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}|\d+-\d+-\d+|\(?\d{3}\)?[- ]\d{3}-\d{4}")
_RATIO = re.compile(r"\d+/\d+")


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answer."""

    text: str
    """As it was supplied; empty where it was computed."""
    value: Fraction | None
    """None where it is no plain number."""


def gold(request: Request) -> Gold | None:
    """The right answer; None where the request tells none."""
    if not generates_text(request):
        return None
    if GOLD_HEADER in request.headers:
        return supplied(request.headers[GOLD_HEADER])
    value = _own_arithmetic(last_user_text(request))
    if value is None or request.body.get("response_format"):
        return None
    if "json" in (system_text(request) + last_user_text(request)).lower():
        return None  # the answer is asked for in another form than prose
    return Gold("", value)


def supplied(text: str) -> Gold | None:
    """A supplied gold; None where it is no mathematics, or out of bounds."""
    text = text.strip().strip("$").strip()
    value = gold_number(text)
    if value is None and not (MATHEMATICAL.search(text) and bounded(text)):
        return None
    return Gold(text, value)


def gold_number(text: str) -> Fraction | None:
    """A gold as a number; None where it is none."""
    plain = plain_signs(text).strip().removeprefix("$")
    percent = plain.endswith("%")
    try:
        value = evaluate(plain.removesuffix("%"))
    except NotPlainError:
        return None
    return value / 100 if percent else value


@lru_cache(maxsize=8)  # asked for once for each leg of a pair
def _own_arithmetic(text: str) -> Fraction | None:
    if not text or len(text) > MAX_CHARS or not _DIGIT.search(text):
        return None
    plain = plain_signs(text.lower())
    for word, pattern, sign in _WORDS:
        if word in plain:
            plain = pattern.sub(sign, plain)
    if not _SIGN.search(plain):
        return None
    matches = {match["expression"].strip() for match in (*_ORDER.finditer(plain), *_BARE.finditer(plain))}
    if len(matches) != 1:
        return None
    (expression,) = matches
    if _NO_SUM.search(expression) or _RATIO.fullmatch(expression):
        return None
    try:
        return evaluate(expression)
    except NotPlainError:
        return None
