"""JSON from a JSON Schema: read a note, return the object that the schema asks for.

What makes it hard: keys vary from request to request, the note tells things that no key asks for
and tells them in another order, enum values are meant rather than said, and values beyond a bound
are to be cut to it, so that a wrong comparison is a schema violation and not only a wrong value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from testbed.tasks.prompt import Message, Prompt, chat, content, say

MAX_TOKENS = 112
FIRST = ("Anna", "Boris", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luis")
SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "ri", "so", "tu", "va", "ze", "ko", "pi", "wa", "ry")
TOWNS = ("Oslo", "Lima", "Rome", "Cairo", "Delhi", "Quito", "Tokyo", "Bern", "Accra", "Dublin", "Riga", "Porto")
JOBS = ("baker", "nurse", "pilot", "tailor", "farmer", "judge", "painter", "driver", "teacher", "cook")
GOODS = ("apples", "pears", "plums", "lamps", "chairs", "books", "pens", "cups", "shoes", "hats", "bowls", "rugs")
COLORS = {
    "red": ("crimson", "scarlet", "cherry"),
    "blue": ("navy", "azure", "sky"),
    "green": ("olive", "lime", "moss"),
    "yellow": ("lemon", "gold", "amber"),
    "white": ("snow", "ivory", "milk"),
    "black": ("coal", "ink", "jet"),
}
SIZES = {
    "small": ("tiny", "little", "compact"),
    "medium": ("average", "regular", "middling"),
    "large": ("huge", "giant", "bulky"),
}
URGENCY = {
    "low": ("can wait", "is no rush", "is for later"),
    "normal": ("is routine", "is due as usual", "is ordinary"),
    "high": ("is urgent", "is overdue", "is needed now"),
}


@dataclass(frozen=True)
class Fact:
    """One thing a note tells: its words, the key and schema that ask for it, the right value."""

    words: str
    key: str
    schema: dict[str, Any]
    value: Any


def _pick(rng: Random, options: Mapping[str, tuple[str, ...]]) -> tuple[str, str, dict[str, Any]]:
    """An enum value, a word that means it, and a schema of some of the values in any order."""
    value = rng.choice(list(options))
    others = [o for o in options if o != value]
    enum = [value, *rng.sample(others, 2)]
    rng.shuffle(enum)
    return value, rng.choice(options[value]), {"enum": enum}


def _bounded(rng: Random, number: int) -> tuple[dict[str, Any], int]:
    """Bounds around, above or below `number`, and the number cut to them."""
    low = rng.randint(0, 60)
    high = low + rng.randint(5, 39)
    if rng.random() < 0.5:
        low, high = max(0, number - rng.randint(0, 20)), number + rng.randint(0, 20)
    schema: dict[str, Any] = {"type": "integer"}
    if rng.random() < 0.6:
        schema["minimum"] = low
        number = max(number, low)
    if rng.random() < 0.6:
        schema["maximum"] = high
        number = min(number, high)
    return schema, number


def _name(rng: Random) -> Fact:
    value = f"{rng.choice(FIRST)} {''.join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))).title()}"
    key = rng.choice(("name", "person", "customer", "guest", "full_name", "owner"))
    return Fact(f"this is about {value}", key, {"type": "string"}, value)


def _town(rng: Random) -> Fact:
    value = rng.choice(TOWNS)
    key = rng.choice(("city", "town", "place", "home", "location"))
    return Fact(f"{rng.choice(('lives in', 'home is', 'comes from'))} {value}", key, {"type": "string"}, value)


def _job(rng: Random) -> Fact:
    value = rng.choice(JOBS)
    key = rng.choice(("job", "work", "trade", "profession"))
    return Fact(f"{rng.choice(('works as', 'is a', 'earns money as'))} {value}", key, {"type": "string"}, value)


def _code(rng: Random) -> Fact:
    letters, digits = "".join(rng.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=2)), rng.randint(100, 999)
    value = f"{letters}-{digits}"
    key = rng.choice(("code", "order_id", "ticket", "ref"))
    schema = {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}
    written = rng.choice((value, f"{letters}{digits}", f"{letters.lower()}-{digits}"))
    return Fact(f"the code reads {written}", key, schema, value)


def _score(rng: Random) -> Fact:
    number = rng.randint(2, 99)
    schema, value = _bounded(rng, number)
    key = rng.choice(("score", "points", "rating", "grade"))
    return Fact(f"{rng.choice(('scored', 'got a score of', 'reached'))} {number}", key, schema, value)


def _age(rng: Random) -> Fact:
    number = rng.randint(18, 99)
    schema, value = _bounded(rng, number)
    key = rng.choice(("age", "years", "age_years"))
    return Fact(f"{rng.choice(('aged', 'is now', 'turned'))} {number}", key, schema, value)


def _color(rng: Random) -> Fact:
    value, word, schema = _pick(rng, COLORS)
    key = rng.choice(("color", "shade", "paint", "finish"))
    return Fact(f"{rng.choice(('wants it in', 'likes', 'chose'))} {word}", key, schema, value)


def _size(rng: Random) -> Fact:
    value, word, schema = _pick(rng, SIZES)
    key = rng.choice(("size", "format", "scale"))
    return Fact(f"{rng.choice(('needs a', 'asks for a', 'takes the'))} {word} one", key, schema, value)


def _urgency(rng: Random) -> Fact:
    value, word, schema = _pick(rng, URGENCY)
    return Fact(f"it {word}", rng.choice(("priority", "urgency", "level")), schema, value)


def _member(rng: Random) -> Fact:
    value = rng.random() < 0.5
    words = rng.choice(("is a member", "has joined") if value else ("is not a member", "never joined"))
    return Fact(words, rng.choice(("member", "active", "joined")), {"type": "boolean"}, value)


def _goods(rng: Random) -> Fact:
    goods = rng.sample(GOODS, rng.randint(2, 4))
    schema: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    value = list(goods)
    if rng.random() < 0.6:
        limit = rng.randint(1, 4)
        schema["maxItems"] = limit
        value = goods[:limit]
    words = f"{rng.choice(('bought', 'ordered', 'picked'))} {', '.join(goods[:-1])} and {goods[-1]}"
    return Fact(words, rng.choice(("items", "goods", "basket", "things")), schema, value)


FACTS: tuple[Callable[[Random], Fact], ...] = (
    _name, _town, _job, _code, _score, _age, _color, _size, _urgency, _member, _goods,
)  # fmt: skip
GROUPS = ("details", "profile", "info", "data", "record")
ASK = "Return only JSON matching this schema: {}"
LIMITS = ("Cut values to the limits.", "Values beyond a limit are cut to it.", "Respect the limits by cutting.")


def _object(facts: list[Fact]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema that asks for `facts`, in order, and the instance that answers it."""
    schema = {
        "type": "object",
        "properties": {f.key: f.schema for f in facts},
        "required": [f.key for f in facts],
        "additionalProperties": False,
    }
    return schema, {f.key: f.value for f in facts}


