"""How a server turns texts and conversations into tokens, as its `/tokenize` and `/detokenize` tell.

https://docs.vllm.ai/en/latest/serving/openai_compatible_server/#tokenizer-api
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.doctor.asker import Asker
from proxy.doctor.fact import Answer, Fact, Unseen

TEXTS: Mapping[str, str] = {
    "words": "The quick brown fox doesn't jump over 2 lazy dogs; it's asleep.",
    "whitespace": "a  b\tc\n\n\nd\r\n    indented   ",
    "numbers": "0 7 42 1234567890 3.14159 1,000,000 -5 1e-9 0x1F",
    "unicode": "naïve Straße Ελληνικά 中文 日本語 العربية हिन्दी ﬁ é e\u0301",
    "emoji": "👩‍👩‍👧‍👦 🇪🇺 👍🏽",
    "code": "def f(x):\n\treturn {'a': x ** 2, \"b\": [1, 2]}  # ok\n",
    "special tokens": "<s></s><|im_start|>user<|im_end|><|endoftext|><|begin_of_text|><|eot_id|>[INST]<think>",
    "unprintable": "\x00\x07\u200b\ufeff\ufffd",
}
"""Where tokenizers part ways: normalisation, splitting of digits and blanks, and what counts as special."""

_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks something up.",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
    },
}
_CALL = {"id": "call00001", "type": "function", "function": {"name": "look_up", "arguments": '{"what": "x"}'}}
_ASKED = [{"role": "user", "content": "Which is it?"}]
_TURNS = [*_ASKED, {"role": "assistant", "content": "This one."}, {"role": "user", "content": "  Sure?\n"}]

CHATS: Mapping[str, dict[str, Any]] = {
    "a question": {"messages": _ASKED},
    "without the generation prompt": {"messages": _ASKED, "add_generation_prompt": False},
    "a system message": {"messages": [{"role": "system", "content": "Be brief."}, *_ASKED]},
    "several turns": {"messages": _TURNS},
    "tools": {"messages": _ASKED, "tools": [_TOOL]},
    "a call and its result": {
        "messages": [
            *_ASKED,
            {"role": "assistant", "content": None, "tool_calls": [_CALL]},
            {"role": "tool", "tool_call_id": "call00001", "content": "y"},
        ],
        "tools": [_TOOL],
    },
    "an answer to go on with": {
        "messages": [*_ASKED, {"role": "assistant", "content": "It is"}],
        "add_generation_prompt": False,
        "continue_final_message": True,
    },
}
"""What chat templates render differently."""


async def tokenizer(asker: Asker) -> Fact:
    """The token ids of each text, with and without special tokens."""
    found: dict[str, str | Unseen] = {}
    for name, text in TEXTS.items():
        found[name] = _shown(await asker.post("/tokenize", {"prompt": text, "add_special_tokens": False}))
    found["what is added"] = _shown(await asker.post("/tokenize", {"prompt": "a", "add_special_tokens": True}))
    return found


async def template(asker: Asker) -> Fact:
    """The text that each conversation becomes.

    The text and not the ids: where tokenizers differ, their ids do even for one template. A conversation that the
    template refuses is refused by its like, too.
    """
    found: dict[str, str | Unseen] = {}
    for name, body in CHATS.items():
        answer = await asker.post("/tokenize", body)
        found[name] = "refused" if answer.status == 400 else await _text(asker, answer)
    return found


async def _text(asker: Asker, answer: Answer) -> str | Unseen:
    tokens = ids(answer)
    if tokens is None:
        return answer.unseen()
    said = await asker.post("/detokenize", {"tokens": tokens})
    read = said.json()
    text = read.get("prompt") if isinstance(read, dict) else None
    return text if isinstance(text, str) else said.unseen()


def _shown(answer: Answer) -> str | Unseen:
    tokens = ids(answer)
    return " ".join(map(str, tokens)) if tokens is not None else answer.unseen()


def ids(answer: Answer) -> list[int] | None:
    """The token ids in an answer of `/tokenize`; None where there are none."""
    read = answer.json()
    tokens = read.get("tokens") if answer.status == 200 and isinstance(read, dict) else None
    whole = isinstance(tokens, list) and all(type(token) is int for token in tokens)
    return tokens if whole else None
