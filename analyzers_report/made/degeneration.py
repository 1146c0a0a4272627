"""Answers of many kinds, as they are, or come apart in one known way.

Good: the sentences of `texts`, this project's own functions, lists and tables, JSON. Bad: the same with a phrase of
1 to 60 words said until at least 100 characters are full, cut anywhere, at the end; a text of which most is said
again; characters that are no text; tokens of chat templates; nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from analyzers_report.cases import OK, Case
from analyzers_report.made.code import functions
from analyzers_report.made.json_answers import value
from analyzers_report.made.said import asked, told
from analyzers_report.made.texts import SENTENCES

PROMPTS = ("Tell me about it.", "What happened?", "How does it work?", "Give me an overview.", "Was ist passiert?")
TOKENS = ("<|im_end|>", "<|eot_id|>", "<|endoftext|>", "[/INST]", "<end_of_turn>", "<|im_start|>assistant")


def _prose(rng: Random) -> str:
    language = rng.choice(list(SENTENCES))
    return " ".join(rng.sample(SENTENCES[language], rng.randint(1, 6)))


def _rows(rng: Random) -> str:
    words = [word.strip(",.") for sentence in SENTENCES["en"] for word in sentence.split()]
    rows = [f"| {rng.choice(words)} | {rng.choice(words)} | {rng.choice(('yes', 'no'))} |" for _ in range(12)]
    return "| a | b | c |\n|---|---|---|\n" + "\n".join(rows)


def _steps(rng: Random) -> str:
    return "\n".join(f"{n}. {rng.choice(SENTENCES['en'])}" for n in range(1, rng.randint(3, 8)))


GOOD: tuple[Callable[[Random], str], ...] = (
    _prose,
    _prose,
    _rows,
    _steps,
    lambda rng: f"```python\n{rng.choice(functions())}\n```",
    lambda rng: json.dumps([value(rng, ["title"]) for _ in range(rng.randint(1, 8))], indent=2),
)


def _loop(rng: Random, text: str) -> str:
    words = " ".join(rng.choice(SENTENCES["en"]) for _ in range(8)).split()
    phrase = " ".join(words[: rng.choice((1, 2, 3, 8, 20, 60))]) + rng.choice((" ", "\n", ", "))
    times = max(3, -(-100 // len(phrase)))
    looped = phrase * rng.randint(times, 2 * times) + phrase[: rng.randrange(len(phrase))]
    return f"{text}\n{looped}"


def _run(rng: Random, text: str) -> str:
    return text + rng.choice(("!", "\n", "0", " .", "的", "\u3000", "ha")) * rng.randint(100, 400)


def _again(rng: Random, text: str) -> str:
    sentence = " ".join(rng.sample(SENTENCES["en"], 2))
    return " ".join([sentence] * rng.randint(5, 9)) + " But in the end we found another way home that day."


def _garbage(rng: Random, text: str) -> str:
    junk = "".join(rng.choice("\ufffd\x00\x07\ue123\x1b") for _ in range(max(8, len(text) // 20)))
    place = rng.randrange(len(text))
    return text[:place] + junk + text[place:]


BAD: dict[str, Callable[[Random, str], str]] = {
    "loop": lambda rng, text: rng.choice((_loop, _loop, _run))(rng, text),
    "repetition": _again,
    "garbage": _garbage,
    "special_token": lambda rng, text: text + rng.choice(TOKENS),
    "empty": lambda rng, text: rng.choice(("", " ", "\n")),
}


def case(rng: Random) -> Case:
    """Half of them good, the others with a defect each kind of which is as likely."""
    text, label = rng.choice(GOOD)(rng), OK
    if rng.random() < 0.5:
        label = rng.choice(list(BAD))
        text = BAD[label](rng, text)
    return Case("made", asked(rng.choice(PROMPTS)), told(text), label)
