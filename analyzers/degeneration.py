r"""Whether an answer has come apart: loops, repetition, nothing at all, or characters that are no text.

Detects, by thresholds fixed before any data was looked at:

- `loop`: the text, or a call's arguments, ends in a phrase said at least 3 times in a row, 100 characters or more
  in all; the last time may be cut short. Three times to the end is the definition of Holtzman et al. 2020
  (https://arxiv.org/abs/1904.09751, section 5), the length keeps refrains and rulers out. Blanks count, since a
  constrained model can write them without end. A server that stopped for repetition itself says so
  (`finish_reason`).
- `repetition`: more than half of the last 2,000 words' 4-grams stand there more than once (rep-4 of Welleck et al.
  2020, https://arxiv.org/abs/1908.04319, which is 0.005 in human text and 0.44 on average in greedy decoding that
  had come apart), of at least 64 words; not within code fences, nor in answers that begin as JSON.
- `empty`: neither text, nor a refusal, nor a call; not where the token limit cut it, which is `truncation`'s.
- `garbage`: more than 3 characters that are no text (controls, U+FFFD, private use, lone surrogates) that are at
  least 1 % of all.
- `special_token`: a chat template's own tokens in the text, not as code, unless the request has them too.
- `mixed_scripts`: at least 3 places, and one in 20 words, where Latin letters stand beside those of another
  alphabet.

Cannot tell: fluent nonsense; a loop of less than 100 characters; a loop in reasoning, which is no part of the
answer. Requests that ask for repetition or a song, or echo the prompt, are left out. Forms and tables that end in
the same blank row, and numbers of one digit over and over, count as loops.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import ClassVar

from analyzers.asked import generates_text, last_user_text, system_text
from analyzers.beginnings import beginnings, may_have
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.pair import Choice, Exchange, Request

VARIABLE = "degeneration"
TIMES = 3
LOOP_CHARS = 100
MAX_PERIOD = 2_000
"""Characters of the longest phrase that is looked for."""
TAIL = 12
MAX_PERIODS = 64
"""Places of the text's last TAIL characters that may begin a phrase."""
NGRAM = 4
MIN_WORDS, MAX_WORDS = 64, 2_000
REP_4 = 0.5
GARBAGE_COUNT, GARBAGE_SHARE = 3, 0.01
MIXED_COUNT, MIXED_SHARE = 3, 0.05
MAX_CHARS = 65_536
"""The end of a longer answer is looked at."""

_REPEAT = re.compile(
    r"\brepeat(?:edly|ing)?\b|\b(?:say|write|print|type|output|generate|list)\b[^.\n]{0,80}"
    r"\b(?:\d+ times|times in a row|forever|over and over|again and again|endlessly)\b"
    r"|\b(?:write|sing|compose|create|give|make)\b[^.\n]{0,60}\b(?:song|chant|mantra)s?\b"
    r"|\blyrics\b|\blorem ipsum\b"
    r"|\bwiederhol\w*|\brépèt\w*|\brepite\w*",
    re.IGNORECASE,
)
_REPEAT_WORDS = beginnings(
    "repeat times forever over again endlessly song songs chant mantra lyrics lorem wiederhol repite"
)
"""One of these is in whatever _REPEAT finds."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+")
"""A word, or a letter of a script that writes none apart."""
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`", re.DOTALL)
_GARBAGE = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffd-\uffff]")
_SPECIAL = re.compile(
    r"<\|[a-z0-9_]{2,40}\|>|<\uff5c[^\uff5c<>]{2,40}\uff5c>|\[/?INST\]|<(?:unk|pad)>|<(?:start|end)_of_turn>"
)
_MIXED = re.compile(
    "|".join(
        f"[A-Za-z]{other}|{other}[A-Za-z]"
        for other in (r"[\u0400-\u04ff]", r"[\u0590-\u05ff]", r"[\u0600-\u06ff]", r"[\u0900-\u097f]")
    )
)
"""A Latin letter beside one of another alphabet; Greek is left out, as in "\u03bcm"."""


class Degeneration(PerAnswer):
    """F = 1 where the answer has come apart."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "2"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset(
        {"ok", "empty", "loop", "repetition", "garbage", "special_token", "mixed_scripts"}
    )

    def variable(self, request: Request) -> str | None:
        """Requests for text that do not ask for repetition."""
        if not generates_text(request) or request.body.get("echo"):
            return None
        return None if _asks_for_repetition(last_user_text(request)) else VARIABLE

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        return mean((_judge(request, choice) for choice in answer.choices), otherwise=Score(1.0, "empty"))

    def condemns(self, request: Request, cut: Exchange) -> bool:
        """As much as may be captured, and it ends in a loop: it loops."""
        return bool(cut.choices) and all(_loops(choice) for choice in cut.choices)


@lru_cache(maxsize=8)  # asked more than once of a pair
def _asks_for_repetition(text: str) -> bool:
    return may_have(text, _REPEAT_WORDS) and _REPEAT.search(text) is not None


def _judge(request: Request, choice: Choice) -> Score:
    label = _why(request, choice)
    return GOOD if label is None else Score(1.0, label)


def _why(request: Request, choice: Choice) -> str | None:
    text = choice.text[-MAX_CHARS:]
    if choice.finish_reason == "repetition" or _loops(choice):
        return "loop"
    if not (text.strip() or choice.refusal or choice.tool_calls):
        return None if choice.finish_reason in ("length", "content_filter") else "empty"
    if repeats(text):
        return "repetition"
    return _no_text(request, text)


def _loops(choice: Choice) -> bool:
    return any(loops(text[-MAX_CHARS:]) for text in (choice.text, *(each.arguments for each in choice.tool_calls)))


def loops(text: str) -> bool:
    """Whether `text` ends in a phrase said TIMES times or more, LOOP_CHARS or more in all."""
    if len(text) < LOOP_CHARS:
        return False
    tail, end = text[-TAIL:], len(text) - 1
    for _ in range(MAX_PERIODS):
        end = text.rfind(tail, max(0, len(text) - TAIL - MAX_PERIOD), end)
        if end < 0:
            return False
        period = len(text) - TAIL - end
        stretch = max(TIMES * period, LOOP_CHARS)
        if stretch <= len(text) and text[-stretch:-period] == text[-stretch + period :]:
            return True
        end += TAIL - 1  # the next place to the left
    return False


def repeats(text: str) -> bool:
    """Whether more than REP_4 of the words' 4-grams are repetitions."""
    if text.lstrip().startswith(("{", "[")):
        return False
    words = _WORD.findall(_FENCED.sub(" ", text) if "```" in text else text)[-MAX_WORDS:]
    if len(words) < MIN_WORDS:
        return False
    grams = list(zip(*(islice(words, start, None) for start in range(NGRAM)), strict=False))
    return 1 - len(set(grams)) / len(grams) > REP_4


def _no_text(request: Request, text: str) -> str | None:
    garbage = len(_GARBAGE.findall(text))
    if garbage > GARBAGE_COUNT and garbage >= GARBAGE_SHARE * len(text):
        return "garbage"
    if _SPECIAL.search(text) and (special := _SPECIAL.search(_CODE.sub(" ", text) if "`" in text else text)):
        return None if special[0] in last_user_text(request) + system_text(request) else "special_token"
    if text.isascii():
        return None
    mixed = sum(1 for _ in _MIXED.finditer(text))
    if mixed >= MIXED_COUNT and mixed >= MIXED_SHARE * len(_WORD.findall(text)):
        return "mixed_scripts"
    return None
