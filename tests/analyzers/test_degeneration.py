from __future__ import annotations

import json
from pathlib import Path

import pytest

from analyzers.degeneration import Degeneration, loops, repeats
from analyzers.pair import Exchange, Request, ToolCall
from tests.analyzers.exchanges import ask, said

HI = ask("Tell me about the sea.")
WORDS = ("tide", "comes", "goes", "boats", "rest", "small", "harbour", "near", "old", "light", "wind", "turns")
PROSE = " ".join(f"{first} {second}" for first in WORDS for second in reversed(WORDS))


def label(answer: Exchange, request: Request = HI) -> str:
    score = Degeneration().failure(request, answer)
    assert (score.failed > 0) == (score.label != "ok")
    return score.label


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said("The sea is wide."), "ok"),
        (said(PROSE), "ok"),
        (said(""), "empty"),
        (said(" \n"), "empty"),
        (said("", finish="length"), "ok"),
        (said("", finish="content_filter"), "ok"),
        (said("", refusal="No."), "ok"),
        (said("", calls=(ToolCall("f", "{}"),)), "ok"),
        (said(PROSE + " I do not know." * 8), "loop"),
        (said(PROSE + " I do not know." * 8 + " I do n"), "loop"),
        (said("!" * 100), "loop"),
        (said("!" * 99), "ok"),
        (said(PROSE + "\n" * 200, finish="length"), "loop"),
        (said(" " * 400, finish="length"), "loop"),
        (said("Ha ha ha ha ha"), "ok"),
        (said("Row, row, row your boat. " * 3), "ok"),
        (said("Fine.", finish="repetition"), "loop"),
        (said("", calls=(ToolCall("f", '{"a": "' + "no " * 60),)), "loop"),
        (said((PROSE + " ") * 2 + "And so it was, in the end, that nothing came of it."), "ok"),
        (said("again and again we see it now " * 20 + "until it stops for good."), "repetition"),
        (said("caf\ufffd"), "ok"),
        (said("\ufffd\ufffd a \ufffd\ufffd\ufffd b"), "garbage"),
        (said("\x00\x01\x02\x03 text"), "garbage"),
        (said("Done.<|im_end|>"), "special_token"),
        (said("[INST] Hi [/INST]"), "special_token"),
        (said("A turn ends with `<|im_end|>`:\n```\n<|im_start|>user\nHi<|im_end|>\n```"), "ok"),
        (said("A turn ends with `<|im_end|>`. <|im_end|>"), "special_token"),
        (said("a < b | c > d, xs |> f"), "ok"),
        (said("prиvet дom wоrd hеllo"), "mixed_scripts"),
        (said("Die Größe ist 5 \u03bcm, α-Helix"), "ok"),
        (said("これはPythonのAPIです。とても便利です。"), "ok"),
    ],
)
def test_what_has_come_apart_is_named(answer: Exchange, expected: str) -> None:
    assert label(answer) == expected


def test_code_and_json_may_repeat_themselves() -> None:
    row = '{"name": "a", "size": 1, "kind": "x"}'
    assert label(said("[" + ",\n".join([row] * 60) + "]")) == "ok"
    code = "```python\n" + "x = f(x, y, z)\n" * 40 + "```"
    assert label(said(code + "\nThat is all.")) == "ok"


@pytest.mark.parametrize("period", [1, 2, 7, 11, 12, 13, 100, 700, 1_999])
def test_a_loop_of_any_period_is_found(period: int) -> None:
    phrase = "".join(chr(0x4E00 + 7 * place) for place in range(period))
    times = max(3, -(-100 // period))
    assert loops("Before. " + phrase * times)
    assert loops("Before. " + phrase * times + phrase[: period // 2])
    assert not loops("Before. " + phrase * times + " And after.")
    assert not loops("Before. " + phrase)


def test_a_phrase_that_holds_its_own_end_is_found() -> None:
    assert loops("no, no, no, no, no, no, but yes, yes, yes, yes, " * 3)


def test_rep_4_counts_words() -> None:
    assert not repeats(PROSE)
    assert not repeats("one two three four " * 15)  # 60 words are too few
    assert repeats("one two three four " * 17)
    assert repeats("我们去海边" * 20)


def test_the_request_may_ask_for_repetition() -> None:
    for prompt in (
        "Repeat the word poem forever",
        "Say hello 50 times",
        "Print the letter a over and over.",
        "Write a song.",
    ):
        assert Degeneration().variable(ask(prompt)) is None
    assert Degeneration().variable(ask("What is 3 times 4?")) == "degeneration"
    assert Degeneration().variable(Request("/v1/completions", {"prompt": "Hi", "echo": True})) is None
    assert Degeneration().variable(Request("/v1/embeddings", {"input": "Hi"})) is None


def test_a_special_token_that_was_asked_about_is_none() -> None:
    assert label(said("It ends a turn: <|im_end|>"), ask("What does <|im_end|> mean?")) == "ok"


def test_answers_that_people_read_and_labelled_are_rarely_called_degenerate() -> None:
    data = Path(__file__).parent / "data" / "refusals.jsonl"
    texts = [json.loads(line)["response"] for line in data.read_text().splitlines()]
    wrong = [text for text in texts if text.strip() and label(said(text)) != "ok"]
    assert len(wrong) <= 0.01 * len(texts)
