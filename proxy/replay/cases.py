"""A kept case as a recorded pair: what `slipgauge cases export` writes is what `slipgauge replay` reads."""

from __future__ import annotations

import re
from typing import Any

import orjson

from analyzers.pair import Capture, CapturedPair, Choice, End
from cases.case import Answer, Case

ANSWERED_IN = "/chat/completions"
"""Cases of this API have their answers read back; those of others are sent again."""
_NOT_KEPT = re.compile(rb'"<(?:tokens|[\w.+-]{1,64}/[\w.+-]{1,64}|wav|mp3|data): [0-9]+(?: bytes)?>"')


class UnfitError(ValueError):
    """A case that cannot be replayed; the message says why."""


def recorded(case: Case) -> CapturedPair:
    """The pair of a case. Raises UnfitError where its request is not what was asked."""
    body = orjson.dumps(case.request)
    if not case.texts:
        raise UnfitError("no texts are kept of it")
    if _NOT_KEPT.search(body):
        raise UnfitError("it had images, sound, files or token numbers, which are not kept")
    return CapturedPair(
        pair_id=case.pair_id,
        session=case.session,
        primary="baseline",
        path=case.path,
        body=body,
        baseline=_capture(case.path, case.baseline),
        candidate=_capture(case.path, case.candidate),
        repeat=None if case.repeat is None else _capture(case.path, case.repeat),
        headers=case.headers,
    )


def _capture(path: str, answer: Answer) -> Capture:
    if not path.endswith(ANSWERED_IN):
        return Capture(End.ABORTED)
    usage = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    choices = [_choice(number, choice) for number, choice in enumerate(answer.choices)]
    body = orjson.dumps({"choices": choices, "usage": usage})
    return Capture(End(answer.end), answer.status, "application/json", body=body, duration=answer.duration)


def _choice(number: int, choice: Choice) -> dict[str, Any]:
    calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for place, call in enumerate(choice.tool_calls)
    ]
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    if choice.refusal:
        message["refusal"] = choice.refusal
    if calls:
        message["tool_calls"] = calls
    return {"index": number, "message": message, "finish_reason": choice.finish_reason or None}
