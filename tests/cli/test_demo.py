from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from click.testing import CliRunner

from proxy.cli import main
from proxy.demo import rehearsal
from proxy.demo.arms import ArmError, serving
from proxy.demo.rehearsal import Plan, perform, standing
from tests.engine.random_model import write_model

REQUESTS = 24


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pair with random weights: quick to make, and babbles."""
    path = tmp_path_factory.mktemp("models")
    write_model(path / "fp16")
    write_model(path / "int4-slipping", gptq_group=32)
    return path


@pytest.fixture(autouse=True)
def _random_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MODELS", models)


def demo(*arguments: str) -> tuple[int, str, str]:
    """`slipgauge demo` in this process: exit code, standard output, standard error."""
    result = CliRunner().invoke(main, ["demo", "--requests", str(REQUESTS), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_json_is_one_object_of_stable_shape_and_nothing_else() -> None:
    code, out, err = demo("--json")
    told: dict[str, Any] = orjson.loads(out)

    assert code == 4
    assert "gateway" in err
    assert list(told) == ["verdict", "stage", "guardrails", "findings", "ledger"]
    assert set(told["guardrails"][0]) == {
        *("name", "state", "sessions", "baseline_rate", "candidate_rate"),
        *("slip", "lower", "upper", "e_value"),
    }
    assert all(
        set(cells) == {"fail_fail", "fail_pass", "pass_fail", "pass_pass"} for cells in told["findings"].values()
    )
    states = {state: count for state, count in told["ledger"].items() if state != "total"}
    assert sum(states.values()) == told["ledger"]["total"] == REQUESTS
    assert sum(told["findings"]["served"].values()) == states["paired"] > 0


def test_people_get_tables_a_ledger_that_agrees_and_the_address_of_the_console() -> None:
    code, out, err = demo("--rate", "200", "--seed", "7")

    assert code == 4
    assert "only candidate" in out
    assert "verdict no_data   stage shadow" in out
    assert "they agree" in out
    assert "the console was at http://127.0.0.1:" in err


def test_a_model_that_is_not_there_is_an_error() -> None:
    code, out, err = demo("--candidate", "steady")

    assert (code, out) == (1, "")
    assert "the candidate's model is not there" in err


async def test_a_server_that_dies_ends_the_demo_with_its_last_words() -> None:
    async with standing(Plan(requests=500)) as stand:
        stand.servers[1].process.kill()
        with pytest.raises(ArmError, match=r"(?s)the candidate's server ended with -9.*serving slipgauge-tiny"):
            await perform(stand, lambda _: None)

    assert all(server.process.returncode is not None for server in stand.servers)


async def test_a_server_that_does_not_start_ends_the_demo(tmp_path: Path) -> None:
    with pytest.raises(ArmError, match=r"(?s)the baseline's server ended with 1.*Error"):
        async with serving("embedded", {"baseline": tmp_path}, tmp_path):
            pytest.fail("an empty folder was served")


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--requests", "100000"], 130), (["--requests", "8", "--stay"], 4)]
)
async def test_ctrl_c_ends_every_process(models: Path, arguments: list[str], code: int) -> None:
    script = (  # which hears Ctrl-C, though whoever started the tests may have told them not to
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import pathlib, proxy.demo.rehearsal as r; "
        f"r.MODELS = pathlib.Path({str(models)!r}); from proxy.cli import main; main()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, "demo", *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    urls, waited_for = [], "Ctrl-C ends" if "--stay" in arguments else "sending"
    while waited_for not in (line := (await process.stderr.readline()).decode()):
        assert line, "the demo ended early"
        urls += [word for word in line.split() if word.startswith("http")]
    process.send_signal(signal.SIGINT)
    await process.stderr.read()

    assert await process.wait() == code
    assert len(urls) == 4
    async with aiohttp.ClientSession() as session:
        for url in urls:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(url)
