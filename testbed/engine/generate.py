"""Greedy generation for a list of prompts, without a server."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.engine.model import KVSlots, Model


def generate(
    model: Model,
    prompts: Sequence[Sequence[int]],
    max_tokens: int,
    *,
    stop_ids: Sequence[int] = (),
    slots: int = 48,
) -> list[list[int]]:
    """The greedy continuation of each prompt, in order, ending before a token of `stop_ids`.

    Prompts are batched continuously, `slots` at a time. A continuation also ends after `max_tokens`
    or where the model's context is full. Raises ValueError for a prompt that is empty or fills the context.
    """
    if any(not 0 < len(prompt) < model.config.max_len for prompt in prompts):
        raise ValueError(f"every prompt must have 1 to {model.config.max_len - 1} tokens")
    answers: list[list[int]] = [[] for _ in prompts]
    if max_tokens < 1:
        return answers
    waiting = list(range(len(prompts)))[::-1]
    running: list[int] = []
    kv = KVSlots(model.config, slots)
    while waiting or running:
        joining = [waiting.pop() for _ in range(min(len(waiting), kv.capacity - len(running), 8))]
        hidden = model.step(kv, [answers[i][-1] for i in running], [prompts[i] for i in joining])
        running += joining
        for index, token in zip(running, model.logits(hidden).argmax(axis=1).tolist(), strict=True):
            answers[index].append(token)
        for slot in reversed(range(len(running))):
            answer = answers[running[slot]]
            stopped = answer[-1] in stop_ids
            if stopped or len(answer) == max_tokens or kv.lengths[slot] == kv.keys.shape[3]:
                moved = kv.release(slot)
                running[slot] = running[moved]
                running.pop()
                if stopped:
                    answer.pop()
    return answers
