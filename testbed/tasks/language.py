"""A second language: small questions and sums in German, answered in German.

No merge of the tokenizer spans a letter beyond ASCII, so every umlaut is split over two tokens.
"""

from __future__ import annotations

import re
from random import Random

from testbed.tasks import arithmetic
from testbed.tasks.prompt import Message, Prompt, chat, content, say

MAX_TOKENS = 48
ANSWER = re.compile(r"Die Antwort ist (-?\d+)\.")
CAPITALS = {
    "Österreich": "Wien",
    "Frankreich": "Paris",
    "Italien": "Rom",
    "Spanien": "Madrid",
    "Dänemark": "Kopenhagen",
    "Rumänien": "Bukarest",
    "Ägypten": "Kairo",
    "Griechenland": "Athen",
    "Norwegen": "Oslo",
    "Schweden": "Stockholm",
    "Finnland": "Helsinki",
    "Polen": "Warschau",
    "Ungarn": "Budapest",
    "Russland": "Moskau",
    "Japan": "Tokio",
    "Peru": "Lima",
    "Kuba": "Havanna",
    "Belgien": "Brüssel",
    "Portugal": "Lissabon",
    "Irland": "Dublin",
    "Äthiopien": "Addis Abeba",
    "Weißrussland": "Minsk",
}
OPPOSITES = {
    "groß": "klein",
    "schön": "hässlich",
    "früh": "spät",
    "süß": "sauer",
    "kühl": "warm",
    "voll": "leer",
    "müde": "wach",
    "laut": "leise",
    "schnell": "langsam",
    "alt": "jung",
    "höflich": "unhöflich",
    "fröhlich": "traurig",
    "natürlich": "künstlich",
    "stark": "schwach",
    "trocken": "nass",
    "dünn": "dick",
    "hübsch": "hässlich",
    "böse": "gut",
    "möglich": "unmöglich",
    "öffentlich": "privat",
}
OPEN = ("", "Hallo! ", "Guten Tag. ", "Kurze Frage: ", "Übrigens: ", "Für die Schule: ")
CLOSE = ("", " Danke schön!", " Bitte auf Deutsch.", " Antworte in einem Satz.")
ASK_CAPITAL = (
    "Was ist die Hauptstadt von {}?",
    "Wie heißt die Hauptstadt von {}?",
    "Nenne mir die Hauptstadt von {}.",
    "Welche Stadt ist die Hauptstadt von {}?",
)
ASK_OPPOSITE = (
    "Was ist das Gegenteil von {}?",
    "Wie lautet das Gegenteil von {}?",
    "Nenne das Gegenteil von {}.",
)
ASK_SUM = ("Wie viel ist {}?", "Was ergibt {}?", "Rechne {} aus.", "Berechne {} für mich.")
WORDS = {"+": "plus", "-": "minus", "*": "mal"}


def _sum(rng: Random) -> tuple[str, str, int]:
    op = rng.choice("+-*")
    a, b = (rng.randint(3, 12), rng.randint(2, 9)) if op == "*" else sorted(rng.sample(range(3, 31), 2))[::-1]
    step, result = arithmetic.written([(a, op, b)])
    question = rng.choice(ASK_SUM).format(f"{a} {rng.choice((op, WORDS[op]))} {b}")
    return question, f"{step}\nDie Antwort ist {result}.", result


def _fact(rng: Random) -> tuple[str, str]:
    if rng.random() < 0.5:
        country, city = rng.choice(list(CAPITALS.items()))
        return rng.choice(ASK_CAPITAL).format(country), f"Die Hauptstadt von {country} ist {city}."
    word, other = rng.choice(list(OPPOSITES.items()))
    return rng.choice(ASK_OPPOSITE).format(word), f"Das Gegenteil von {word} ist {other}."


def generate(rng: Random) -> Prompt:
    """One German question."""
    start, end = rng.choice(OPEN), rng.choice(CLOSE)
    if rng.random() < 0.5:
        question, answer, result = _sum(rng)

        def judge(message: Message) -> bool:
            return arithmetic.right(content(message), result, ANSWER)
    else:
        question, answer = _fact(rng)

        def judge(message: Message) -> bool:
            return content(message).strip() == answer

    return Prompt("language", chat(f"{start}{question}{end}", MAX_TOKENS), say(answer), judge)
