from __future__ import annotations

import pytest

from analyzers.code import Code
from analyzers.code.asked import language_asked
from analyzers.code.fences import blocks
from analyzers.pair import Exchange, Request
from tests.analyzers.exchanges import ask, said

PYTHON, ANY = ask("Write a Python function that adds two numbers."), ask("Write a function that adds two numbers.")


def label(answer: Exchange, request: Request = PYTHON) -> str:
    score = Code().failure(request, answer)
    assert (score.failed > 0) == (score.label != "ok")
    return score.label


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Write a Python function that adds two numbers.", "python"),
        ("please implement quicksort as a method", "any"),
        ("I need a script to rename files", "any"),
        ("Create a pyproject.toml config for my package", "toml"),
        ("Schreibe ein Programm in Python, das zählt.", "python"),
        ("What is Python?", None),
        ("Explain what this code does", None),
        ("Write a poem about the sea", None),
        ("", None),
    ],
)
def test_an_order_for_code_is_one(prompt: str, expected: str | None) -> None:
    assert language_asked(ask(prompt)) == expected


def fenced(code: str, mark: str = "python") -> str:
    return f"Here it is:\n\n```{mark}\n{code}\n```\n\nDone."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fenced("def add(a, b):\n    return a + b"), "ok"),
        (fenced("def add(a, b)\n    return a + b"), "python"),
        (fenced("def add(a, b):\nreturn a + b"), "python"),
        (fenced("    def add(a, b):\n        return a + b"), "ok"),
        (fenced("def add(a, b):\n    ..."), "ok"),
        (fenced("x = (1, 2", "py"), "python"),
        (fenced("def add(a, b) return", ""), "python"),
        (fenced("!pip install x\n%matplotlib inline\nimport x"), "ok"),
        (fenced("if x:\n    !ls"), "ok"),
        (fenced(">>> add(1, 2)\n3\n>>> for x in y:\n...     print(x)\n"), "ok"),
        (fenced(">>> add(1, 2"), "python"),
        (fenced("print 'hello'"), "python"),
        (fenced(r"re.compile('\d')"), "ok"),
        (fenced("function add(a { return", "javascript"), "ok"),
        (fenced('{"a": 1}', "json"), "ok"),
        (fenced('{"a": 1,}', "json"), "json"),
        (fenced('[a]\nb = "c"', "toml"), "ok"),
        (fenced("[a\nb = c", "toml"), "toml"),
        ("```python\nx = 1\n", "unclosed"),
        ("No code at all.", "ok"),
        ("", "ok"),
        ("1. First:\n   ```python\n   x = 1\n   ```\n2. Then:\n   ```python\n   y = (\n   ```", "python"),
        ("~~~python\nx = '''\n```\n'''\n~~~", "ok"),
        ("````python\nx = '''\n```\n'''\n````", "ok"),
        (fenced("x" * 40_000 + "("), "ok"),
        (fenced("x = 1") + fenced("The sum is: 5", ""), "ok"),
        (fenced("pip install x", "") + fenced("x = 1"), "ok"),
        (fenced("x = 1", "") + fenced("The sum is: 5", ""), "ok"),
        (fenced("x = ('%s'\n     % a)"), "ok"),
        (fenced('def f():\n    """Add.\n\n    >>> f()\n    5\n    """\n    return (5'), "python"),
    ],
)
def test_code_that_does_not_parse_is_named(text: str, expected: str) -> None:
    assert label(said(text)) == expected


def test_a_block_that_the_limit_cut_is_truncations() -> None:
    assert label(said("```python\nx = (", finish="length")) == "ok"


def test_an_unmarked_block_is_python_where_that_was_asked_for_only() -> None:
    assert label(said(fenced("def add(a, b) return", "")), ANY) == "ok"
    assert label(said(fenced("def add(a, b) return", "python")), ANY) == "python"


def test_blocks_are_read_as_markdown_has_them() -> None:
    text = "```py\na\n```\n\n~~~\nb\n~~~~\n\n````md\n```\nc\n```\n````\n```"
    assert list(blocks(text)) == [
        ("py", "a\n", True),
        ("", "b\n", True),
        ("md", "```\nc\n```\n", True),
        ("", "", False),
    ]
