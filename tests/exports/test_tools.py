"""The exported files run in the tools they are for, and the slipping model scores lower there than fp16.

`make test-exports` installs the tools; where they are not, the tests say so and are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import pytest_asyncio

from cases.export import Export, write
from proxy.demo.arms import MODEL
from tests.exports.stand import Stand, standing

VENV = Path(__file__).parents[2] / ".venv-exports"
INSPECT, LM_EVAL = VENV / "bin" / "inspect", VENV / "bin" / "lm_eval"
PROMPTFOO = VENV / "node" / "node_modules" / "promptfoo" / "dist" / "src" / "main.js"
CASES = 200
CLEARLY = 0.08
"""At least so much of the 12 to 15 points that the slipping model loses (docs/export.md) must show."""
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
}
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


def needs(program: Path) -> pytest.MarkDecorator:
    there = program.exists() and (program.suffix != ".js" or which("node") is not None)
    return pytest.mark.skipif(not there, reason=f"{program.name} is not installed; `make test-exports` does it")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    async with standing(CASES, tmp_path_factory.mktemp("logs")) as both:
        yield both


def exported(name: str, stand: Stand, folder: Path) -> Export:
    export = write(name, stand.cases)
    for file, body in export.files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(body)
    return export


async def run(folder: Path, *command: str | Path, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=folder,
        env={**os.environ, **QUIET, "HF_HOME": str(folder / "hf"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode in (0, 100), told.decode()[-4_000:]  # promptfoo ends with 100 where a test failed


def only(folder: Path, pattern: str) -> Any:
    (file,) = folder.rglob(pattern)
    return json.loads(file.read_text())


def shown(tool: str, export: Export, scores: Mapping[str, float]) -> None:
    """The figures of docs/export.md."""
    told = f"{tool}: {export.cases} of {CASES} cases, fp16 {scores['baseline']:.1%}, int4 {scores['candidate']:.1%}"
    print(told)  # noqa: T201 - it is what `make test-exports` is for
    assert scores["candidate"] < scores["baseline"] - CLEARLY
    assert scores["baseline"] > 0.8


@needs(INSPECT)
async def test_inspect_runs_the_export(stand: Stand, tmp_path: Path) -> None:
    export, scores = exported("inspect", stand, tmp_path), {}
    for arm in ("baseline", "candidate"):
        logs = tmp_path / arm
        await run(
            tmp_path,
            *(INSPECT, "eval", "slipgauge_task.py", "--model", f"openai-api/slipgauge/{MODEL}"),
            *("--display", "none", "--log-dir", logs, "--log-format", "json", "--max-connections", "8"),
            SLIPGAUGE_BASE_URL=f"{getattr(stand, arm)}/v1",
            SLIPGAUGE_API_KEY="none",
        )
        log = only(logs, "*.json")
        assert log["status"] == "success"
        assert log["results"]["completed_samples"] == export.cases == CASES
        scores[arm] = log["results"]["scores"][0]["metrics"]["accuracy"]["value"]
    shown("inspect-ai", export, scores)


@needs(LM_EVAL)
async def test_lm_eval_runs_the_export(stand: Stand, tmp_path: Path) -> None:
    export, scores = exported("lm-eval", stand, tmp_path), {}
    for arm in ("baseline", "candidate"):
        model = f"base_url={getattr(stand, arm)}/v1/chat/completions,model={MODEL}"
        await run(
            tmp_path,
            *(LM_EVAL, "run", "--include_path", ".", "--tasks", "slipgauge_cases", "--apply_chat_template"),
            *("--model", "local-chat-completions", "--output_path", tmp_path / arm),
            *("--model_args", f"{model},num_concurrent=8,tokenizer_backend=None"),
        )
        results = only(tmp_path / arm, "results_*.json")
        assert results["n-samples"]["slipgauge_cases"]["effective"] == export.cases
        scores[arm] = results["results"]["slipgauge_cases"]["passed,none"]
    assert export.cases > CASES / 2
    shown("lm-eval", export, scores)


@needs(PROMPTFOO)
async def test_promptfoo_runs_the_export(stand: Stand, tmp_path: Path) -> None:
    export, scores = exported("promptfoo", stand, tmp_path), {}
    await run(
        tmp_path,
        *("node", PROMPTFOO, "eval", "-c", "promptfooconfig.yaml", "--no-cache", "--no-table"),
        *("--no-progress-bar", "-j", "8", "-o", tmp_path / "results.json"),
        PROMPTFOO_CONFIG_DIR=str(tmp_path / "home"),
        SLIPGAUGE_BASELINE=f"{stand.baseline}/v1",
        SLIPGAUGE_CANDIDATE=f"{stand.candidate}/v1",
        SLIPGAUGE_MODEL=MODEL,
        SLIPGAUGE_KEY="none",
    )
    for prompt in only(tmp_path, "results.json")["results"]["prompts"]:
        metrics = prompt["metrics"]
        assert metrics["testErrorCount"] == 0
        assert metrics["testPassCount"] + metrics["testFailCount"] == export.cases
        scores[prompt["provider"]] = metrics["testPassCount"] / export.cases
    assert export.cases == CASES
    shown("promptfoo", export, scores)
