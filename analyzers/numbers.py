"""Plain arithmetic, exactly and within bounds: numbers as people and models write them, and + - * / ( ).

The project's own evaluator, since `eval` and computer algebra are no tools for hostile text: no powers, no names,
at most MAX_DIGITS digits a number, MAX_TOKENS tokens and MAX_NESTING brackets, all in exact fractions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

MAX_DIGITS = 24
MAX_TOKENS = 64
MAX_NESTING = 16

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d+)?|\.\d+"
"""Digits with or without thousands separators, with or without decimals."""
_TOKEN = re.compile(rf"\s*(?:(?P<number>{NUMBER})|(?P<sign>[-+*/()]))")
_SIGNS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00d7": "*", "\u22c5": "*", "\u00b7": "*", "\u00f7": "/"})


class NotPlainError(ValueError):
    """The text is no plain arithmetic, is out of bounds, or divides by zero."""


def plain_signs(text: str) -> str:
    """`text` with typographic minus, times and division signs as - * /, character by character."""
    return text.translate(_SIGNS)


def number(text: str) -> Fraction:
    """One unsigned number. Raises NotPlainError."""
    digits = text.replace(",", "")
    if len(digits) > MAX_DIGITS or not re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", digits, re.ASCII):
        raise NotPlainError("not a number within bounds")
    return Fraction(digits)


def evaluate(text: str) -> Fraction:
    """The value of an expression, in the usual precedence. Raises NotPlainError."""
    return _Reader(_tokens(text)).read()


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or len(tokens) == MAX_TOKENS:
            raise NotPlainError("not plain arithmetic")
        tokens.append(match["number"] or match["sign"])
        position = match.end()
    return tokens


class _Reader:
    """Recursive descent: sum, product, factor."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nesting = 0

    def read(self) -> Fraction:
        value = self._sum()
        if self._at != len(self._tokens):
            raise NotPlainError("not plain arithmetic")
        return value

    def _take(self, wanted: str) -> str:
        """The next token where it is one of the `wanted` signs, else nothing."""
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return ""

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._take("+-"):
            operand = self._product()
            value = value + operand if sign == "+" else value - operand
        return value

    def _product(self) -> Fraction:
        value = self._factor()
        while sign := self._take("*/"):
            operand = self._factor()
            if sign == "/" and not operand:
                raise NotPlainError("division by zero")
            value = value * operand if sign == "*" else value / operand
        return value

    def _factor(self) -> Fraction:
        if sign := self._take("+-"):
            return self._nested(self._factor) * (-1 if sign == "-" else 1)
        if self._take("("):
            value = self._nested(self._sum)
            if not self._take(")"):
                raise NotPlainError("unbalanced")
            return value
        if self._at == len(self._tokens):
            raise NotPlainError("an operand is missing")
        self._at += 1
        return number(self._tokens[self._at - 1])

    def _nested(self, read: Callable[[], Fraction]) -> Fraction:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise NotPlainError("nested too deeply")
        value = read()
        self._nesting -= 1
        return value
