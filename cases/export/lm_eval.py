"""lm-evaluation-harness: a task of its own.

https://github.com/EleutherAI/lm-evaluation-harness/blob/main/docs/new_task_guide.md

A task sends one user message a row, with the same parameters for all, so only such cases are in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import yaml

from cases.export.files import CHECKS, carried, json_lines
from cases.export.item import Item

TASK = "slipgauge_cases"
TOKENS = 1_024
"""Where a case sets no limit to its answer."""


def row(item: Item) -> dict[str, Any]:
    """One case; raises UnfitError."""
    return {
        "id": item.id,
        "prompt": item.alone,
        "gold": item.gold or "",
        "reference": item.reference,
        "checks": orjson.dumps(item.checks).decode(),  # as text: columns have one type each
        "metadata": orjson.dumps(item.metadata).decode(),
        "max_tokens": item.max_tokens or TOKENS,
    }


def files(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
    """The rows, the task, and the judge it names."""
    longest = max((row["max_tokens"] for row in rows), default=TOKENS)
    task = {
        "task": TASK,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{TASK}.jsonl"}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "gold",
        "generation_kwargs": {"until": [], "do_sample": False, "temperature": 0, "max_gen_toks": longest},
        "metric_list": [{"metric": "passed", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1.0},
    }
    written = yaml.safe_dump(task, sort_keys=False, allow_unicode=True)
    judge = f"process_results: !function {CHECKS.removesuffix('.py')}.lm_eval_results\n"
    return {
        f"{TASK}.yaml": (written + judge).encode(),
        f"{TASK}.jsonl": json_lines(rows),
        CHECKS: carried(CHECKS),
    }
