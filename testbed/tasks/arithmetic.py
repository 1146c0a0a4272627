"""Arithmetic in one to three written steps, as bare expressions and as word problems.

The right answer is the sequence of steps and the final number; another true way there counts too.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from random import Random

from testbed.tasks.prompt import Message, Prompt, chat, content, say

MAX_TOKENS = 64
OPS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}
STEP = re.compile(r"(-?\d+) ([-+*]) (-?\d+) = (-?\d+)")
ANSWER = re.compile(r"The answer is (-?\d+)\.")

ASK = (
    "What is {}?",
    "Compute {}.",
    "Calculate {}",
    "{} = ?",
    "How much is {}?",
    "Work out {} step by step.",
    "Please evaluate {}.",
    "Solve: {}",
)
NAMES = ("Tom", "Ann", "Sam", "Mia", "Leo", "Eva", "Ben", "Zoe", "Max", "Ida")
THINGS = ("apples", "coins", "books", "cards", "eggs", "stamps", "pens", "shells", "nuts", "tiles")
GAIN = ("finds {} more", "buys {} more", "gets {} from a friend", "wins {}", "adds {}")
LOSE = ("gives away {}", "loses {}", "sells {}", "drops {}", "uses {}")
PACK = ("boxes", "bags", "packs", "rows", "jars")


def written(steps: list[tuple[int, str, int]]) -> tuple[str, int]:
    """The written-out steps with their last result."""
    lines = [f"{a} {op} {b} = {OPS[op](a, b)}" for a, op, b in steps]
    a, op, b = steps[-1]
    return "\n".join(lines), OPS[op](a, b)


def right(text: str, result: int, answer: re.Pattern[str] = ANSWER) -> bool:
    """True where each line but the last is a true step and the last states `result`."""
    *lines, last = text.strip().split("\n")
    final = answer.fullmatch(last)
    if not lines or final is None or int(final[1]) != result:
        return False
    steps = [STEP.fullmatch(line) for line in lines]
    return all(s is not None and OPS[s[2]](int(s[1]), int(s[3])) == int(s[4]) for s in steps)


def _extend(rng: Random, total: int) -> tuple[str, int]:
    """One further + or - step from `total` that stays at or above zero."""
    if total > 90 or (total > 12 and rng.random() < 0.5):
        return "-", rng.randint(2, min(total, 30))
    return "+", rng.randint(3, 30)


def _product(rng: Random) -> tuple[int, int]:
    a, b = rng.randint(2, 12), rng.randint(2, 9)
    return (a, b) if rng.random() < 0.7 else (b, a)


def _expression(rng: Random) -> tuple[str, list[tuple[int, str, int]]]:
    """An expression in the usual precedence, and its steps in the order they are worked out."""
    length = rng.choice((1, 2, 2, 3, 3))
    steps: list[tuple[int, str, int]] = []
    if rng.random() < 0.45:
        a, b = _product(rng)
        total, text = a * b, f"{a} * {b}"
        steps.append((a, "*", b))
        if length > 1 and rng.random() < 0.5:  # the product stands second and is still done first
            first = rng.randint(3, 30)
            text = f"{first} + {text}"
            steps.append((first, "+", total))
            total += first
    else:
        total = rng.randint(5, 60)
        text = str(total)
    while len(steps) < length:
        op, number = _extend(rng, total)
        steps.append((total, op, number))
        total = OPS[op](total, number)
        text += f" {op} {number}"
    return rng.choice(ASK).format(text), steps


def _story(rng: Random) -> tuple[str, list[tuple[int, str, int]]]:
    """A word problem: someone has things, gains and loses some."""
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    steps: list[tuple[int, str, int]] = []
    if rng.random() < 0.45:
        a, b = _product(rng)
        text = f"{name} has {a} {rng.choice(PACK)} of {b} {thing}."
        steps.append((a, "*", b))
        total = a * b
    else:
        total = rng.randint(10, 60)
        text = f"{name} has {total} {thing}."
    changes = []
    for _ in range(rng.choice((1, 2)) if steps else rng.choice((1, 2, 2, 3))):
        op, number = _extend(rng, total)
        steps.append((total, op, number))
        total = OPS[op](total, number)
        changes.append(rng.choice(GAIN if op == "+" else LOSE).format(number))
    told = " and then ".join(changes)
    return f"{text} {name} {told}. How many {thing} are there now?", steps


def generate(rng: Random) -> Prompt:
    """One problem."""
    text, steps = (_story if rng.random() < 0.4 else _expression)(rng)
    lines, result = written(steps)

    def judge(message: Message) -> bool:
        return right(content(message), result)

    answer = say(f"{lines}\nThe answer is {result}.")
    return Prompt("arithmetic", chat(text, MAX_TOKENS), answer, judge)


def drill(rng: Random) -> tuple[str, str]:
    """One step by itself, of the kinds that problems need, for training: what is asked, what is written."""
    if rng.random() < 0.2:
        a, b = _product(rng)
        return f"{a} * {b} =", f" {a * b}\n"
    total = rng.randint(3, 120)
    op, number = _extend(rng, total)
    if op == "+" and rng.random() < 0.2:
        total, number = number, total
    return f"{total} {op} {number} =", f" {OPS[op](total, number)}\n"
