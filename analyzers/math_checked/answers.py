r"""What an answer claims: its final number, and the steps "a op b = c" on the way.

The final answer is looked for in this order: the last `\boxed{}`, the last "#### n" (GSM8K), "the answer is n",
"answer: n" or "A: n" (German "Die Antwort ist n" alike), and of "the total is 48 + 24 = 72" what comes out; else
the last number in bold on the last line that has one, else the last number of the text. Asides in brackets and
lines that only check say nothing there. Thousands separators, signs, decimals (a decimal comma with one or two
digits behind it, too), fractions, mixed numbers, percent signs, "million" and its like, LaTeX, currency and units
around it are understood. A number that something else hangs on, as in "2\sqrt{3}" or "10^6", is none by itself:
there the answer is what was written (`claim`), for `equivalence` to compare.
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

_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_VALUE = (
    rf"(?P<sign>- ?)?[$€£]? ?(?P<minus>-)?(?:(?P<whole>\d{{1,9}}) (?=\d{{1,9}}/\d))?(?P<number>{NUMBER})"
    rf"(?: ?/ ?(?P<under>\d+))?(?P<percent> ?\\?%)?(?: (?P<scale>{'|'.join(_SCALES)})\b)?"
)
_HANGS = r"(?! ?(?:\^|\*\*|\\(?:sqrt|pi|frac|cdot|times|left)|√|π))(?!\w)"
"""What must not follow a number for it to be the whole answer."""
_NUMBER = re.compile(rf"(?<![\w.,]){_VALUE}")
_BOXED = "\\boxed"
MATHEMATICAL = re.compile(r"\d|\\(?:pi|sqrt|frac|infty)")
"""What there must be of mathematics in an expression."""
MAX_CLAIM = 200
"""Most characters of an answer that is no number."""
_MARK = (
    r"(?:####|\b(?:answer|result|total|antwort|ergebnis) ?(?:is|ist|equals|=|:) ?:?|\ba:)"
    r" ?\*{0,2} ?[=:]? ?\*{0,2}"
)
_MARKED = re.compile(_MARK + _VALUE, re.IGNORECASE)
_RESULT = re.compile(r"[ *]*" + _VALUE)
"""What stands behind the last = of a marked equation."""
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_LISTED = re.compile(r"\d{1,2}[.):]")
_ASIDE = re.compile(
    r"(?<=[ \n])\((?=[^()]*[a-z ])[^()]{1,300}\)|^[^\w\n]{0,9}(?:check|verif\w+|proof|note|probe|hinweis)\b[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)
_DIGIT = re.compile(r"\d")
_WHOLE = re.compile(
    rf"(?:[a-z]\w? ?= ?)?(?:\\text ?\{{ ?[$€£] ?\}})? ?{_VALUE}{_HANGS}"
    r"(?: ?(?:\\(?:text|mathrm)? ?\{[^{}]{0,40}\}(?: ?\^ ?\{?[23]\}?)?|[a-z°²³/ .]{0,40}))?",
    re.IGNORECASE,
)
"""A number and its unit, and nothing else."""
_CLAIMED = re.compile(_MARK + r"\$?(?P<claim>[^\n$]{1,200}?)\$?\.?(?:\n|$|\. )", re.IGNORECASE)
_FORMULA = re.compile(r"(?<![\\$])\$([^$\n]{1,400})\$")
_BLANKS = re.compile(r"[ \t\u00a0]+")
_DECIMAL_COMMA = re.compile(r"(?<![\d.,(\[{])(\d{1,15}),(?=\d{1,2}(?![\d)\]}]|[.,]\d))")
_FRACTION = re.compile(r"(?:(?<=\d)|(?<!\d))\\[dt]?frac ?(?:\{ ?(-?\d+) ?\} ?\{ ?(\d+) ?\}|(\d)(\d))")
_LATEX = (
    (re.compile(r"\\(?:times|cdot)\b"), "*"),
    (re.compile(r"\\div\b"), "/"),
    (re.compile(r"\\[,;!()\[\]]|\\left\b|\\right\b|\^ ?\{? ?\\circ ?\}?|\\circ\b"), ""),
    (re.compile(r"(?<=\d)\{,\}(?=\d{3})"), ","),
    (re.compile(r"\\\$"), "$"),
)
_TIMES = re.compile(r"(?<=[\d)]) ?x ?(?=\$?[\d(])")
_RUN = re.compile(r"(?:[-+*/()= $€£\d]|[.,](?=\d))+")
"""A stretch in which an equation may stand: linear to find, looked at closely only where it has = and a sign."""
_SIGNS = ("+", "-", "*", "/")
_OPERATION = re.compile(r"[\d)] ?[-+*/]")
_BULLET = re.compile(r"- (?=[\d(.$€£])")
_OF = re.compile(r"\b(?:of|mod)\Z")
_REMAINDER = re.compile(r",? ?(?:with )?(?:an? )?(?:remainder|rem|r|rest)\b", re.IGNORECASE)
_HANGING = re.compile(r" ?(?:\^|\*\* ?[\d(]|\\(?:sqrt|pi|frac)|√|π)|[a-z]\b ?[-+^]")
_EXPRESSION = re.compile(r"[\\^√π]")
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
        text = _FRACTION.sub(lambda found: f" {found[1] or found[3]}/{found[2] or found[4]}", text)
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    return _DECIMAL_COMMA.sub(r"\1.", text)


def final(text: str) -> Value | None:
    """The final answer of `plain` text; None where there is no number."""
    boxed = _boxed(text)
    if boxed is not None:
        whole = _WHOLE.fullmatch(boxed.strip(" $"))
        return _value(whole) if whole else None
    match = _marked(text)
    if match is None:
        claimed = _last(_CLAIMED, text)
        if claimed and _EXPRESSION.search(claimed["claim"]):
            return None
        match = _last_said(_ASIDE.sub(_kept, text)) or _last(_NUMBER, text)
    elif _HANGING.match(text, match.end()):
        return None
    return _value(match) if match else None


def claim(text: str) -> str | None:
    """The final answer of `plain` text as it was written, where it is marked as such; without its full stop."""
    boxed = _boxed(text)
    if boxed is None and (marked := _last(_CLAIMED, text)):
        boxed = marked["claim"]
    elif boxed is None and (formula := _last(_FORMULA, text)):
        boxed = formula[1].rpartition("=")[2]
    if boxed is None or len(boxed) > MAX_CLAIM or not MATHEMATICAL.search(boxed):
        return None
    return boxed.strip(" $*.")


def _marked(text: str) -> re.Match[str] | None:
    """The last number that is marked as the answer, or what comes out of the equation that it begins."""
    match = _last(_MARKED, text)
    run = _RUN.match(text, match.start("number")) if match else None
    if run is None or "=" not in run[0]:
        return match
    return _RESULT.match(text, run.start() + run[0].rindex("=") + 1) or match


def _kept(aside: re.Match[str]) -> str:
    """A value that is given in brackets once more, in another unit, is said all the same."""
    return aside[0] if _WHOLE.fullmatch(aside[0].strip("()")) else ""


def _last_said(text: str) -> re.Match[str] | None:
    """The last number: that in bold, where the last line that has any has one so."""
    line = next((line for line in reversed(text.split("\n")) if _DIGIT.search(line)), "")
    bold = [each[1].strip() for each in _BOLD.finditer(line, line.rfind("=") + 1)]
    values = [_WHOLE.fullmatch(each) for each in bold if not _LISTED.fullmatch(each)]
    return next((value for value in reversed(values) if value), None) or _last(_NUMBER, line)


def _boxed(text: str) -> str | None:
    """What stands in the last box that is closed; None where there is none."""
    start = text.rfind(_BOXED)
    opening = text.find("{", start, start + len(_BOXED) + 2)
    if start < 0 or opening < 0:
        return None
    depth = 0
    for at in range(opening, min(len(text), opening + 2 * MAX_CLAIM)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[opening + 1 : at]
    return None


def false_step(text: str) -> bool:
    """Whether `plain` text states an equation of plain numbers that does not hold, rounding allowed for."""
    runs = (run for run in _RUN.finditer(text) if "=" in run[0] and _OPERATION.search(run[0]))
    return any(not _holds(_sides(run, text)) for run in islice(runs, MAX_STEPS))


def _sides(run: re.Match[str], text: str) -> list[str]:
    """The sides of an equation, empty where something outside the run may belong to one."""
    sides = [side.strip(" ") for side in run[0].translate(_CURRENCY).split("=")]
    before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
    first = sides[0]
    share = not _OPERATION.search(first) and _OF.search(text, max(0, run.start() - 5), run.start())
    if before in ("", "\n"):
        sides[0] = _BULLET.sub("", first, count=1)
    elif before not in (":", "<") and (share or first.startswith(_SIGNS) or not run[0].startswith(" ")):
        sides[0] = ""  # as in f(2) = 5, sqrt(16) + 3 = 7 or "20% of 150 = 30"
    hangs = after in ("%", "^", "{", "\\") or (after.isalnum() and not run[0].endswith(" "))
    if hangs or _REMAINDER.match(text, run.end()):
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
        value = (value + int(match["whole"] or 0)) * _SCALES.get((match["scale"] or "").lower(), 1)
    except NotPlainError:
        return None
    if match["sign"] or match["minus"]:
        value = -value
    return Value(value, len(match["number"].partition(".")[2]), match["percent"] is not None)
