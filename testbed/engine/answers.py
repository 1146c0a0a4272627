"""Bodies of answers in the shape that vLLM gives them, whole and as stream events. Pure."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from testbed.engine.sampling import TokenLogprobs
from testbed.engine.scheduler import Delta
from testbed.engine.tokenizer import Tokenizer

DONE = b"data: [DONE]\n\n"
LOWEST = -9999.0


@dataclass(frozen=True)
class Header:
    """What every body and every event of one answer begins with."""

    kind: str
    model: str
    prefix: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    created: int = field(default_factory=lambda: int(time.time()))

    def event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        """One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
        kind = "chat.completion.chunk" if self.kind == "chat.completion" else self.kind
        return b"data: " + orjson.dumps(self._fields(kind) | {"choices": choices} | more) + b"\n\n"

    def body(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """The whole answer."""
        absent = dict.fromkeys(("service_tier", "kv_transfer_params", "ec_transfer_params", "metrics"))
        return self._fields(self.kind) | {"choices": choices} | more | absent

    def _fields(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"{self.prefix}-{self.id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
        }


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """The token counts of an answer; every choice's tokens count as completion."""
    return {"prompt_tokens": prompt, "total_tokens": prompt + completion, "completion_tokens": completion}


def usage_details(prompt: int, completion: int) -> dict[str, Any]:
    """The same in a whole answer, where vLLM also names the details that it does not have."""
    return usage(prompt, completion) | {"prompt_tokens_details": None, "completion_tokens_details": None}


def whole(deltas: Sequence[Delta]) -> Delta:
    """All deltas of one answer as one."""
    return Delta(
        text="".join(delta.text for delta in deltas),
        token_ids=[token for delta in deltas for token in delta.token_ids],
        logprobs=[entry for delta in deltas for entry in delta.logprobs],
        prompt_logprobs=deltas[0].prompt_logprobs,
        finish_reason=deltas[-1].finish_reason,
        stop_reason=deltas[-1].stop_reason,
    )


def chat_logprobs(tokenizer: Tokenizer, delta: Delta, shown: int) -> dict[str, Any]:
    """`logprobs` of a chat choice, with the `shown` best alternatives at each token."""
    content = []
    for token, entry in zip(delta.token_ids, delta.logprobs, strict=True):
        listed = list(entry.items())[:shown]
        top = [_chat_logprob(tokenizer, other, logprob.logprob) for other, logprob in listed]
        content.append(_chat_logprob(tokenizer, token, entry[token].logprob) | {"top_logprobs": top})
    return {"content": content}


def _chat_logprob(tokenizer: Tokenizer, token: int, logprob: float) -> dict[str, Any]:
    text = tokenizer.decode([token], skip_special=False)
    return {"token": text, "logprob": max(logprob, LOWEST), "bytes": list(text.encode())}


def completion_logprobs(
    tokenizer: Tokenizer, tokens: Sequence[int], entries: Sequence[TokenLogprobs | None], shown: int, offset: int
) -> dict[str, Any]:
    """`logprobs` of a completion choice; `offset` is where in the text the first token begins."""
    texts = [tokenizer.decode([token], skip_special=False) for token in tokens]
    offsets = [offset]
    for text in texts[:-1]:
        offsets.append(offsets[-1] + len(text))
    return {
        "text_offset": offsets[: len(texts)],
        "token_logprobs": [
            None if entry is None else max(entry[token].logprob, LOWEST)
            for token, entry in zip(tokens, entries, strict=True)
        ],
        "tokens": texts,
        "top_logprobs": [None if entry is None else _by_text(tokenizer, entry, shown + 1) for entry in entries],
    }


def _by_text(tokenizer: Tokenizer, entry: TokenLogprobs, shown: int) -> dict[str, float]:
    listed = list(entry.items())[:shown]
    return {tokenizer.decode([t], skip_special=False): max(lp.logprob, LOWEST) for t, lp in listed}


def prompt_logprobs(tokenizer: Tokenizer, delta: Delta) -> list[dict[str, Any] | None] | None:
    """The `prompt_logprobs` of vLLM: null for the first token, then `{id: {logprob, rank, decoded_token}}`."""
    if delta.prompt_logprobs is None:
        return None
    return [None, *(_by_id(tokenizer, entry) for entry in delta.prompt_logprobs)]


def _by_id(tokenizer: Tokenizer, entry: TokenLogprobs) -> dict[str, Any]:
    return {
        str(token): {
            "logprob": max(logprob.logprob, LOWEST),
            "rank": logprob.rank,
            "decoded_token": tokenizer.decode([token], skip_special=False),
        }
        for token, logprob in entry.items()
    }
