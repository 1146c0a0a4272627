r"""What an answer claims: its final number, and the steps "a op b = c" on the way.

The final answer is looked for in this order: the last `\boxed{}`, the last "#### n" (GSM8K), "the answer is n",
"answer: n" or "A: n" (German "Die Antwort ist n" alike), else the last number of the text. Thousands separators,
signs, decimals, fractions, percent signs, currency and units around it are understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

from analyzers.numbers import NUMBER, NotPlainError, evaluate, number, plain_signs

MAX_CHARS = 32_768
"""The end of a longer answer is read."""
MAX_STEPS = 200

_VALUE = rf"(?P<sign>- ?)?[$€£]? ?(?P<minus>-)?(?P<number>{NUMBER})(?: ?/ ?(?P<under>\d+))?(?P<percent> ?\\?%)?"
_NUMBER = re.compile(rf"(?<![\w.,]){_VALUE}")
_BOXED = re.compile(r"\\boxed ?\{([^{}]{0,100}(?:\{[^{}]{0,50}\}[^{}]{0,50}){0,2})\}")
_MARKED = re.compile(
    r"(?:####|\b(?:answer|result|total|antwort|ergebnis) ?(?:is|ist|equals|=|:) ?:?|\ba:)"
    rf" ?\*{{0,2}} ?[=:]? ?\*{{0,2}}{_VALUE}",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[ \t\u00a0]+")
_FRACTION = re.compile(r"\\[dt]?frac ?\{ ?(-?\d+) ?\} ?\{ ?(\d+) ?\}")
_LATEX = (
    (re.compile(r"\\(?:times|cdot)\b"), "*"),
    (re.compile(r"\\div\b"), "/"),
    (re.compile(r"\\[,;!()\[\]]|\\left\b|\\right\b"), ""),
)
_TIMES = re.compile(r"(?<=[\d)]) ?x ?(?=[$\d(])")
_RUN = re.compile(r"(?:[-+*/()= $€£\d]|[.,](?=\d))+")
"""A stretch in which an equation may stand: linear to find, looked at closely only where it has = and a sign."""
_SIGNS = ("+", "-", "*", "/")
_OPERATION = re.compile(r"[\d)] ?[-+*/]")
_CURRENCY = str.maketrans("", "", "$€£")
_FLOAT_NOISE = Fraction(1, 10**9)


@dataclass(frozen=True, slots=True)
class Value:
    """A number as written."""

    value: Fraction
    decimals: int = 0
    """Digits behind the point: what is written may be rounded to them."""
    percent: bool = False


def plain(text: str) -> str:
    """The end of `text` with single blanks and one kind of sign for each operation."""
    text = _TIMES.sub("*", plain_signs(_BLANKS.sub(" ", text[-MAX_CHARS:])))
    if "\\" in text:
        text = _FRACTION.sub(r"\1/\2", text)
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return text


def final(text: str) -> Value | None:
    """The final answer of `plain` text; None where there is no number."""
    boxed = _last(_BOXED, text)
    if boxed and (inside := _NUMBER.search(boxed[1])):
        return _value(inside)
    match = _last(_MARKED, text) or _last(_NUMBER, text)
    return _value(match) if match else None


def false_step(text: str) -> bool:
    """Whether `plain` text states an equation of plain numbers that does not hold, rounding allowed for."""
    runs = (run for run in _RUN.finditer(text) if "=" in run[0] and _OPERATION.search(run[0]))
    return any(not _holds(_sides(run, text)) for run in islice(runs, MAX_STEPS))


def _sides(run: re.Match[str], text: str) -> list[str]:
    """The sides of an equation, empty where something outside the run may belong to one."""
    sides = [side.strip(" ") for side in run[0].translate(_CURRENCY).split("=")]
    before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
    if before not in ("", "\n", ":", "<") and (sides[0].startswith(_SIGNS) or not run[0].startswith((" ", "("))):
        sides[0] = ""
    if after in ("%", "^", "{", "\\") or (after.isalnum() and not run[0].endswith(" ")):
        sides[-1] = ""
    return sides


def _holds(sides: list[str]) -> bool:
    """Whether each side equals the next; what cannot be evaluated is not held against the answer."""
    values = [_evaluated(side) for side in sides]
    for (left, left_side), (right, right_side) in pairwise(zip(values, sides, strict=True)):
        if left is None or right is None:
            continue
        tolerance = max(_rounding(left_side), _rounding(right_side), abs(left) * _FLOAT_NOISE)
        if abs(left - right) > tolerance:
            return False
    return True


def _evaluated(side: str) -> Fraction | None:
    try:
        return evaluate(side)
    except NotPlainError:
        return None


def _rounding(side: str) -> Fraction:
    """How far a number may be from what it stands for: a unit of its last decimal, nothing for a whole one."""
    decimals = 0 if _OPERATION.search(side) else len(side.strip(" ()").partition(".")[2])
    return Fraction(1, 10**decimals) if decimals else Fraction(0)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = None
    for match in pattern.finditer(text):
        last = match
    return last


def _value(match: re.Match[str]) -> Value | None:
    try:
        value = number(match["number"])
        if match["under"] is not None:
            value /= number(match["under"]) or Fraction(1)
    except NotPlainError:
        return None
    if match["sign"] or match["minus"]:
        value = -value
    return Value(value, len(match["number"].partition(".")[2]), match["percent"] is not None)
