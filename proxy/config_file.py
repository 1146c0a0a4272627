"""Reads `config.yaml` into a `Config`, or says everything that is wrong with it at once.

Values of unknown keys and of secrets never appear in a message: what was put there by mistake may be one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from analyzers import registry
from analyzers.finding import Analyzer
from proxy import config_yaml
from proxy.config import Config
from proxy.config_checks import Problem, check, did_you_mean
from proxy.config_keys import keys, section_at

FILE_BYTES = 1024 * 1024


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


def read(path: str | Path) -> str:
    """The file's text. Raises ConfigError."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(FILE_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise ConfigError(str(path), (Problem("", f"cannot be read: {error.strerror}"),)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), (Problem("", f"is not UTF-8 at byte {error.start}"),)) from None
    if len(data) > FILE_BYTES:
        raise ConfigError(str(path), (Problem("", f"is larger than {FILE_BYTES} bytes"),))
    return text


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
    problems += check(tree, environ, _installed())
    if problems or config is None:
        raise ConfigError(source, tuple(problems))
    return config


def _installed() -> dict[str, Analyzer | registry.AnalyzerError]:
    found: dict[str, Analyzer | registry.AnalyzerError] = {}
    for name in registry.names():
        try:
            (found[name],) = registry.load((name,))
        except registry.AnalyzerError as error:
            found[name] = error
    return found


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
        case "model_type" | "dict_type":
            expected = f"should be a section of keys: {', '.join(_known(location)) or 'name: value'}"
        case "tuple_type":
            expected = "should be a list"
        case "too_short":
            return Problem(path, "is empty, should hold at least one entry")
        case _:
            expected = details["msg"].replace("Input should", "should")
            expected = expected.replace("a valid integer", "a whole number").replace("a valid ", "a ")
    secret = "@" in str(details["input"]) or path.endswith("_env")
    return Problem(path, expected if secret else f"{_found(details['input'])}, {expected}")


def _known(location: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple(section.model_fields) if (section := section_at(location)) else ()


def _unknown(location: tuple[str | int, ...]) -> str:
    name, here = str(location[-1]), _known(location[:-1])
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
    text = orjson.dumps(value, default=str).decode()
    return f"found {text if len(text) <= 60 else text[:57] + '...'}"
