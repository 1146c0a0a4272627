"""What only servers can tell, from the runs of `benchmarks.divergence` whose figures are kept in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from analyzers.finding import Analyzer
from analyzers.math_consensus import MathConsensus
from analyzers.token_divergence import TokenDivergence
from analyzers.token_divergence.divergence import FIGURES
from analyzers_report.section import Section
from benchmarks.figures import table

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
ENGINES = {"embedded": "the testbed's engine", "vllm": "vLLM 0.32 on a CPU"}
MEASURED = """\
On the testbed's models, fp16 beside the int4 file that should pass (steady) and the one that should not
(slipping), as printed by `python -m benchmarks.divergence [--engine vllm]`; the runs' figures are in
`benchmarks/results/quoted-divergence-*.json`."""


def divergence() -> Section:
    """Figures, how they rank, and what sharing seeds does."""
    parts = []
    for engine, named in ENGINES.items():
        found = _run(engine)
        lines = [
            (of, f"{each['pairs']}", *(f"{each[figure]:.4f}" for figure in FIGURES))
            for of, each in found["figures"].items()
        ]
        areas = [
            (of, f"{differ}", f"{area:.3f} ({low:.3f}–{high:.3f})")
            for of, (area, low, high, differ) in found["auc"].items()
        ]
        rates = [
            (legs, f"{of_numbers:.1%}", f"{texts:.1%}")
            for legs, (of_numbers, texts) in found["disagreements"].items()
        ]
        parts += [
            f"By {named}, means of the figures:",
            table(("requests, candidate", "pairs", *FIGURES), lines),
            "How well `log_likelihood_ratio` tells the sums whose final numbers differ:",
            table(("candidate", "numbers differ", "AUC (95 %)"), areas),
            "What seeds do at temperature 1 (`mirror.coupled_seed` gives every leg the same):",
            table(("legs", "numbers differ", "texts differ"), rates),
        ]
    return _section(TokenDivergence(), "\n\n".join(parts))


def consensus() -> Section:
    """How true what it says is, where answers differ."""
    lines = []
    for engine, named in ENGINES.items():
        for candidate, each in _run(engine)["consensus"].items():
            said = each.get("true", 0) + each.get("untrue", 0)
            truth = f"{each.get('true', 0)} of {said}"
            lines.append(
                (
                    f"{named}, {candidate}",
                    *(str(each.get(k, 0)) for k in ("pairs", "agree", "settled", "unsettled")),
                    truth,
                )
            )
    columns = ("word problems", "pairs", "agree", "settled", "unsettled", "said truly of an answer")
    return _section(MathConsensus(), table(columns, lines))


def _run(engine: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((RESULTS / f"quoted-divergence-{engine}.json").read_bytes())
    return found


def _section(analyzer: Analyzer, further: str) -> Section:
    return Section(analyzer, MEASURED, {}, (), further)
