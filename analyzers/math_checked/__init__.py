r"""Whether an answer's arithmetic is right, where the request itself tells what is right.

Detects, where the request supplies a gold or asks for plain arithmetic (see `asked`): a false step "a op b = c",
a final answer other than the right one, an answer without one. A final answer rounded to the decimals it
shows is right; so is a percentage written as such or as its number. Numbers are compared exactly, in microseconds;
computer algebra (`equivalence`) is asked only where an answer that is no plain number is not the gold as written.

Cannot tell: anything about requests whose right answer is unknown, which are most; whether the way to a right
answer makes sense beyond its plain equations; which number is the answer where none is marked and others follow it
("72 clips over the 2 months"), so ask for a form such as `\boxed{}`; numbers in words, or with a full stop for the
thousands. Supply golds where there are any; use `math.consensus` to see how far unknown answers drift.

Source: GSM8K's answer conventions (https://arxiv.org/abs/2110.14168).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.math_checked import answers, equivalence
from analyzers.math_checked.asked import Gold, gold
from analyzers.pair import Choice, Exchange, Request

VARIABLE = "math.checked"
MIN_DECIMALS = 2
"""A rounded final answer must show at least this many decimals."""


class MathChecked(PerAnswer):
    """F = 1 where the arithmetic or the final answer is wrong, or there is none."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "3"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "no_answer", "wrong_answer", "false_step"})

    def prepare(self) -> None:
        """See `Analyzer.prepare`."""
        equivalence.prepare()

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


@lru_cache(maxsize=8)  # equal arms often answer alike
def _judge(right: Gold, choice: Choice) -> Score:
    text = answers.plain(choice.text)
    final = answers.final(text)
    if right.value is None or final is None:
        claim = answers.claim(text)
        if final is None and claim is None:
            return Score(1.0, "no_answer")
        good = claim is not None and _same(right, claim)
    else:
        good = matches(right.value, final)
    if not good:
        return Score(1.0, "wrong_answer")
    return Score(1.0, "false_step") if answers.false_step(text) else GOOD


def _same(right: Gold, claim: str) -> bool:
    """Whether an answer that is no plain number, or stands against a gold that is none, is the gold."""
    written = right.text or str(right.value)
    return _bare(written) == _bare(claim) or equivalence.equivalent(written, claim)


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("\\left", "").replace("\\right", "").replace("\\dfrac", "\\frac")


def matches(right: Fraction, final: answers.Value) -> bool:
    """Whether a final answer is the right one, within its own rounding where the right one does not end."""
    tolerance = Fraction(1, 2 * 10**final.decimals) if final.decimals >= MIN_DECIMALS else Fraction(0)
    if abs(final.value - right) <= tolerance:
        return True
    return final.percent and abs(final.value / 100 - right) <= tolerance / 100
