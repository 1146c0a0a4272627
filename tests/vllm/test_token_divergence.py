"""Token-level evidence on real vLLM: the model that slips is further from fp16, most where numbers differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.token_divergence.divergence import FIGURES
from benchmarks import divergence
from benchmarks.divergence import CANDIDATES
from proxy.demo import arms
from proxy.demo.arms import Server
from tests.vllm.conftest import READY_TIMEOUT

COUNT = 80
"""Sums; half as many requests of all kinds."""


@pytest.mark.timeout(READY_TIMEOUT, func_only=True)
async def test_the_slipping_model_is_further_away_most_of_all_where_its_numbers_differ(
    baseline: Server, candidate: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(arms.READY_TIMEOUT, "vllm", READY_TIMEOUT)
    async with arms.serving("vllm", {"steady": arms.MODELS / "int4-steady"}, tmp_path) as (steady,):
        urls = {"fp16": baseline.url, "steady": steady.url, "slipping": candidate.url}
        shown = divergence.show(await divergence.measured(urls, COUNT))
    for kind in ("sums", "mix"):
        near, far = (shown["figures"][f"{kind} {name}"] for name in CANDIDATES)
        assert near["pairs"] > COUNT / 4
        for figure in FIGURES[:3]:
            assert near[figure] < far[figure] / 4
    area, low, _, differ = shown["auc"]["both"]
    assert differ > COUNT / 4
    assert low > 0.9, area
    same, other = (shown["disagreements"][f"fp16 and steady, {seed} seed"][0] for seed in ("same", "other"))
    assert same < other
