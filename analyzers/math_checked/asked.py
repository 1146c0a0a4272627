"""The right answer to a request, from the request alone: a supplied gold, or the prompt's own plain arithmetic.

The gold comes in the header `x-slipgauge-gold` and is a number or a fraction, maybe negative or in percent.
Otherwise the last user message must ask for exactly one expression outright ("What is 12 + 30 * 2?", "Berechne 7
mal 8.", "12 - 5 = ?"). Words between numbers count as signs. A word problem, a date, a ratio such as 24/7, or an
expression that something else hangs on is not plain, and such a request is outside the population.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from analyzers.asked import generates_text, last_user_text, system_text
from analyzers.numbers import NUMBER, NotPlainError, evaluate, plain_signs
from analyzers.pair import Request

GOLD_HEADER = "x-slipgauge-gold"
MAX_CHARS = 2_000

_WORDS = (
    (re.compile(r"\bmultiplied by\b|\btimes\b|\bmal\b"), "*"),
    (re.compile(r"\bdivided by\b|\bgeteilt durch\b"), "/"),
    (re.compile(r"\bplus\b"), "+"),
    (re.compile(r"\bminus\b"), "-"),
    (re.compile(r"(?<=\d)\s*x\s*(?=\d)"), " * "),
)
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


def gold(request: Request) -> Fraction | None:
    """The right answer; None where the request tells none."""
    if not generates_text(request):
        return None
    if GOLD_HEADER in request.headers:
        return gold_number(request.headers[GOLD_HEADER])
    if "json" in (system_text(request) + last_user_text(request)).lower() or request.body.get("response_format"):
        return None  # the answer is asked for in another form than prose
    return _own_arithmetic(last_user_text(request))


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
    if not text or len(text) > MAX_CHARS:
        return None
    plain = plain_signs(text.lower())
    for pattern, sign in _WORDS:
        plain = pattern.sub(sign, plain)
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
