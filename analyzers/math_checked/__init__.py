"""Whether an answer's arithmetic is right, where the request itself tells what is right.

Detects, where the request supplies a gold or asks for plain arithmetic (see `asked`): a false step "a op b = c",
a final answer other than the right one, an answer without a number. A final answer rounded to the decimals it
shows is right; so is a percentage written as such or as its number.

Cannot tell: anything about requests whose right answer is unknown, which are most; whether the way to a right
answer makes sense beyond its plain equations.

Source: GSM8K's answer conventions (https://arxiv.org/abs/2110.14168).
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.math_checked import answers
from analyzers.math_checked.asked import gold
from analyzers.pair import Choice, Exchange, Request

VARIABLE = "math.checked"
MIN_DECIMALS = 2
"""A rounded final answer must show at least this many decimals."""


class MathChecked(PerAnswer):
    """F = 1 where the arithmetic or the final answer is wrong, or there is none."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "no_answer", "wrong_answer", "false_step"})

    def variable(self, request: Request) -> str | None:
        """Requests whose right answer is known."""
        return None if gold(request) is None else VARIABLE

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        right = gold(request)
        if right is None:
            return GOOD
        scores = (_judge(right, choice) for choice in answer.choices)
        return mean(scores, otherwise=Score(1.0, "no_answer"))


def _judge(right: Fraction, choice: Choice) -> Score:
    text = answers.plain(choice.text)
    final = answers.final(text)
    if final is None:
        return Score(1.0, "no_answer")
    if not matches(right, final):
        return Score(1.0, "wrong_answer")
    return Score(1.0, "false_step") if answers.false_step(text) else GOOD


def matches(right: Fraction, final: answers.Value) -> bool:
    """Whether a final answer is the right one, within its own rounding where the right one does not end."""
    tolerance = Fraction(1, 2 * 10**final.decimals) if final.decimals >= MIN_DECIMALS else Fraction(0)
    if abs(final.value - right) <= tolerance:
        return True
    return final.percent and abs(final.value / 100 - right) <= tolerance / 100
