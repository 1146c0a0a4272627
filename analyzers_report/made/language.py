"""Sentences asked for in one language and answered in it, or in another.

The request is an order in English, a system's order, or three sentences in the language itself; the answer is one
to three sentences, so some are short. A request whose language is not plain is drawn again: it is in no population.
"""

from __future__ import annotations

from random import Random

from analyzers.language.asked import languages
from analyzers.pair import Request
from analyzers_report.cases import OK, Case
from analyzers_report.made.said import CHAT, asked, told
from analyzers_report.made.texts import SENTENCES

NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "sv": "Swedish", "pl": "Polish", "tr": "Turkish", "ru": "Russian", "zh": "Chinese",
    "ja": "Japanese", "ko": "Korean",
}  # fmt: skip
JOINT = {"zh": "", "ja": ""}


def _said(rng: Random, language: str, least: int, most: int) -> str:
    return JOINT.get(language, " ").join(rng.sample(SENTENCES[language], rng.randint(least, most)))


def _request(rng: Random, language: str) -> Request:
    way = rng.randrange(3)
    if way == 0:
        return asked(f"{_said(rng, 'en', 1, 2)} Answer in {NAMES[language]}.")
    if way == 1:
        system = {"role": "system", "content": f"You are helpful. Always reply in {NAMES[language]}."}
        return Request(CHAT, {"messages": [system, {"role": "user", "content": _said(rng, "en", 1, 2)}]})
    return asked(_said(rng, language, 3, 3))


def case(rng: Random) -> Case:
    """Half of them in the language that was asked for."""
    language = rng.choice(list(SENTENCES))
    request = _request(rng, language)
    while not languages(request):
        request = _request(rng, language)
    if rng.random() < 0.5:
        return Case("sentences", request, told(_said(rng, language, 1, 3)), OK)
    other = rng.choice([each for each in SENTENCES if each != language])
    return Case("sentences", request, told(_said(rng, other, 1, 3)), "language")
