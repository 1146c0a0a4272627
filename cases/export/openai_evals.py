"""OpenAI evals: samples, a registry entry and the class it names.

https://github.com/openai/evals/blob/main/docs/build-eval.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from cases.export.files import CHECKS, carried, json_lines
from cases.export.item import FORMS, Item, UnfitError

EVAL = "slipgauge-cases"
MODEL = "slipgauge"
"""Stands for whatever model `--completion_args model=NAME` names."""


def files(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
    """The samples under the registry's data, its entries, the class, and the judge that this imports."""
    entry = {
        EVAL: {"id": f"{EVAL}.dev.v0", "metrics": ["accuracy"], "description": "Cases kept by Slipgauge"},
        f"{EVAL}.dev.v0": {"class": "slipgauge_eval:Checked", "args": {"samples_jsonl": f"{EVAL}/samples.jsonl"}},
    }
    model = {MODEL: {"class": "slipgauge_eval:Model", "args": {"model": MODEL}}}
    return {
        f"registry/completion_fns/{MODEL}.yaml": yaml.safe_dump(model, sort_keys=False).encode(),
        f"registry/evals/{EVAL}.yaml": yaml.safe_dump(entry, sort_keys=False).encode(),
        f"registry/data/{EVAL}/samples.jsonl": json_lines(rows),
        "slipgauge_eval.py": carried("slipgauge_eval.py"),
        CHECKS: carried(CHECKS),
    }


def row(item: Item) -> dict[str, Any]:
    """One case as a sample; raises UnfitError."""
    if form := sorted(FORMS & item.parameters.keys()):
        raise UnfitError(f"needs {form[0]}, which this tool cannot send for one case alone")
    sample = {
        "input": item.messages,
        "parameters": {"temperature": 0.0} | ({"max_tokens": item.max_tokens} if item.max_tokens else {}),
        "checks": item.checks,
        "reference": item.reference,
        "metadata": item.metadata,
    }
    return sample if item.gold is None else {**sample, "ideal": item.gold}
