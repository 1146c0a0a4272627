"""The class of an export for OpenAI evals.

In its folder, with OPENAI_BASE_URL and OPENAI_API_KEY set:
`PYTHONPATH=. oaieval slipgauge slipgauge-cases --registry_path registry --completion_args model=NAME`.
"""

import random
from typing import Any

import evals
import evals.metrics
from evals.completion_fns.openai import OpenAIChatCompletionFn
from evals.record import RecorderBase
from slipgauge_checks import judge


class Model(OpenAIChatCompletionFn):
    """The model that `--completion_args model=NAME` names, at OPENAI_BASE_URL."""

    def __init__(self, registry: object = None, **arguments: Any) -> None:
        super().__init__(**arguments)


class Checked(evals.Eval):
    """Asks each sample once, and judges the answer by its own checks."""

    def eval_sample(self, sample: dict[str, Any], rng: random.Random) -> None:
        """Ask and judge one."""
        said = self.completion_fn(prompt=sample["input"], **sample["parameters"]).get_completions()[0]
        passed, why = judge(sample["checks"], said)
        evals.record.record_match(passed, expected=sample.get("ideal", ""), picked=said, why=why)

    def run(self, recorder: RecorderBase) -> dict[str, float]:
        """All of them: the share that passed."""
        self.eval_all_samples(recorder, self.get_samples())
        return {"accuracy": evals.metrics.get_accuracy(recorder.get_events("match"))}