def _wanted(rng: Random, facts: list[Fact]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema and instance for `facts`, two of them now and then in an object of their own."""
    if len(facts) > 2 and rng.random() < 0.4:
        inner_schema, inner = _object(facts[:2])
        facts = [Fact("", rng.choice(GROUPS), inner_schema, inner), *facts[2:]]
        rng.shuffle(facts)
    return _object(facts)


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def _draw(rng: Random) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The user's text, the schema in it, and the one right instance."""
    told = [fact(rng) for fact in rng.sample(FACTS, rng.choice((2, 2, 3, 3, 4)))]
    asked = told[: max(2, len(told) - rng.choice((0, 1)))]
    schema, instance = _wanted(rng, asked)
    rng.shuffle(told)
    note = "; ".join(fact.words for fact in told) + "."
    order = f"{ASK.format(compact(schema))}\n{rng.choice(LIMITS)}"
    text = f"{order}\nNote: {note}" if rng.random() < 0.6 else f"Note: {note}\n{order}"
    return text, schema, instance


def schema_of(prompt: Prompt) -> dict[str, Any]:
    """The schema that stands in the text of a prompt of this module."""
    text: str = prompt.body["messages"][0]["content"]
    schema, _ = json.JSONDecoder().raw_decode(text[text.index('{"type"') :])
    return dict(schema)


def _prompt(task: str, text: str, instance: dict[str, Any], **extra: Any) -> Prompt:
    def judge(message: Message) -> bool:
        try:
            return bool(json.loads(content(message)) == instance)
        except ValueError:
            return False

    return Prompt(task, chat(text, MAX_TOKENS, **extra), say(compact(instance)), judge)


def prompted(rng: Random) -> Prompt:
    """The schema is in the prompt alone."""
    text, _, instance = _draw(rng)
    return _prompt("json_prompted", text, instance)


def constrained(rng: Random) -> Prompt:
    """The schema is in the prompt and in `response_format`: servers do not show it to the model."""
    text, schema, instance = _draw(rng)
    form = {"type": "json_schema", "json_schema": {"name": "note", "schema": schema, "strict": True}}
    return _prompt("json_constrained", text, instance, response_format=form)
