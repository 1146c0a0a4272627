"""JSON from a JSON Schema: read a note, return the object that the schema asks for.

What makes it hard: keys vary from request to request, the note tells things that no key asks for
and tells them in another order, enum values are meant rather than said, and values beyond a limit
are to be cut to it, so that a wrong comparison is a schema violation and not only a wrong value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from testbed.tasks.prompt import Message, Prompt, chat, content, say

MAX_TOKENS = 96
FIRST = ("Anna", "Boris", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luis")
LAST = ("Berg", "Silva", "Novak", "Stone", "Marsh", "Okoye", "Tanaka", "Dupont", "Weber", "Costa", "Lund", "Rossi")
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
MEMBER = {True: ("is a member", "has joined"), False: ("is not a member", "never joined")}
STRING = {"type": "string"}
CODE = {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"}

Schema = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of fact: the keys and schemas that ask for it, the words that tell it.

    `tell` gives words for the note and the value that is right under the schema.
    """

    keys: tuple[str, ...]
    ask: Callable[[Random], Schema]
    tell: Callable[[Random, Schema], tuple[str, Any]]


def _said(words: tuple[str, ...], values: tuple[str, ...], keys: tuple[str, ...]) -> Kind:
    """A fact whose value stands in the note as it is."""

    def tell(rng: Random, _schema: Schema) -> tuple[str, Any]:
        value = rng.choice(values)
        return f"{rng.choice(words)} {value}", value

    return Kind(keys, lambda _rng: STRING, tell)


def _meant(words: tuple[str, ...], options: Mapping[str, tuple[str, ...]], keys: tuple[str, ...]) -> Kind:
    """A fact told by another word than the enum's; three of the options are in the enum."""

    def ask(rng: Random) -> Schema:
        return {"enum": rng.sample(list(options), 3)}

    def tell(rng: Random, schema: Schema) -> tuple[str, Any]:
        value = rng.choice(schema["enum"])
        return rng.choice(words).format(rng.choice(options[value])), value

    return Kind(keys, ask, tell)


def _number(words: tuple[str, ...], keys: tuple[str, ...]) -> Kind:
    """A number, which a minimum or a maximum may cut."""

    def ask(rng: Random) -> Schema:
        limit = rng.choice(("minimum", "maximum", None))
        return {"type": "integer"} | ({limit: rng.randint(20, 80)} if limit else {})

    def tell(rng: Random, schema: Schema) -> tuple[str, Any]:
        number = rng.randint(10, 99)
        value = min(max(number, schema.get("minimum", 0)), schema.get("maximum", 99))
        return f"{rng.choice(words)} {number}", value

    return Kind(keys, ask, tell)


def _tell_name(rng: Random, _schema: Schema) -> tuple[str, Any]:
    value = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    return f"{rng.choice(('this is about', 'we met', 'written for'))} {value}", value


def _tell_code(rng: Random, _schema: Schema) -> tuple[str, Any]:
    value = f"{''.join(rng.choices('ABCDEFGHKL', k=2))}-{rng.randint(100, 999)}"
    return f"the code reads {value}", value


def _tell_member(rng: Random, _schema: Schema) -> tuple[str, Any]:
    value = rng.random() < 0.5
    return rng.choice(MEMBER[value]), value


def _ask_goods(rng: Random) -> Schema:
    limit = rng.choice((1, 2, None))
    return {"type": "array", "items": STRING} | ({"maxItems": limit} if limit else {})


def _tell_goods(rng: Random, schema: Schema) -> tuple[str, Any]:
    goods = rng.sample(GOODS, rng.randint(2, 3))
    words = f"{rng.choice(('bought', 'ordered', 'picked'))} {', '.join(goods[:-1])} and {goods[-1]}"
    return words, goods[: schema.get("maxItems")]


