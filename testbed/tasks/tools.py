"""Tool calls: which function, which arguments, and when none is called for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from testbed.tasks.prompt import Message, Prompt, chat, content, say

MAX_TOKENS = 80
CITIES = ("Oslo", "Lima", "Rome", "Cairo", "Delhi", "Quito", "Tokyo", "Bern", "Accra", "Dublin", "Riga", "Porto")
PEOPLE = ("Anna", "Boris", "Carla", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
SONGS = ("jazz", "blues", "rock", "opera", "techno", "folk", "soul", "swing")
ROOMS = ("kitchen", "bedroom", "office", "hall", "garage", "attic", "cellar", "porch")
WORDS = ("hello", "thanks", "garden", "window", "coffee", "winter", "bridge", "silver")
LANGUAGES = ("French", "Greek", "Hindi", "Polish", "Dutch", "Korean")
STOCKS = ("ACME", "ORCA", "NOVA", "ZETA", "LYRA", "KITE")
SMALL_TALK = {
    "Hello there!": "Hello! How can I help you?",
    "Good morning!": "Good morning! How can I help you?",
    "Thanks a lot.": "You're welcome!",
    "Who are you?": "I am a small assistant.",
    "Nice to meet you.": "Nice to meet you too!",
    "What can you do?": "I can answer questions and call tools.",
    "Goodbye!": "Goodbye and take care!",
    "How are you?": "I am fine, thank you.",
}
LEAD = ("", "Please: ", "Hi. ", "Hey, ", "Quick one: ", "When you can: ", "Now: ", "OK, ")


@dataclass(frozen=True)
class Tool:
    """A function, how people ask for it, and how its arguments are drawn."""

    name: str
    description: str
    properties: dict[str, Any]
    asks: tuple[str, ...]
    draw: Callable[[Random], dict[str, Any]]

    def declaration(self) -> dict[str, Any]:
        """The function as an entry of the request's `tools`."""
        parameters = {"type": "object", "properties": self.properties, "required": list(self.properties)}
        function = {"name": self.name, "description": self.description, "parameters": parameters}
        return {"type": "function", "function": function}


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
TOOLS = (
    Tool(
        "get_weather",
        "Weather forecast for a city.",
        {"city": STRING, "days": INTEGER},
        (
            "What will the weather be in {city} over {days} days?",
            "Give me a {days} day forecast for {city}.",
            "Do I need an umbrella in {city} in the next {days} days?",
        ),
        lambda rng: {"city": rng.choice(CITIES), "days": rng.randint(2, 14)},
    ),
    Tool(
        "set_timer",
        "Start a timer.",
        {"minutes": INTEGER},
        ("Set a timer for {minutes} minutes.", "Wake me in {minutes} minutes.", "Count down {minutes} minutes."),
        lambda rng: {"minutes": rng.randint(2, 240)},
    ),
    Tool(
        "send_message",
        "Send a short text to a person.",
        {"to": STRING, "text": STRING},
        ("Tell {to}: {text}", "Send {to} the word {text}.", "Text {text} to {to}."),
        lambda rng: {"to": rng.choice(PEOPLE), "text": rng.choice(WORDS)},
    ),
    Tool(
        "play_music",
        "Play a kind of music.",
        {"genre": STRING, "volume": INTEGER},
        (
            "Play {genre} at volume {volume}.",
            "I want to hear {genre}, loudness {volume}.",
            "Put on {genre} at {volume}.",
        ),
        lambda rng: {"genre": rng.choice(SONGS), "volume": rng.randint(1, 99)},
    ),
    Tool(
        "set_light",
        "Dim the lamp of a room.",
        {"room": STRING, "percent": INTEGER},
        (
            "Dim the {room} to {percent} percent.",
            "Set the {room} lamp to {percent}.",
            "Light in the {room} at {percent}.",
        ),
        lambda rng: {"room": rng.choice(ROOMS), "percent": rng.randint(5, 100)},
    ),
    Tool(
        "translate",
        "Translate a word.",
        {"word": STRING, "language": {"type": "string", "enum": list(LANGUAGES)}},
        ("How do you say {word} in {language}?", "Translate {word} to {language}.", "The {language} for {word}?"),
        lambda rng: {"word": rng.choice(WORDS), "language": rng.choice(LANGUAGES)},
    ),
    Tool(
        "buy_stock",
        "Order shares.",
        {"symbol": STRING, "shares": INTEGER},
        ("Buy {shares} shares of {symbol}.", "Get me {shares} {symbol} shares.", "Order {shares} of {symbol}."),
        lambda rng: {"symbol": rng.choice(STOCKS), "shares": rng.randint(2, 500)},
    ),
    Tool(
        "book_table",
        "Reserve a table.",
        {"name": STRING, "people": INTEGER, "hour": {"type": "integer", "minimum": 11, "maximum": 22}},
        (
            "Book a table for {people} at {hour} under {name}.",
            "Reserve for {name}, {people} people, {hour} o'clock.",
            "A table at {hour} for {people}, name {name}.",
        ),
        lambda rng: {"name": rng.choice(PEOPLE), "people": rng.randint(2, 12), "hour": rng.randint(11, 22)},
    ),
)


def _call(rng: Random, tool: Tool, offered: list[Tool]) -> Prompt:
    arguments = tool.draw(rng)
    text = rng.choice(LEAD) + rng.choice(tool.asks).format(**arguments)
    function = {"name": tool.name, "arguments": json.dumps(arguments)}
    answer: Message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_0", "type": "function", "function": function}],
    }

    def judge(message: Message) -> bool:
        try:
            (call,) = message["tool_calls"]
            called = call["function"]
            return bool(called["name"] == tool.name and json.loads(called["arguments"]) == arguments)
        except (KeyError, TypeError, ValueError):
            return False

    body = _body(rng, text, offered, rng.choice(("auto", "auto", "required")))
    return Prompt("tools", body, answer, judge)


def _no_call(rng: Random, offered: list[Tool]) -> Prompt:
    """Small talk with tools at hand: calling one is wrong."""
    said, reply = rng.choice(list(SMALL_TALK.items()))
    body = _body(rng, rng.choice(LEAD) + said, offered, "auto")
    return Prompt("tools", body, say(reply), lambda message: content(message).strip() == reply)


def _body(rng: Random, text: str, offered: list[Tool], choice: str) -> dict[str, Any]:
    rng.shuffle(offered)
    tools = [tool.declaration() for tool in offered]
    return chat(text, MAX_TOKENS, tools=tools, tool_choice=choice)


def generate(rng: Random) -> Prompt:
    """One request with one or two tools on offer."""
    offered = rng.sample(TOOLS, rng.choice((1, 1, 2)))
    return _no_call(rng, offered) if rng.random() < 0.15 else _call(rng, offered[0], offered)
