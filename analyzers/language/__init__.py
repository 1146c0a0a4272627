"""Whether an answer is in the language that the request asks for.

Detects: `script`, more than 0.3 of the answer's letters belong to scripts that none of the languages asked for is
written in (a German question answered in Chinese, or an English one that slides into Cyrillic); `language`, an
answer in Latin letters whose function words plainly say another of ten languages, or Chinese for Japanese and the
other way round.

Cannot tell: short answers (a name, a number) and requests whose language is not plain, which are left out; a single
foreign word; bad grammar; languages beyond those in `words`, which share a script with one of them. It informs and
rolls nothing back: what a request asks for is often a matter of taste.

Source: Unicode blocks (https://www.unicode.org/Public/UNIDATA/Blocks.txt). Int4 models lose languages other than
English first (Marchisio et al. 2024, https://arxiv.org/abs/2407.03211).
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.language.asked import languages
from analyzers.language.identify import foreign, identify, prose, scripts
from analyzers.pair import Exchange, Request

VARIABLE = "language"


class Language(PerAnswer):
    """F = 1 where the answer is in another script or language than was asked for."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "2"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "script", "language"})

    def variable(self, request: Request) -> str | None:
        """Requests whose language is plain."""
        return VARIABLE if languages(request) else None

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        asked = languages(request)
        return mean((_judge(asked, choice.text) for choice in answer.choices), otherwise=GOOD)


@lru_cache(maxsize=8)  # equal arms often answer alike
def _judge(asked: frozenset[str], text: str) -> Score:
    if foreign(scripts(prose(text)), asked):
        return Score(1.0, "script")
    found = identify(text)
    return GOOD if found is None or found in asked else Score(1.0, "language")
