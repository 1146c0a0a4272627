from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from analyzers.pair import Choice, Pair, Request, ToolCall
from cases.case import Answer, Case, dumps, loads
from cases.redaction import Parts, RedactorError, load, redact, redact_again
from tests.analyzers.exchanges import CHAT, ask, pair, said

MAIL = "ada@example.org"


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)


def kept(body: dict[str, Any]) -> Any:
    return redact(pair(Request(CHAT, body), said(), said())).request


def case(parts: Parts) -> Case:
    told: dict[str, Any] = dict.fromkeys(
        ("pair_id", "at", "subject", "session", "primary", "state", "revision", "path"), "x"
    )
    return Case(**told, inclusion=1.0, **parts._asdict())


def test_one_value_has_one_name_in_request_and_answers() -> None:
    asked = ask(f"I am {MAIL}, not bob@example.org", headers={"x-slipgauge-note": MAIL})
    call = ToolCall("send", json.dumps({"to": MAIL}))

    parts = redact(pair(asked, said(f"Hello {MAIL.upper()}"), said("", calls=(call,)), said("eve@example.org")))

    assert parts.request["messages"][0]["content"] == "I am <email-1>, not <email-2>"
    assert parts.headers == {"x-slipgauge-note": "<email-1>"}
    assert parts.baseline.choices[0].text == "Hello <email-1>"
    assert parts.candidate.choices[0].tool_calls == (ToolCall("send", '{"to": "<email-1>"}'),)
    assert parts.repeat is not None
    assert parts.repeat.choices[0].text == "<email-3>"
    assert parts.redacted == {"email": 6}
    assert loads(dumps(case(parts))) == case(parts)


def test_what_only_words_told_is_found_where_no_words_stand() -> None:
    parts = redact(
        pair(ask("My password is Tr0ub4dor&3, BSN 111222333"), said("Tr0ub4dor&3 it is"), said("111222333!"))
    )

    assert parts.baseline.choices[0].text == "<password-1> it is"
    assert parts.candidate.choices[0].text == "<nl-bsn-1>!"


def test_a_name_that_stands_there_already_is_given_to_nobody_else() -> None:
    parts = redact(pair(ask(f"<email-1> wrote to {MAIL}"), said("Hi"), said("Ho")))

    assert parts.request["messages"][0]["content"] == "<email-1> wrote to <email-2>"


def test_a_case_from_elsewhere_is_redacted_again_and_one_from_here_stays() -> None:
    ours = case(redact(pair(ask(f"I am {MAIL}", user="me", metadata={"a": "b"}), said("Hi"), said("Ho"))))
    theirs = replace(ours, baseline=Answer("complete", 200, (Choice("bob@example.org"),)))

    assert redact_again(ours) == ours
    again = redact_again(theirs)
    assert again.baseline.choices[0].text == "<email-2>"
    assert again.request == ours.request
    assert again.redacted == {"client": 2, "email": 2}


def test_every_string_of_the_body_goes_through() -> None:
    body = {
        "model": "m",
        "seed": 4111111111111111,
        "user": "customer 7",
        "metadata": {"team": "gold"},
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": MAIL}]},
            {
                "role": "assistant",
                "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": f'["{MAIL}"]'}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "content": {MAIL: [4111111111111111, {"deep": MAIL}]}}],
            },
        ],
        "tools": [{"function": {"description": MAIL, "parameters": {"properties": {"a": {"enum": [MAIL]}}}}}],
        "stop": [MAIL],
        "prompt": [1, 2, 3],
        "extra": {"logit_bias": {"50256": -100}},
    }

    now = kept(body)

    assert not any(MAIL in text or "customer" in text or "gold" in text for text in texts(now))
    assert now["seed"] == 4111111111111111
    assert now["prompt"] == "<tokens: 3>"
    assert now["messages"][2]["content"][0]["content"] == {"<email-1>": ["<card-1>", {"deep": "<email-1>"}]}
    assert now["extra"] == {"logit_bias": {"50256": -100}}
    assert now["user"] == "<client-1>"
    assert now["messages"][1]["tool_calls"][0]["id"] == "call_1"


