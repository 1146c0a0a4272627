"""Which language a request asks to be answered in, from the request alone.

An order ("Answer in French", "auf Deutsch", "Translate this to Spanish") in the user's or the system's words names
it; else it is the language of the last user message, where that is plain. An order to translate, or several
languages named, allow each of them and the message's own. Requests for JSON or code, or with tools, are left out:
their answers need not be in any language.
"""

from __future__ import annotations

import re
from functools import lru_cache

from analyzers.asked import generates_text, last_user_text, system_text
from analyzers.beginnings import beginnings, may_have
from analyzers.code.asked import language_asked
from analyzers.json_answer.asked import wanted
from analyzers.language.identify import identify
from analyzers.language.words import LANGUAGE_NAMED
from analyzers.pair import Request
from analyzers.tools.asked import offer

_NAME = "|".join(sorted(LANGUAGE_NAMED, key=len, reverse=True))
_NOUN = (
    r"(?! (?!(?:to|about|for|with|and|or|please|only|but|that|which|using|so|as|at|on|by|from|of|if|when|how|what"
    r"|who|why|the|an?|my|this|these|language|text|words|bitte|und|\w+ing)\b)[a-z]{3})"
)
"""As in "in Japanese culture", which asks for no Japanese, and unlike "in Japanese about culture"."""
_NAMED = re.compile(
    rf"\bin\s+({_NAME})\b{_NOUN}|\b(?:auf|ins|en|em|på|на)\s+({_NAME})\b|(中文|日本語|한국어)", re.IGNORECASE
)
_TARGET = re.compile(rf"\b(?:to|into)\s+({_NAME})\b", re.IGNORECASE)
_ORDER = re.compile(
    r"\b(?:answer|reply|respond|write|speak|explain|say it|antworte|schreib|erkläre|réponds?|écris|responde|escribe"
    r"|rispondi|scrivi|responda|escreva|antwoord|bitte|please|always|only)\b",
    re.IGNORECASE,
)
_TRANSLATE = re.compile(
    r"\b(?:translat\w*|übersetz\w*|tradui\w*|traduc\w*|traduz\w*|vertaal|how do you say|how would you say"
    r"|wie sagt man|what(?:'s| is)[^.?!\n]{0,60} in)\b",
    re.IGNORECASE,
)
_NAMED_WORDS = beginnings(" ".join(LANGUAGE_NAMED))
_TRANSLATE_WORDS = beginnings("translate traduire traducir vertaal say sagt what")
"""One of these is in whatever _NAMED and _TRANSLATE find."""
MAX_CHARS = 8_000


def languages(request: Request) -> frozenset[str]:
    """The languages that the answer may be in; empty where the request does not tell."""
    if not generates_text(request) or offer(request) is not None:
        return frozenset()
    if wanted(request) is not None or language_asked(request) is not None:
        return frozenset()
    return _asked(last_user_text(request)[:MAX_CHARS], system_text(request)[:MAX_CHARS])


@lru_cache(maxsize=8)  # asked for once for each leg of a pair
def _asked(user: str, system: str) -> frozenset[str]:
    own = identify(user)
    named = _named(user)
    if may_have(user, _TRANSLATE_WORDS) and _TRANSLATE.search(user):
        targets = named | frozenset(LANGUAGE_NAMED[name.lower()] for name in _TARGET.findall(user))
        return targets | {own} if own else targets
    if named and _ORDER.search(user):
        return named
    if ordered := _ordered_by(system):
        return ordered
    return named | {own} if own else frozenset()


def _named(text: str) -> frozenset[str]:
    if not may_have(text, _NAMED_WORDS):
        return frozenset()
    found = (match[match.lastindex or 0] for match in _NAMED.finditer(text))
    return frozenset(LANGUAGE_NAMED[name.lower()] for name in found)


def _ordered_by(text: str) -> frozenset[str]:
    named = _named(text)
    return named if named and _ORDER.search(text) else frozenset()
