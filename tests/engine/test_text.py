from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.engine.text import AnswerText
from testbed.engine.tokenizer import Tokenizer
from tests.engine.random_model import VOCAB


@pytest.fixture(scope="module")
def tokenizer(model_dir: Path) -> Tokenizer:
    return Tokenizer(model_dir, VOCAB)


def stream(text: AnswerText, tokens: list[int]) -> tuple[list[str], str | None]:
    """The pieces taken after each token, up to a stop string or the end."""
    pieces, stopped = [], None
    for token in tokens:
        stopped = text.push(token)
        if stopped is not None:
            break
        pieces.append(text.take(finished=False))
    return [*pieces, text.take(finished=True)], stopped


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_comes_back_from_its_tokens_in_whole_characters(tokenizer: Tokenizer, text: str) -> None:
    tokens = tokenizer.encode(text)
    pieces, _ = stream(AnswerText(tokenizer, skip_special=False), tokens)
    assert "".join(pieces) == tokenizer.decode(tokens, skip_special=False) == text


def test_a_character_of_several_tokens_is_held_back_until_it_is_complete(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("a😀b")
    assert len(tokens) == 6
    pieces, _ = stream(AnswerText(tokenizer), tokens)
    assert pieces == ["a", "", "", "", "😀", "b", ""]


def test_an_unfinished_character_at_the_end_is_dropped_and_a_broken_one_replaced(tokenizer: Tokenizer) -> None:
    emoji = tokenizer.encode("😀")
    assert stream(AnswerText(tokenizer), emoji[:3])[0][-1] == ""
    assert "".join(stream(AnswerText(tokenizer), [*emoji[:2], *tokenizer.encode("x")])[0]) == "�x"


@pytest.mark.parametrize(
    ("include", "expected"), [(False, "one tw"), (True, "one two th")], ids=["left out", "kept"]
)
def test_a_stop_string_over_token_boundaries_cuts_the_text(
    tokenizer: Tokenizer, *, include: bool, expected: str
) -> None:
    tokens = [token for char in "one two three" for token in tokenizer.encode(char)]
    text = AnswerText(tokenizer, stop=["zzz", "o th"], include_stop=include)
    pieces, stopped = stream(text, tokens)
    assert stopped == "o th"
    assert "".join(pieces) == expected
    assert all(expected.startswith("".join(pieces[:end])) for end in range(len(pieces)))


def test_special_tokens_are_left_out_unless_asked_for(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("a<|im_end|><tool_call>")
    assert len(tokens) == 3
    assert tokenizer.decode(tokens) == "a<tool_call>"
    assert tokenizer.decode(tokens, skip_special=False) == "a<|im_end|><tool_call>"


def test_the_chat_template_sees_text_parts_tools_and_parsed_arguments(tokenizer: Tokenizer) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"q": "ü<"}'}}
    text = tokenizer.render(
        [
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "you"}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        [{"type": "function", "function": {"name": "f"}}],
        add_generation_prompt=True,
    )
    assert text == (
        '<|im_start|>system\n# Tools\n{"type": "function", "function": {"name": "f"}}\n<|im_end|>\n'
        "<|im_start|>user\nhi\nyou<|im_end|>\n"
        '<|im_start|>assistant\n<tool_call>\n{"name": "f", "arguments": {"q": "ü<"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>assistant\n"
    )
