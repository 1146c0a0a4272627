"""Whether an answer keeps the limit of words that its prompt sets.

Detects: more words than the last user message allows ("in at most 50 words", "no more than 20 words").

Cannot tell: limits in other words or languages than English, limits of sentences or characters. Prefer `truncation`
for limits of tokens.

Source: the instruction `length_constraints:number_words` of IFEval (https://arxiv.org/abs/2311.07911).
"""

from __future__ import annotations

import re
from typing import ClassVar

from analyzers.asked import generates_text, last_user_text
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.pair import Exchange, Request

_LIMIT = re.compile(r"\b(?:at most|no more than|up to|within|maximum of|max\.?) (\d{1,5}) words?\b", re.IGNORECASE)
_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
_TOO_LONG = Score(1.0, "too_long")


class WordLimit(PerAnswer):
    """F = 1 where the answer has more words than it may."""

    name: ClassVar[str] = "word_limit"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ("word_limit",)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "too_long"})

    def variable(self, request: Request) -> str | None:
        """Requests that set a limit."""
        return None if limit(request) is None else "word_limit"

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        most = limit(request)
        if most is None:
            return GOOD
        lengths = (len(_WORD.findall(choice.text)) for choice in answer.choices)
        return mean((_TOO_LONG if length > most else GOOD for length in lengths), otherwise=GOOD)


def limit(request: Request) -> int | None:
    """The most words that the last user message allows; None where it sets no limit."""
    found = _LIMIT.search(last_user_text(request)) if generates_text(request) else None
    return None if found is None else int(found[1])
