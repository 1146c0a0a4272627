"""Text as the classifiers read it: one form for what is said in many, so that a model from elsewhere looks alike.

Curly quotes become straight, letters small, spaces single; "can't", "I'm not able to", "I must decline to" become
"cannot", and other contractions are written out. A sentence that refuses in German, Spanish or French becomes an
English one: the classifiers were fitted on English, and these few phrases are all that they know of other
languages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 500
"""Characters of an answer that are read: a refusal announces itself."""

_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_ABLE = (
    r"unable to|incapable of|not (?:\w+ )?able to|not capable of|not going to|not comfortable(?: with)?"
    r"|not programmed to|not allowed to|not permitted to|not in a position to|not at liberty to"
    r"|not authori[sz]ed to|not designed to|not equipped to"
)
_UNABLE = (
    "able to", "apable of", "not going", "comfortable", "not programmed", "not allowed", "not permitted",
    "not in a", "not at", "not authori", "not designed", "not equipped",
)  # fmt: skip
_FORMS = tuple(
    (needed, re.compile(pattern), form)
    for needed, pattern, form in (
        (("n't", " not", "cant"), r"\b(?:can't|can not|couldn't|could not|won't|will not|cant)\b", "cannot"),
        (_UNABLE, rf" ?(?:\bam|'m) (?:also |just |only |really )?(?:{_ABLE})\b", " cannot"),
        (
            ("decline", "refuse"),
            r"\b(?:must|have to|need to) (?:respectfully |politely )?(?:decline|refuse)(?: to)?\b",
            "cannot",
        ),
        (
            ("decline", "refuse", "feel comfortable"),
            r"\b(?:refuse|decline) to\b|\b(?:do not|don't) feel comfortable\b",
            "cannot",
        ),
        (("n't",), r"n't\b", " not"),
        (("'m",), r"'m\b", " am"),
        (("'re",), r"'re\b", " are"),
        (("'ve",), r"'ve\b", " have"),
        (("'ll",), r"'ll\b", " will"),
        (("'d",), r"'d\b", " would"),
        (("'s",), r"\b(it|that|there|here|what|let)'s\b", r"\1 is"),
    )
)
"""What of `needed` must be there for the pattern to be worth looking for, the pattern, and its one form."""
_FOREIGN = re.compile(
    r"\b(?:ich kann|kann ich)\b[^.!?]{0,80}\b(?:nicht|keine?n?)\b[^.!?]{0,40}(?:helfen|unterst|beantwort|geben"
    r"|weiter)\w*"
    r"|\b(?:dabei|damit|dazu|da)\b[^.!?]{0,20}\bkann ich\b[^.!?]{0,40}\bnicht\b(?: helfen)?"
    r"|\b(?:tut mir leid|entschuldig)[^.!?]{0,60}\b(?:kann|können|darf|dürfen|werde)\b[^.!?]{0,40}"
    r"\b(?:nicht|keine?n?)\b(?: helfen)?"
    r"|\bich darf\b[^.!?]{0,60}\bnicht\b"
    r"|\b(?:lo siento|disculpa|perdona)[^.!?]{0,60}\bno (?:puedo|podemos|debo|voy a"
    r"|me (?:es|está|resulta)|(?:es|será) posible)\b(?: ayudar\w*)?"
    r"|\bno (?:puedo|podemos|me es posible)\b[^.!?]{0,40}(?:ayud|proporcion|asist|cumpl|ofrec|respond|hacer)\w*"
    r"|\b(?:désolée?|je regrette)[^.!?]{0,60}\bne (?:peux|puis|pouvons|suis)\b(?: pas)?(?: vous aider| t'aider)?"
    r"|\bje ne (?:peux|puis|suis)\b[^.!?]{0,40}\b(?:pas|vous aider|t'aider|en mesure)\b(?: vous aider| t'aider)?"
)
_FOREIGN_PARTS = (
    "kann", "tut mir", "entschuldig", "ich darf", "siento", "disculpa", "perdona", "no pued", "no podemos",
    "no me es posible", "désolé", "je regrette", "je ne",
)  # fmt: skip
"""One of these is in whatever is found."""
_ENGLISH = "sorry, but i cannot help with that."
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_SENTENCE = re.compile(r"(?<=[.!?:]) ")


@dataclass(frozen=True, slots=True)
class Wording:
    """The beginning of a text, in one form."""

    plain: str
    tokens: tuple[str, ...]
    first: int
    """Where the first sentence ends in `plain`."""
    second: int
    """Where the second one does."""


def normalise(text: str, limit: int) -> str:
    """The first `limit` characters in lower case, with plain quotes and single spaces."""
    return " ".join(text[:limit].translate(_QUOTES).split()).lower()


def read(text: str, limit: int = MOST) -> Wording:
    """The first `limit` characters of `text`."""
    plain = normalise(text, limit)
    if any(part in plain for part in _FOREIGN_PARTS) and _FOREIGN.search(plain):
        plain = " ".join(_ENGLISH if _FOREIGN.search(each) else each for each in _SENTENCE.split(plain))
    for needed, pattern, form in _FORMS:
        if any(part in plain for part in needed):
            plain = pattern.sub(form, plain)
    ends = [end.start() for end in _SENTENCE.finditer(plain)][:2]
    first, second = (*ends, len(plain), len(plain))[:2]
    return Wording(plain, tuple(_TOKEN.findall(plain)), first, second)
