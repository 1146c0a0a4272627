"""Whether two mathematical expressions are equal, by computer algebra, for what cheaper ways leave open.

Only for a process that is killed when it overruns: the time limits of math-verify are signals, which protect no
server, and are switched off here. What is known to take for ever is turned away first: powers of powers, large
exponents, long numbers, factorials, sums, products and limits.

Source: https://github.com/huggingface/Math-Verify; its `verify(gold, answer)` is not symmetric: gold comes first.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

MAX_CHARS = 200
_LONG = re.compile(r"\d{16}")
_POWERS = re.compile(r"\^|\*\*")
_EXPONENT = re.compile(r"(?:\^|\*\*)\s*(?:\{\s*)?[-+(]*\s*(\d+)?")
_COSTLY = re.compile(r"!|\\(?:sum|prod|int|lim|binom|choose|iint|oint|bigcup|bigcap|underbrace)|\d[eE]\d")
MAX_EXPONENT = 20
_KINDS = ("x^2", "2\\sqrt{3}", "(3,4)", "x<5", "\\{1,2\\}", "x=5", "50\\%", "5 the")
"""What is read and compared differently: sympy imports much of itself only then."""
MAX_POWERS = 4


def prepare() -> None:
    """Import all that `equivalent` needs: about a second and 60 MB, once in a process. Later it opens no file."""
    for one in _KINDS:
        for other in _KINDS:
            equivalent(one, other)


def bounded(text: str) -> bool:
    """Whether an expression may be given to computer algebra at all."""
    if len(text) > MAX_CHARS or _LONG.search(text) or _COSTLY.search(text):
        return False
    powers = _POWERS.findall(text)
    if len(powers) > MAX_POWERS or any(int(found or 0) > MAX_EXPONENT for found in _EXPONENT.findall(text)):
        return False
    return not _tower(text)


def equivalent(gold: str, answer: str) -> bool:
    """Whether `answer` equals `gold`; False also where either cannot be read, or is out of bounds."""
    if not (bounded(gold) and bounded(answer)):
        return False
    from math_verify import verify  # noqa: PLC0415 - heavy, and only a process that scores needs it

    try:
        right, claimed = _parsed(gold), _parsed(answer)
        return bool(right and claimed and verify(list(right), list(claimed), timeout_seconds=None))
    except Exception:  # of any kind: sympy and ANTLR raise what they like
        return False


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[Any, ...]:
    from math_verify import parse  # noqa: PLC0415 - as above

    for name in ("math_verify.parser", "math_verify.grader"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it warns of every call without a time limit
    return tuple(parse(f"${text}$", parsing_timeout=None))


def _tower(text: str) -> bool:
    """Whether a power stands in an exponent, or is raised again."""
    plain = text.replace("**", "^").replace(" ", "")
    for found in re.finditer(r"\^", plain):
        rest = plain[found.end() :]
        if rest[:1] in "{(":
            end = _closing(rest)
            exponent, after = rest[:end], rest[end:]
        else:
            match = re.match(r"[-+]?(?:\d+(?:\.\d*)?|\\?\w+)?", rest)
            end = match.end() if match else 0
            exponent, after = rest[:end], rest[end:]
        if "^" in exponent or after.startswith(("^", "}^", ")^")):
            return True
    return False


def _closing(text: str) -> int:
    """Where the bracket that `text` begins with is closed; its end where it is not."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "{(") - (sign in "})")
        if not depth:
            return at + 1
    return len(text)
