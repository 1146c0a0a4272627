"""What a server says of itself and of its engine, and how near it is. What only reads an answer is pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import median

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from proxy.doctor.asker import Asker
from proxy.doctor.fact import Answer, Fact, Unseen

ROUND_TRIPS = 7
LOGPROBS_PROMPT = "How much wood would a woodchuck chuck if a woodchuck could chuck wood? " * 8
"""Longer than a block of the KV cache, so that the second time it may come out of the cache."""


def health(answer: Answer) -> Fact:
    """Whether a server says that it is well. Any answer below 500 will do: others than vLLM may lack the path."""
    return {"health": "well" if answer.status < 500 else answer.unseen().why}


async def round_trip(asker: Asker, path: str, clock: Callable[[], float]) -> Fact:
    """How long the shortest question takes, in milliseconds: the way there and back."""
    times = []
    for _ in range(ROUND_TRIPS):
        begun = clock()
        answer = await asker.get(path)
        if not answer.status:
            return {"round trip": answer.unseen()}
        times.append((clock() - begun) * 1000)
    return {"round trip": f"{median(times):.1f} ms"}


def version(answer: Answer) -> Fact:
    """The server's version, from its `/version`."""
    match answer.json():
        case {"version": str(told)} if answer.status == 200:
            return {"version": told}
        case _:
            return {"version": answer.unseen()}


def names(listed: Answer, wanted: Mapping[str, str]) -> Fact:
    """Whether each model is served under the name by which this arm is asked for it (client's name to arm's)."""
    models = _models(listed)
    if models is None:
        return dict.fromkeys(wanted, listed.unseen())
    return {client: "served" if name in models else "not served" for client, name in wanted.items()}


def lengths(listed: Answer, wanted: Mapping[str, str]) -> Fact:
    """The longest context of each model, in tokens."""
    models = _models(listed)
    found: dict[str, str | Unseen] = {}
    for client, name in wanted.items():
        longest = (models or {}).get(name)
        found[client] = str(longest) if longest is not None else Unseen("it does not say its max_model_len")
    return found


def _models(listed: Answer) -> dict[str, int | None] | None:
    """Each model with its longest context, where that is told."""
    match listed.json():
        case {"data": list(rows)} if listed.status == 200:
            named = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
            return {row["id"]: _length(row.get("max_model_len")) for row in named}
        case _:
            return None


def _length(told: object) -> int | None:
    return told if type(told) is int else None


def families(page: Answer) -> Iterable[Metric] | Unseen:
    """The metrics of vLLM on a page; where there are none, why."""
    if page.status != 200:
        return page.unseen()
    try:
        read = [
            family
            for family in text_string_to_metric_families(page.body.decode())
            if family.name.startswith("vllm:")
        ]
    except (ValueError, KeyError, IndexError):
        return Unseen("its metrics cannot be read")
    return read or Unseen("its /metrics are not vLLM's")


def speculation(page: Answer) -> Fact:
    """Whether it drafts tokens, and how many: vLLM has these metrics only where it does."""
    found = families(page)
    if isinstance(found, Unseen):
        return {"drafted tokens": found}
    drafting = [family for family in found if family.name.startswith("vllm:spec_decode")]
    places = {s.labels["position"] for family in drafting for s in family.samples if "position" in s.labels}
    return {"drafted tokens": (str(len(places)) if places else "some") if drafting else "none"}


def cache(page: Answer, labels: Mapping[str, str]) -> Fact:
    """These labels of vLLM's `cache_config_info`, by what they are called here."""
    found = families(page)
    if isinstance(found, Unseen):
        return dict.fromkeys(labels, found)
    samples = [s.labels for family in found if family.name.startswith("vllm:cache_config") for s in family.samples]
    told: dict[str, str | Unseen] = {}
    for aspect, label in labels.items():
        values = sorted({sample[label] for sample in samples if label in sample})
        told[aspect] = ", ".join(values) if values else Unseen(f"its vllm:cache_config_info has no {label}")
    return told


async def prompt_logprobs(asker: Asker) -> Fact:
    """Whether a prompt asked twice has all its `prompt_logprobs` both times: a cached prefix may lack them."""
    asked = {"prompt": LOGPROBS_PROMPT, "max_tokens": 1, "prompt_logprobs": 0, "temperature": 0}
    counts = []
    for _ in range(2):
        answer = await asker.post("/v1/completions", asked)
        match answer.json():
            case {"choices": [{"prompt_logprobs": list(rows)}, *_]} if answer.status == 200:
                counts.append((sum(row is not None for row in rows), len(rows) - 1))
            case _:
                return {"prompt_logprobs": answer.unseen()}
    lacking = max(of - told for told, of in counts)
    return {"prompt_logprobs": "whole" if lacking <= 0 else f"{lacking} tokens without"}
