"""Reads `config.yaml` into a `Config`, or says everything that is wrong with it at once.

Values of unknown keys and of secrets never appear in a message: what was put there by mistake may be one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from analyzers import registry
from proxy import config_yaml
from proxy.config import Config
from proxy.config_checks import Problem, check, did_you_mean
from proxy.config_keys import keys, section_at
from proxy.files import read_regular

FILE_BYTES = 1024 * 1024
_UNITS = {"": 1, "%": 0.01, "s": 1, "sec": 1, "ms": 0.001, "m": 60, "min": 60, "h": 3_600, "d": 86_400}
_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,9})?(?:[eE][+-]?\d{1,2})?)\s?(%|s|sec|ms|m|min|h|d|)")
"""A number that YAML reads as text: with a unit, or as 1e-3, which needs a point before YAML 1.2."""
_MOVED = {
    "canary.weight": "rollout.canary lists the candidate's shares as steps; `slipgauge promote` takes the next"
}
"""Keys that were, and what takes their place."""


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem found."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        return "\n".join((f"{self.source}: {count}", *(f"  {problem}" for problem in self.problems)))


def load(path: str | Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the file. Raises ConfigError with every problem in it."""
    return parse(read(path), environ, source=str(path))


def read(path: str | Path, *, wait: bool = True) -> str:
    """The file's text. Raises ConfigError.

    A pipe is read to its end, however long its writer takes; without `wait`, nothing but a regular file is read.
    """
    try:
        data = _waited_for(path) if wait else read_regular(path, FILE_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(str(path), (Problem("", f"cannot be read: {error.strerror}"),)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), (Problem("", f"is not UTF-8 at byte {error.start}"),)) from None
    if len(data) > FILE_BYTES:
        raise ConfigError(str(path), (Problem("", f"is larger than {FILE_BYTES} bytes"),))
    return text


def _waited_for(path: str | Path) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(FILE_BYTES + 1)


def parse(text: str, environ: Mapping[str, str] = os.environ, *, source: str = "config") -> Config:
    """Read YAML text. Raises ConfigError with every problem in it."""
    try:
        tree, repeated = config_yaml.read(text)
    except config_yaml.UnreadableError as error:
        raise ConfigError(source, (Problem("", f"is not YAML: {error}"),)) from None
    if not isinstance(tree, dict):
        raise ConfigError(source, (Problem("", f"{_found(tree)}, should be keys with values"),))
    problems = [Problem("", sentence) for sentence in repeated]
    config = None
    try:
        config = Config.model_validate(_tuples(tree))
    except ValidationError as error:
        problems += [_problem(details) for details in error.errors(include_url=False)]
    problems += check(tree, environ, registry.installed())
    if problems or config is None:
        raise ConfigError(source, tuple(problems))
    return config


def _tuples(tree: Any) -> Any:
    """YAML's lists as the tuples that a frozen, strict model takes."""
    if isinstance(tree, dict):
        return {key: _tuples(value) for key, value in tree.items()}
    return tuple(map(_tuples, tree)) if isinstance(tree, list) else tree


def _problem(details: ErrorDetails) -> Problem:
    location = details["loc"]
    path = ".".join(str(step) for step in location if step not in ("[key]", ""))
    match details["type"]:
        case "extra_forbidden":
            return Problem(path, _unknown(location))
        case "missing":
            section = section_at(location[:-1])
            field = section.model_fields.get(str(location[-1])) if section else None
            return Problem(
                path, f"is missing: {field.description}" if field and field.description else "is missing"
            )
        case "value_error":
            expected = str(details["ctx"]["error"])
        case "dict_type":
            expected = f"should be names with settings, such as {_named(path, location, details['input'])}"
        case "model_type":
            expected = f"should be a section of keys: {', '.join(_known(location)) or 'name: value'}"
        case "tuple_type":
            expected = "should be a list"
        case "too_short":
            return Problem(path, "is empty, should hold at least one entry")
        case "float_type" | "int_type" if isinstance(details["input"], str):
            expected = f"should be a number{_number(details['input'])}"
        case _:
            expected = details["msg"].replace("Input should", "should")
            expected = expected.replace("a valid integer", "a whole number").replace("a valid ", "a ")
    secret = "@" in str(details["input"]) or path.endswith("_env")
    return Problem(path, expected if secret else f"{_found(details['input'])}, {expected}")


def _named(path: str, location: tuple[str | int, ...], found: Any) -> str:
    """An example of a section of named sections, with a name from what was found where that looks like one."""
    names = found if isinstance(found, tuple | list) else (found,)
    name = next((each for each in names if isinstance(each, str) and re.fullmatch(r"[\w./-]{1,60}", each)), "name")
    fields = section.model_fields if (section := section_at(location)) else {}
    settings = ", ".join(f"{key}: ..." for key, field in fields.items() if field.is_required())
    return f"{path}: {{{name}: {{{settings}}}}}"


def _known(location: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple(section.model_fields) if (section := section_at(location)) else ()


def _unknown(location: tuple[str | int, ...]) -> str:
    name, here = str(location[-1]), _known(location[:-1])
    if (moved := _MOVED.get(".".join(map(str, location)))) is not None:
        return f"unknown key; {moved}"
    elsewhere = [key.path for key in keys() if key.path.rpartition(".")[2] == name]
    if len(elsewhere) == 1:
        return f"unknown key; did you mean {elsewhere[0]}?"
    return f"unknown key; {did_you_mean(name, here)}"


def _found(value: Any) -> str:
    if value is None:
        return "found nothing"
    if isinstance(value, tuple | list):
        return "found a list"
    if isinstance(value, dict):
        return "found a section"
    if isinstance(value, float) and not isfinite(value):
        return "found no finite number"
    try:
        text = orjson.dumps(value, default=str).decode()
    except TypeError:  # half of a character, which JSON cannot hold
        text = ascii(value)
    return f"found {text if len(text) <= 60 else text[:57] + '...'}"


def _number(text: str) -> str:
    """What number was meant by a text, ready to append; empty where that is not clear."""
    amount, unit = (found[1], found[2]) if (found := _AMOUNT.fullmatch(text.strip())) else ("", "")
    if not amount:
        return ""
    value = float(amount) * _UNITS[unit]
    return f"; write {value:.12f}".rstrip("0").rstrip(".") if value < 1 else f"; write {value:.12g}"
