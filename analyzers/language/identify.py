"""Which language a text is written in, by its script and its function words; None where that is not plain.

Names, numbers and a foreign word here or there decide nothing. Pure counting, so that the same text gives the same
answer on every machine.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from analyzers.language.words import LANGUAGES_OF, SCRIPTS, SCRIPTS_OF

MAX_CHARS = 4_000
MAX_WORDS = 200
"""The beginning of a longer text decides."""
MIN_HITS = 2
"""A language needs so many function words,"""
LEAD = 1.5
"""so many times as many as the next language,"""
MIN_SHARE = 0.15
"""and so large a share of all words."""
MIN_LETTERS = 8
"""Fewer letters of a script decide nothing."""
MAX_FOREIGN = 0.3
"""A larger share of letters of other scripts than a language is written in is another language."""

_WORD = re.compile(r"[^\W\d_]+")
_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{0,200}`", re.DOTALL)
_BEYOND_LATIN = re.compile("[\u0370-\u1dff\u2c80-\ud7ff]")
_LETTERS = {script: re.compile(f"[{letters}]") for script, letters in SCRIPTS.items()}


def prose(text: str) -> str:
    """The beginning of `text` without its code."""
    text = text[:MAX_CHARS]
    return _FENCED.sub(" ", text) if "`" in text else text


def scripts(text: str) -> Counter[str]:
    """Letters of `prose` by script; where all are Latin, about how many."""
    if text.isascii() or not _BEYOND_LATIN.search(text):
        return Counter(latin=len(text))
    counts: Counter[str] = Counter()
    for script, letters in _LETTERS.items():
        if found := len(letters.findall(text)):
            counts[script] = found
    counts["latin"] = max(0, sum(map(len, _WORD.findall(text))) - counts.total())
    return counts


def spoken(text: str) -> dict[str, int]:
    """Function words in `prose` by language; only Latin letters have any."""
    words = _WORD.findall(text.lower())[:MAX_WORDS]
    hits: dict[str, int] = {}
    for word, count in Counter(words).items():
        for language in LANGUAGES_OF.get(word, ()):
            hits[language] = hits.get(language, 0) + count
    return hits if hits and max(hits.values()) >= MIN_SHARE * len(words) else {}


@lru_cache(maxsize=8)  # equal arms often answer alike, and more than one asks about a request
def identify(text: str) -> str | None:
    """The language of `text`, code left out."""
    plain = prose(text)
    letters = scripts(plain)
    most = max(letters, key=lambda script: letters[script], default="latin")
    if most != "latin":
        return _of_script(letters, most)
    hits = spoken(plain)
    if not hits:
        return None
    best = max(hits, key=lambda language: hits[language])
    second = max((count for language, count in hits.items() if language != best), default=0)
    return best if hits[best] >= MIN_HITS and hits[best] >= LEAD * second else None


def _of_script(letters: Counter[str], most: str) -> str | None:
    if letters[most] < MIN_LETTERS:
        return None
    if most in ("han", "kana"):
        return "ja" if letters["kana"] > 0.1 * letters["han"] else "zh"
    return next(language for language, scripts in SCRIPTS_OF.items() if most in scripts)


def foreign(letters: Counter[str], languages: frozenset[str]) -> bool:
    """Whether too many letters are of other scripts than any of these languages is written in.

    Latin ones are not counted: names of software, addresses and units stand in every script. An answer in another
    language in Latin letters is told by its words.
    """
    own = {"latin", *(script for language in languages for script in SCRIPTS_OF.get(language, ()))}
    others = sum(count for script, count in letters.items() if script not in own)
    return others >= MIN_LETTERS and others > MAX_FOREIGN * letters.total()
