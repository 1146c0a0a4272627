"""What kind of code a request asks for, from the request alone: by an order to write some, and what it names."""

from __future__ import annotations

import re
from functools import lru_cache

from analyzers.asked import generates_text, last_user_text
from analyzers.beginnings import beginnings, may_have
from analyzers.pair import Request

MAX_CHARS = 16_000
ANY = "any"
"""Code is asked for, and no language is named that is parsed here."""

_ORDER = re.compile(
    r"(?:^|[.!?:;,\n][^\S\n]{0,20}|\b(?:and|then|please|you|i|me|to|bitte)\s{1,20})"
    r"(?:write|implement|create|generate|give|show|build|code|complete|fix|refactor|rewrite|convert|port|provide|make"
    r"|need|schreibe?|erstelle|implementiere|écris|escribe|crea)\b[^.\n]{0,80}?"
    r"\b(?:functions?|scripts?|code|programs?|class(?:es)?|methods?|snippets?|modules?|decorators?|unit tests?"
    r"|algorithms?|python|toml|(?:json|toml) (?:file|config\w*|example)|pyproject|funktion|programm"
    r"|fonction|función)\b",
    re.IGNORECASE,
)
_ORDER_WORDS = beginnings(
    "function script code program class method snippet module decorator unit algorithm python toml json pyproject"
    " funktion fonction"
)
"""One of these is in whatever _ORDER finds."""
_NAMES = {
    "python": re.compile(r"\bpython\b|\bdjango\b|\bpandas\b|\bnumpy\b|\bpytest\b", re.IGNORECASE),
    "toml": re.compile(r"\btoml\b|\bpyproject\b", re.IGNORECASE),
}


def language_asked(request: Request) -> str | None:
    """Where code is asked for, "python", "toml" or ANY; None where none is."""
    return _asked(last_user_text(request)[:MAX_CHARS]) if generates_text(request) else None


@lru_cache(maxsize=16)  # asked for once for each leg of a pair, and by more than one analyzer
def _asked(text: str) -> str | None:
    if not (may_have(text, _ORDER_WORDS) and _ORDER.search(text)):
        return None
    return next((name for name, pattern in _NAMES.items() if pattern.search(text)), ANY)