def test_images_sound_and_files_leave_their_type_and_size() -> None:
    data = "QUJD" * 100
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": data}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
    ]

    now = kept({"messages": [{"role": "user", "content": parts}]})["messages"][0]["content"]

    assert now[0]["image_url"]["url"] == "<image/png: 300 bytes>"
    assert now[1]["source"] == {"type": "base64", "media_type": "image/jpeg", "data": "<image/jpeg: 300 bytes>"}
    assert now[2]["input_audio"] == {"data": "<wav: 300 bytes>", "format": "wav"}


def test_what_is_nested_without_end_is_cut() -> None:
    deep: Any = MAIL
    for _ in range(900):
        deep = [deep]

    assert "<too deep>" in texts(kept({"messages": deep}))


def test_two_keys_that_become_one_name_are_both_kept() -> None:
    assert kept({"metadata2": {MAIL: 1, MAIL.upper(): 2}})["metadata2"] == {"<email-1>": 1, "<email-1>'": 2}


def test_without_texts_only_the_shape_is_kept() -> None:
    call = ToolCall("send", "{}")
    asked = Request(
        CHAT,
        {
            "model": "m",
            "temperature": 0.5,
            "user": "me",
            "messages": [{"role": "user", "content": "Hello", MAIL: 4111}],
            "tools": [{"type": "function", "function": {"parameters": {"properties": {"to": {"type": "string"}}}}}],
        },
        {"x-slipgauge-gold": "42"},
    )

    parts = redact(
        Pair("p", asked, said("Hi", calls=(call,), finish="private words"), said("Ho")), store_text=False
    )

    assert parts.request == {
        "model": "m",
        "temperature": 0.5,
        "user": "",
        "messages": [{"role": "user", "content": "", "key2": 0}],
        "tools": [{"type": "function", "function": {"parameters": {"properties": {"to": {"type": "string"}}}}}],
    }
    assert parts.headers == {"x-slipgauge-gold": ""}
    assert parts.baseline.choices[0].tool_calls == (ToolCall("", ""),)
    assert {choice.finish_reason for choice in (*parts.baseline.choices, *parts.candidate.choices)} == {"", "stop"}
    assert not parts.texts


def names(text: str) -> Iterator[tuple[int, int, str]]:
    at = text.find("Ada")
    if at >= 0:
        yield at, at + 3, "person"


def raises(text: str) -> Iterator[tuple[int, int, str]]:
    raise ValueError(text)


def outside(text: str) -> list[tuple[int, int, str]]:
    return [(0, len(text) + 1, "person")]


def test_a_users_own_finder_adds_its_kinds() -> None:
    parts = redact(pair(ask("Ada here"), said("Hello Ada"), said("Hi")), names)

    assert parts.request["messages"][0]["content"] == "<person-1> here"
    assert parts.baseline.choices[0].text == "Hello <person-1>"
    assert parts.redacted == {"person": 2}


@pytest.mark.parametrize("own", [raises, outside])
def test_a_users_finder_that_fails_lets_nothing_be_kept_and_tells_no_words(own: Any) -> None:
    with pytest.raises(RedactorError) as failed:
        redact(pair(ask("Ada here"), said("Hello"), said("Hi")), own)

    assert "Ada" not in str(failed.value)


def test_a_finder_is_loaded_by_its_dotted_name() -> None:
    assert load("json:dumps").__name__ == "dumps"


@pytest.mark.parametrize(
    ("name", "why"),
    [("nobody", "there are: none"), ("no.such:thing", "cannot be loaded"), ("json:__name__", "no function")],
)
def test_a_finder_that_cannot_be_had_is_told(name: str, why: str) -> None:
    with pytest.raises(RedactorError, match=why):
        load(name)
