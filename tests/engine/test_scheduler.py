from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testbed.engine.generate import generate
from testbed.engine.grammar import Grammars
from testbed.engine.model import Model
from testbed.engine.sampling import SamplingParams
from testbed.engine.scheduler import Delta, Scheduler, Sequence
from testbed.engine.text import AnswerText
from testbed.engine.tokenizer import Tokenizer
from tests.engine.random_model import VOCAB

PROMPTS = [[5, 77, 31], [9, 9, 200, 14, 3, 250, 8], [300], [41, 42, 43, 44, 45], [60, 61]]
Make = Callable[..., tuple[Sequence, list[Delta]]]


@pytest.fixture
def tokenizer(model_dir: Path) -> Tokenizer:
    return Tokenizer(model_dir, VOCAB)


@pytest.fixture
def make(tokenizer: Tokenizer) -> Make:
    """A sequence and the list into which its deltas go."""

    def made(prompt: list[int], **options: Any) -> tuple[Sequence, list[Delta]]:
        got: list[Delta] = []
        params = SamplingParams(**{"seed": 1, "temperature": 0.0, "ignore_eos": True, **options})
        text = AnswerText(tokenizer)
        return Sequence(prompt, params, text, tokenizer.eos_ids, got.append), got

    return made


def run(scheduler: Scheduler, steps: int = 1000) -> None:
    while scheduler.busy and steps:
        scheduler.step()
        steps -= 1


def test_requests_that_come_and_go_get_the_tokens_they_get_alone(model: Model, make: Make) -> None:
    scheduler = Scheduler(model, slots=3, step_tokens=8)
    answers = []
    for index, prompt in enumerate(PROMPTS):
        sequence, got = make(prompt, max_tokens=10 + 7 * index % 20)
        answers.append((sequence, got))
        scheduler.add(sequence)
        scheduler.step()
    run(scheduler)
    for sequence, got in answers:
        (alone,) = generate(model, [sequence.prompt], sequence.params.max_tokens)
        assert [delta.token_ids for delta in got] == [alone]
        assert got[0].finish_reason == "length"
    assert scheduler.kv_usage == 0
    assert scheduler.stats.generation_tokens == sum(s.params.max_tokens for s, _ in answers)


def test_seeded_samples_do_not_depend_on_the_batch(model: Model, make: Make) -> None:
    def sampled(prompts: list[list[int]]) -> list[list[int]]:
        scheduler = Scheduler(model, slots=8, step_tokens=64)
        answers = [make(prompt, seed=40 + len(prompt), temperature=1.5, max_tokens=12) for prompt in prompts]
        for sequence, _ in answers:
            scheduler.add(sequence)
        run(scheduler)
        return [got[0].token_ids for _, got in answers]

    assert sampled(PROMPTS) == [sampled([prompt])[0] for prompt in PROMPTS]


def test_no_more_run_than_there_are_slots_and_prompts_join_within_the_budget(model: Model, make: Make) -> None:
    scheduler = Scheduler(model, slots=2, step_tokens=4)
    for prompt in PROMPTS:
        scheduler.add(make(prompt, max_tokens=3)[0])
    scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (1, 4)  # 3 + 7 tokens exceed the budget
    scheduler.step()
    assert (len(scheduler.running), len(scheduler.waiting)) == (2, 3)  # over budget, but at least one joins
    run(scheduler)
    assert scheduler.stats.finished["length"] == len(PROMPTS)


def test_an_aborted_sequence_is_gone_at_once_and_the_others_go_on(model: Model, make: Make) -> None:
    scheduler = Scheduler(model, slots=2, step_tokens=64)
    made = [make(prompt, max_tokens=9) for prompt in PROMPTS[:3]]
    for sequence, _ in made:
        scheduler.add(sequence)
    scheduler.step()
    scheduler.abort(made[0][0])
    scheduler.abort(made[2][0])  # still waiting
    assert (len(scheduler.running), len(scheduler.waiting)) == (1, 0)
    run(scheduler)
    scheduler.abort(made[1][0])  # finished: nothing to abort
    assert scheduler.stats.finished == {"stop": 0, "length": 1, "abort": 2, "error": 0}
    assert [got for _, got in (made[0], made[2])] == [[], []]
    assert made[1][1][0].token_ids == generate(model, [PROMPTS[1]], 9)[0]


def test_end_of_text_ends_the_answer_and_is_counted(model: Model, make: Make) -> None:
    (free,) = generate(model, [PROMPTS[0]], 12)
    sequence, got = make(PROMPTS[0], max_tokens=12, ignore_eos=False)
    sequence.eos_ids = frozenset([free[5]])
    scheduler = Scheduler(model, slots=2, step_tokens=64)
    scheduler.add(sequence)
    run(scheduler)
    end = free.index(free[5])
    assert (got[0].finish_reason, got[0].stop_reason) == ("stop", None)
    assert got[0].token_ids == free[: end + 1]
    stopped, told = make(PROMPTS[0], max_tokens=12, stop_ids=frozenset([free[5]]))
    scheduler.add(stopped)
    run(scheduler)
    assert (told[0].finish_reason, told[0].stop_reason) == ("stop", free[5])


def test_prompt_logprobs_of_an_answer_fed_back_equal_its_own_logprobs(model: Model, make: Make) -> None:
    scheduler = Scheduler(model, slots=4, step_tokens=64)
    sequence, got = make(PROMPTS[1], max_tokens=10, logprobs=3, temperature=1.0)
    scheduler.add(sequence)
    scheduler.add(make(PROMPTS[0], max_tokens=4)[0])
    run(scheduler)
    fed, scored = make([*PROMPTS[1], *got[0].token_ids], max_tokens=1, prompt_logprobs=3)
    scheduler.add(make(PROMPTS[3], max_tokens=4)[0])
    scheduler.add(fed)
    run(scheduler)
    assert scored[0].prompt_logprobs is not None
    tail = scored[0].prompt_logprobs[-10:]
    assert len(scored[0].prompt_logprobs) == len(fed.prompt) - 1
    for token, own, again in zip(got[0].token_ids, got[0].logprobs, tail, strict=True):
        assert own[token].logprob == pytest.approx(again[token].logprob, abs=1e-3)
        assert own[token].rank == again[token].rank


def test_a_constrained_answer_keeps_raw_logprobs(model: Model, make: Make, tokenizer: Tokenizer) -> None:
    sequence, got = make(PROMPTS[0], max_tokens=8, logprobs=0, ignore_eos=False)
    sequence.constraint = Grammars(tokenizer, VOCAB).choice(["yes"])
    scheduler = Scheduler(model, slots=1, step_tokens=64)
    scheduler.add(sequence)
    run(scheduler)
    assert got[0].text == "yes"
    assert got[0].finish_reason == "stop"
    assert all(
        np.isfinite(entry[token].logprob) for token, entry in zip(got[0].token_ids, got[0].logprobs, strict=True)
    )
    assert sum(entry[token].logprob for token, entry in zip(got[0].token_ids, got[0].logprobs, strict=True)) < -1
