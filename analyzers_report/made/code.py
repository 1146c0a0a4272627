"""This project's own functions, JSON and TOML in fences: as they are, or broken in one known way."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from analyzers_report.cases import OK, Case
from analyzers_report.made.json_answers import value
from analyzers_report.made.said import asked, told

ROOT = Path(__file__).parents[2]
MIN_LINES = 4


@cache
def functions() -> tuple[str, ...]:
    """Every function of the analyzers, as source, of at least MIN_LINES lines."""
    found = []
    for path in sorted((ROOT / "analyzers").rglob("*.py")):
        source = path.read_text()
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        found += [text for node in nodes if (text := ast.get_source_segment(source, node)) is not None]
    return tuple(text for text in found if text.count("\n") + 1 >= MIN_LINES)


def _without(text: str, wanted: str) -> str:
    """Without one of the wanted characters, outside of strings: the last line that has one."""
    lines = text.splitlines()
    at = max((n for n, line in enumerate(lines) if wanted in line and not set(line) & set("\"'#")), default=None)
    if at is None:
        return text + "\n    (" if wanted == ")" else text + "\n    if x"
    place = lines[at].rindex(wanted)
    lines[at] = lines[at][:place] + lines[at][place + 1 :]
    return "\n".join(lines)


def _no_body(rng: Random, text: str) -> str:
    """Every line at the margin: the body is none."""
    return "\n".join(line.lstrip() for line in text.splitlines())


PYTHON: tuple[Callable[[Random, str], str], ...] = (
    lambda rng, text: _without(text, ")"),
    lambda rng, text: text.replace(":\n", "\n", 1),
    lambda rng, text: text.replace("def ", "function ", 1),
    lambda rng, text: text + "\n    x = 'unfinished",
    lambda rng, text: text + "\n    return return",
    lambda rng, text: text + "\n  oops = 1",
    _no_body,
)
JSON: tuple[Callable[[Random, str], str], ...] = (
    lambda rng, text: text[:-1],
    lambda rng, text: text[:-1] + ",}",
    lambda rng, text: text.replace('"age"', "age", 1),
)
TOML: tuple[Callable[[Random, str], str], ...] = (
    lambda rng, text: text.replace("]", "", 1),
    lambda rng, text: text + "\nname = \n",
    lambda rng, text: text + "\n[order]\n",
)
PROMPTS = {
    "python": (
        "Write a Python function that does this.",
        "Please fix this Python code.",
        "Implement it as a method.",
    ),
    "json": ("Write a script that prints this as a JSON file.", "Create a JSON config for it."),
    "toml": ("Create a TOML file for it.", "Write a pyproject.toml config."),
}
BROKEN = {"python": PYTHON, "json": JSON, "toml": TOML}


def _good(rng: Random, language: str) -> str:
    if language == "python":
        return rng.choice(functions())
    found = value(rng, ["title"])
    if language == "json":
        return json.dumps(found, indent=2)
    plain = {key: each for key, each in found.items() if isinstance(each, str | int)}
    return "[order]\n" + "\n".join(f"{key} = {json.dumps(each, ensure_ascii=False)}" for key, each in plain.items())


def case(rng: Random) -> Case:
    """Half of them good."""
    language = rng.choice(("python", "python", "json", "toml"))
    text, label = _good(rng, language), OK
    if rng.random() < 0.5:
        text, label = rng.choice(BROKEN[language])(rng, text), language
    before, after = rng.choice(("Here it is:\n\n", "")), rng.choice(("", "\n\nThat is all."))
    answer = f"{before}```{language}\n{text}\n```{after}"
    if rng.random() < 0.1:
        answer, label = f"{before}```{language}\n{text}\n", "unclosed"
    return Case(language, asked(rng.choice(PROMPTS[language])), told(answer), label)
