"""A pair as a case keeps it: request, headers and every answer redacted with the same pseudonyms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from analyzers.pair import Choice, End, Exchange, Pair, Request, ToolCall, Usage
from cases.case import Answer, Case
from cases.redaction.body import changed_body, without_data
from cases.redaction.own import Find
from cases.redaction.shape import shape, word
from cases.redaction.texts import Texts


class Parts(NamedTuple):
    """The parts of a `Case` that hold words, under its names: `Case(**parts._asdict(), …)`."""

    request: Mapping[str, Any]
    headers: Mapping[str, str]
    baseline: Answer
    candidate: Answer
    repeat: Answer | None
    redacted: Mapping[str, int]
    """How many spans were replaced, by kind."""
    texts: bool


def redact(pair: Pair, own: Find | None = None, *, store_text: bool = True) -> Parts:
    """What may be kept of a pair; without `store_text` its shape alone, every text empty.

    `own` finds further spans (`cases.redaction.own`). Raises RedactorError where that fails: the pair is then not
    to be kept. Takes time in proportion to the texts.
    """
    if not store_text:
        request, headers = shape(pair.request.body), dict.fromkeys(pair.request.headers, "")
        baseline, candidate = (_answer(each, _nothing, word) for each in (pair.baseline, pair.candidate))
        repeat = None if pair.repeat is None else _answer(pair.repeat, _nothing, word)
        return Parts(request, headers, baseline, candidate, repeat, {}, texts=False)
    texts = Texts(own)
    _parts(pair, texts.read, lambda _, value: texts.read(value))
    request, headers, baseline, candidate, repeat = _parts(pair, texts.redacted, texts.name)
    return Parts(request, headers, baseline, candidate, repeat, texts.replaced, texts=True)


def redact_again(case: Case, own: Find | None = None, *, store_text: bool = True) -> Case:
    """A case from elsewhere, as if it had been made here: what was redacted stays, and what was not goes.

    It says itself whether it has texts, and is not believed.
    """
    request = Request(case.path, case.request, case.headers)
    repeat = None if case.repeat is None else _exchange(case.repeat)
    pair = Pair(case.pair_id, request, _exchange(case.baseline), _exchange(case.candidate), repeat)
    if not (case.texts and store_text):
        return replace(case, **redact(pair, store_text=False)._replace(redacted=case.redacted)._asdict())
    parts = redact(pair, own)
    if not parts.redacted:
        return case
    counts = Counter(case.redacted) + Counter(parts.redacted)
    return replace(case, **parts._replace(redacted=dict(sorted(counts.items())))._asdict())


def _parts(
    pair: Pair, change: Callable[[str], str], name: Callable[[str, str], str]
) -> tuple[dict[str, Any], dict[str, str], Answer, Answer, Answer | None]:
    """Everything that holds words, `change`d, always in the same order."""
    return (
        changed_body(pair.request.body, change, name),
        {key: change(value) for key, value in pair.request.headers.items()},
        _answer(pair.baseline, change, change),
        _answer(pair.candidate, change, change),
        None if pair.repeat is None else _answer(pair.repeat, change, change),
    )


def _exchange(answer: Answer) -> Exchange:
    return Exchange(
        End(answer.end),
        answer.status,
        answer.choices,
        Usage(answer.prompt_tokens, answer.completion_tokens),
        first_token=answer.first_token,
        duration=answer.duration,
    )


def _answer(exchange: Exchange, change: Callable[[str], str], reason: Callable[[str], str]) -> Answer:
    return Answer(
        end=exchange.end.value,
        status=exchange.status,
        choices=tuple(_choice(choice, change, reason) for choice in exchange.choices),
        prompt_tokens=exchange.usage.prompt_tokens,
        completion_tokens=exchange.usage.completion_tokens,
        first_token=exchange.first_token,
        duration=exchange.duration,
    )


def _nothing(_: str) -> str:
    return ""


def _choice(choice: Choice, change: Callable[[str], str], reason: Callable[[str], str]) -> Choice:
    def whole(text: str) -> str:
        return change(without_data(text))

    return replace(
        choice,
        text=whole(choice.text),
        refusal=whole(choice.refusal),
        tool_calls=tuple(ToolCall(whole(call.name), whole(call.arguments)) for call in choice.tool_calls),
        finish_reason=reason(choice.finish_reason),
    )