KINDS = (
    Kind(("name", "person", "customer", "guest", "owner"), lambda _rng: STRING, _tell_name),
    _said(("lives in", "home is", "comes from"), TOWNS, ("city", "town", "place", "location")),
    _said(("works as", "is a", "earns money as"), JOBS, ("job", "work", "trade", "profession")),
    Kind(("code", "order_id", "ticket", "ref"), lambda _rng: CODE, _tell_code),
    _number(("scored", "got a score of", "reached"), ("score", "points", "rating", "grade")),
    _number(("aged", "is now", "turned"), ("age", "years", "age_years")),
    _meant(("wants it in {}", "likes {}", "chose {}"), COLORS, ("color", "shade", "paint", "finish")),
    _meant(("needs a {} one", "asks for a {} one", "takes the {} one"), SIZES, ("size", "format", "scale")),
    _meant(("it {}",), URGENCY, ("priority", "urgency", "level")),
    Kind(("member", "active", "joined"), lambda _rng: {"type": "boolean"}, _tell_member),
    Kind(("items", "goods", "basket", "things"), _ask_goods, _tell_goods),
)
GROUPS = ("details", "profile", "info", "data", "record")
ASK = "Return only JSON matching this schema: {}"
LIMITS = ("Cut values to the limits.", "Values beyond a limit are cut to it.", "Respect the limits by cutting.")


@dataclass(frozen=True)
class Form:
    """What is asked for: kinds with their keys and schemas, the first two in a group if it is named."""

    asked: tuple[tuple[Kind, str, Schema], ...]
    idle: tuple[Kind, ...]  # told, and not asked for
    group: str | None

    @classmethod
    def draw(cls, rng: Random) -> Form:
        """Two or three kinds to ask for, perhaps two of them grouped, and perhaps one to tell idly."""
        kinds = rng.sample(KINDS, rng.choice((2, 3, 3, 4)))
        count = min(3, max(2, len(kinds) - rng.choice((0, 1))))
        asked = tuple((kind, rng.choice(kind.keys), kind.ask(rng)) for kind in kinds[:count])
        group = rng.choice(GROUPS) if count == 3 and rng.random() < 0.4 else None
        return cls(asked, tuple(kinds[count:]), group)

    def _nested(self, values: Mapping[str, Any], wrap: Callable[[dict[str, Any]], Any]) -> Any:
        """The values by key, the first two within the group if there is one; `wrap` makes objects."""
        if self.group is None:
            return wrap(dict(values))
        items = list(values.items())
        return wrap({self.group: wrap(dict(items[:2])), **dict(items[2:])})

    def schema(self) -> Schema:
        """The JSON Schema of the answer."""
        schema: Schema = self._nested({key: schema for _, key, schema in self.asked}, _object)
        return schema

    def note(self, rng: Random) -> tuple[str, dict[str, Any]]:
        """A note and the one right instance for it."""
        values, words = {}, []
        for kind, key, schema in self.asked:
            told, values[key] = kind.tell(rng, schema)
            words.append(told)
        words += [kind.tell(rng, kind.ask(rng))[0] for kind in self.idle]
        rng.shuffle(words)
        instance: dict[str, Any] = self._nested(values, lambda value: value)
        return f"Note: {'; '.join(words)}.", instance


def _object(properties: dict[str, Any]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def _ask(rng: Random, form: Form, note: str) -> str:
    order = f"{ASK.format(compact(form.schema()))}\n{rng.choice(LIMITS)}"
    return f"{order}\n{note}" if rng.random() < 0.7 else f"{note}\n{order}"


def schema_of(prompt: Prompt) -> Schema:
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
    form = Form.draw(rng)
    note, instance = form.note(rng)
    return _prompt("json_prompted", _ask(rng, form, note), instance)


def constrained(rng: Random) -> Prompt:
    """The schema is in the prompt and in `response_format`: servers do not show it to the model."""
    form = Form.draw(rng)
    note, instance = form.note(rng)
    schema = {"name": "note", "schema": form.schema(), "strict": True}
    response_format = {"type": "json_schema", "json_schema": schema}
    return _prompt("json_constrained", _ask(rng, form, note), instance, response_format=response_format)


def follow_ups(rng: Random, count: int) -> list[Message]:
    """A conversation for training: one schema, `count` notes, each with its answer."""
    form = Form.draw(rng)
    messages: list[Message] = []
    for turn in range(count):
        note, instance = form.note(rng)
        text = note if turn else _ask(rng, form, note)
        messages += [{"role": "user", "content": text}, say(compact(instance))]
    return messages
