"""LiteLLM's proxy with `silent_model`, where a `litellm` command is found.

Install it by `pip install 'litellm[proxy]'` in a venv of its own, and put that on the PATH. It writes answers anew,
so that they are not the server's bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from benchmarks.messages import MODEL
from benchmarks.peers.peer import Peer
from benchmarks.process import Process, free_ports


def litellm_program() -> str | None:
    """Where LiteLLM's command is, or None."""
    return shutil.which("litellm")


class LiteLLM(Peer):
    """Raises FileNotFoundError where it is not installed, and ValueError for a share that it cannot do."""

    name = "litellm"

    def __init__(self, folder: Path, baseline: int, candidate: int, share: float) -> None:
        program = litellm_program()
        if program is None:
            raise FileNotFoundError("litellm is not installed")
        if share != 1.0:
            raise ValueError("silent_model takes every request")
        [port] = free_ports(1)

        def deployment(name: str, port: int, **more: str) -> dict[str, Any]:
            where = {"model": f"openai/{MODEL}", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "none"}
            return {"model_name": name, "litellm_params": where | more}

        models = [deployment(MODEL, baseline, silent_model="silent"), deployment("silent", candidate)]
        config = folder / "litellm.yaml"
        keyless = {"dangerously_permit_weak_or_unset_master_key": True}  # loopback, and nothing to protect
        config.write_text(yaml.safe_dump({"model_list": models, "general_settings": keyless}))
        command = [program, "--config", config, "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        super().__init__(Process(command, port, folder / "litellm.log"), port)
