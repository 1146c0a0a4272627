"""Whether an answer was cut off by its token limit.

Detects: `finish_reason` "length" (Responses: `max_output_tokens`; Messages: `max_tokens`), in all of the `n`
choices alike. An int4 model that rambles, loops or thinks longer than its baseline runs into limits that the
baseline keeps.

Cannot tell: an answer that ends too early by itself, or one that a client's own stop sequence cut. Requests with a
limit of at most 16 tokens, which is what /v1/completions has unless told otherwise, are meant to be cut and left
out.

Source: https://platform.openai.com/docs/api-reference/chat/object, `finish_reason`.
"""

from __future__ import annotations

from typing import ClassVar

from analyzers.asked import generates_text, token_limit
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.pair import Exchange, Request

VARIABLE = "truncation"
MEANT = 16
"""A limit of so many tokens is meant to cut."""
_CUT = Score(1.0, "length")


class Truncation(PerAnswer):
    """F = 1 where the answer ran into its limit."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "length"})

    def variable(self, request: Request) -> str | None:
        """Requests for text whose limit is not meant to cut."""
        if not generates_text(request):
            return None
        limit = token_limit(request)
        return None if limit is not None and limit <= MEANT else VARIABLE

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        cut = (choice.finish_reason == "length" for choice in answer.choices)
        return mean((_CUT if length else GOOD for length in cut), otherwise=GOOD)
