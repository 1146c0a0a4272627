from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.cli.ending import VERDICT_CODES
from verdict.judge import State

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)])
def test_every_command_has_help(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_a_good_config_is_good() -> None:
    result = CliRunner().invoke(main, ["check-config", str(ROOT / "config.yaml")])

    (warning,) = result.stderr.splitlines()
    assert result.exit_code == 0
    assert warning.startswith("warning: clients.identity: is left out")
    assert result.stdout.endswith("config.yaml: good\n")


def test_a_bad_config_goes_to_standard_error(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("listen: 1")
    result = CliRunner().invoke(main, ["check-config", str(path)])

    assert (result.exit_code, result.stdout) == (2, "")
    assert "listen: found 1, should be host and port" in result.stderr


def test_a_bad_config_is_told_as_json(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("listen: 1")
    result = CliRunner().invoke(main, ["check-config", "--json", str(path)])
    told = orjson.loads(result.stdout)

    assert (result.exit_code, result.stderr) == (2, "")
    assert told["valid"] is False
    message = "found 1, should be host and port, such as 127.0.0.1:8080"
    assert {"path": "listen", "message": message} in told["problems"]


@pytest.mark.parametrize("arguments", [["nothing"], ["run", "--nothing"], ["demo", "--candidate", "none"]])
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_every_verdict_has_its_exit_code() -> None:
    assert {State(name): code for name, code in VERDICT_CODES.items()} == {
        State.PASS: 0,
        State.FAIL: 3,
        State.INCONCLUSIVE: 4,
        State.NO_DATA: 4,
    }
