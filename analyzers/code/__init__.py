"""Whether fenced code in an answer parses, on requests for code.

Detects: a block marked as Python, JSON or TOML, or, where none is marked and the request names Python or TOML, the
first one, that is not accepted by the standard library's own parser (`ast`, `json`, `tomllib`); a block that is
never closed, where the token limit did not cut it. What stands unmarked beside marked code, or behind other code,
is mostly what it prints. Python is parsed as this interpreter's version has it; where that fails, without lines of
a shell or a notebook (`!pip`, `%matplotlib`) and without the prompts of an interactive session.

Cannot tell: whether the code is right, or runs; code in other languages; code outside fences. Fragments that are
meant to be put somewhere else parse as what they are, so some that a reader would accept count as broken, on both
arms alike. It informs and rolls nothing back. A parser can be brought down by hostile code, which costs the worker
process, is counted, and harms nothing else.

Source: CommonMark for the fences, see `fences`.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
import tomllib
import warnings
from collections.abc import Callable
from typing import ClassVar

from analyzers.asked import generates_text
from analyzers.code.asked import ANY, language_asked
from analyzers.code.fences import blocks
from analyzers.finding import GOOD, PerAnswer, Score, mean
from analyzers.pair import Choice, Exchange, Request

VARIABLE = "code"
MAX_CHARS = 32_768
"""A longer block is not parsed."""
MAX_TEXT = 262_144
_MARKS = {
    "python": "python", "python3": "python", "py": "python", "py3": "python",
    "json": "json", "toml": "toml",
}  # fmt: skip
_PROMPT = re.compile(r"\s*>>> ?")
_NOTEBOOK = re.compile(r"^([ \t]*)[!%][^\n]*", re.MULTILINE)


class Code(PerAnswer):
    """F = 1 where fenced code does not parse."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "2"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    labels: ClassVar[frozenset[str]] = frozenset({"ok", "python", "json", "toml", "unclosed"})

    def variable(self, request: Request) -> str | None:
        """Requests for code."""
        return VARIABLE if generates_text(request) and language_asked(request) else None

    def failure(self, request: Request, answer: Exchange) -> Score:
        """See the module."""
        asked = language_asked(request) or ANY
        return mean((_judge(asked, choice) for choice in answer.choices), otherwise=GOOD)


def _judge(asked: str, choice: Choice) -> Score:
    found = tuple(blocks(choice.text[:MAX_TEXT]))
    marked = any(block.language for block in found)
    for block in found:
        if not block.closed:
            return GOOD if choice.finish_reason == "length" else Score(1.0, "unclosed")
        unmarked = None if marked or block is not found[0] else asked
        language = _MARKS.get(block.language) if block.language else unmarked
        if (
            language is not None
            and language in _PARSERS
            and len(block.code) <= MAX_CHARS
            and not _parses(language, block.code)
        ):
            return Score(1.0, language)
    return GOOD


def _parses(language: str, code: str) -> bool:
    try:
        _PARSERS[language](code)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def _python(code: str) -> None:
    try:
        _module(code)
    except SyntaxError:
        typed = _session(code) if _PROMPT.match(code) else code
        _module(_NOTEBOOK.sub(r"\1pass", typed))


def _module(code: str) -> None:
    # As one interactive statement: at an error in a file's code, CPython opens the file that it would be from.
    statement = f"if 1:\n{textwrap.indent(textwrap.dedent(code), ' ')}\n pass\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(statement, "<answer>", "single", ast.PyCF_ONLY_AST)


def _session(code: str) -> str:
    """The lines that were typed in an interactive session, without what was printed."""
    lines = (line.lstrip() for line in code.splitlines())
    return "\n".join(line[4:] for line in lines if line.startswith((">>>", "...")))


_PARSERS: dict[str, Callable[[str], object]] = {"python": _python, "json": json.loads, "toml": tomllib.loads}
