"""Serve one of the testbed's models by vLLM on a CPU, in the way that tests and demos here want it.

    python -m testbed.vllm_server MODEL_DIR --port 8001 --served-model-name slipgauge-tiny

vLLM lives in a virtual environment of its own (`make install-vllm`). This process becomes vLLM's, so its
process id and its end are vLLM's own. Further arguments are passed on and win over those here:
https://docs.vllm.ai/en/latest/cli/serve/
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PYTHON = Path(__file__).parents[1] / ".venv-vllm" / "bin" / "python"

ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # by default every server would bind itself to the first core
    "VLLM_CPU_INT4_W4A8": "0",  # W4A16 on every CPU; by default those with AMX would round activations to int8
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONDONTWRITEBYTECODE": "",  # three processes import the same 20 seconds of modules: keep them compiled
}


def command(model: Path, port: int, name: str, more: Sequence[str] = ()) -> list[str]:
    """The command line of vLLM's OpenAI-compatible server on loopback.

    `python -m` rather than `vllm serve`: that looks up the metadata of a package named vllm, which the
    CPU build, vllm-cpu, has not.
    """
    return [
        *(str(PYTHON), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "bfloat16", "--max-model-len", "1024", "--enforce-eager"),
        *("--generation-config", "vllm"),  # sampling defaults from vLLM, not from each model's own files
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        *more,
    ]


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` with what vLLM needs."""
    return {**base, **ENVIRONMENT}


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the server."""
    parser = argparse.ArgumentParser(prog="python -m testbed.vllm_server", description=__doc__)
    parser.add_argument("model", type=Path, help="a model directory, such as testbed/models/fp16")
    parser.add_argument("--port", type=int, required=True, help="the port on 127.0.0.1")
    parser.add_argument("--served-model-name", default="slipgauge-tiny", help="what clients call the model")
    known, more = parser.parse_known_args(arguments)
    if not PYTHON.exists():
        sys.exit("vLLM is not installed; `make install-vllm` does it")
    line = command(known.model, known.port, known.served_model_name, more)
    os.execve(line[0], line, environment(os.environ))  # noqa: S606 (no shell is meant)


if __name__ == "__main__":
    main()
