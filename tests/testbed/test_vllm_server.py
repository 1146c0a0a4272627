"""The launcher becomes vLLM's process; a stand-in for its interpreter tells how it was started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from testbed import vllm_server

STAND_IN = f"""#!{sys.executable}
import json, os, sys
print(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ), "pid": os.getpid()}}))
"""


def test_it_becomes_the_server_on_loopback(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(STAND_IN)
    python.chmod(0o755)
    code = (
        "from pathlib import Path; from testbed import vllm_server as v;"
        f"v.PYTHON = Path({str(python)!r}); v.main(['models/fp16', '--port', '8001', '--max-model-len', '512'])"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        told = json.loads(process.communicate()[0])
    assert told["pid"] == process.pid
    assert told["arguments"][:2] == ["-m", "vllm.entrypoints.openai.api_server"]
    options = told["arguments"][2:]
    assert options[options.index("--model") + 1] == "models/fp16"
    assert options[options.index("--host") + 1] == "127.0.0.1"
    assert options[options.index("--port") + 1] == "8001"
    assert options[options.index("--served-model-name") + 1] == "slipgauge-tiny"
    assert options[-2:] == ["--max-model-len", "512"]  # the last one counts
    assert told["environment"]["VLLM_NO_USAGE_STATS"] == "1"
    assert "PATH" in told["environment"]


def test_without_vllm_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_server, "PYTHON", tmp_path / "absent")
    with pytest.raises(SystemExit, match="make install-vllm"):
        vllm_server.main(["models/fp16", "--port", "8001"])
