"""What is in deploy/ for a host of one's own: container file, compose, systemd, vLLM's launch files, tap mode."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.cli import main
from tests.deploy.manifests import DEPLOY, ROOT, STATE, configured, documents

(COMPOSE,) = documents(DEPLOY / "compose" / "compose.yaml")
EQUAL = yaml.safe_load((DEPLOY / "vllm" / "equal.yaml").read_text())
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
ANALYZE = shutil.which("systemd-analyze")


def instructions(name: str) -> list[tuple[str, str]]:
    """Each instruction of a container file with its arguments."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", (DEPLOY / name).read_text(), flags=re.MULTILINE))
    return [
        (word, rest.strip())
        for word, _, rest in (line.partition(" ") for line in text.splitlines() if line.strip())
    ]


def test_the_container_runs_as_nobody_from_an_exact_base_and_copies_what_is_there() -> None:
    read = instructions("Containerfile")
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for word, rest in read if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]}
    users = [rest for word, rest in read if word == "USER"]

    assert [rest for word, rest in read if word == "ARG"] == ["PYTHON=python:3.11.14-slim-bookworm"]
    assert {rest.split()[0] for word, rest in read if word == "FROM"} == {"${PYTHON}"}
    assert users == ["65532:65532"]
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert not any(word == "ADD" for word, _ in read)


def test_the_container_starts_a_command_that_exists() -> None:
    (arguments,) = [rest for word, rest in instructions("Containerfile") if word == "CMD"]

    assert yaml.safe_load(arguments)[0] in main.commands


def test_compose_starts_both_servers_alike_and_slipgauge_before_them(tmp_path: Path) -> None:
    services: dict[str, Any] = COMPOSE["services"]
    slipgauge, servers = services["slipgauge"], [services["baseline"], services["candidate"]]
    config = configured(DEPLOY / "compose" / "config" / "config.yaml", tmp_path)
    without = [{k: v for k, v in s.items() if k not in {"command", "deploy"}} for s in servers]

    assert without[0] == without[1]
    assert all(s["command"][1:] == ["--config", "/etc/vllm/equal.yaml"] for s in servers)
    assert {*config.baseline.url, *config.candidate.url} == {"http://baseline:8000", "http://candidate:8000"}
    assert list(config.models) == [EQUAL["served-model-name"]]
    assert (slipgauge["read_only"], slipgauge["cap_drop"]) == (True, ["ALL"])
    assert set(slipgauge["environment"]) == {config.admin.viewer_token_env, config.admin.operator_token_env}
    assert all(port.startswith("127.0.0.1:") for port in slipgauge["ports"])


def test_what_compose_mounts_is_there() -> None:
    mounted = [volume.split(":")[:2] for service in COMPOSE["services"].values() for volume in service["volumes"]]

    for source, _ in mounted:
        assert source in COMPOSE["volumes"] or (DEPLOY / "compose" / source).exists()
    assert [target for source, target in mounted if source == "store"] == [STATE]


@pytest.mark.skipif(ANALYZE is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_each_unit(unit: Path, tmp_path: Path) -> None:
    assert ANALYZE is not None
    copy = tmp_path / unit.name.replace("@", "@one")
    # What it would start is not installed here, and is looked at below.
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))

    told = subprocess.run([ANALYZE, "verify", str(copy)], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_each_unit_starts_what_exists(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    program, first, *_ = line.split()

    if program.endswith("/slipgauge"):
        named = set(re.findall(r"slipgauge@(\w+)", unit.read_text())) - {"service"}
        assert first == "%i"
        assert {"run"} <= named <= set(main.commands)
        assert "KillMode=mixed" in unit.read_text()
    else:
        assert (ROOT / program.removeprefix("/opt/slipgauge/")).is_file()


def test_both_arms_are_launched_with_the_settings_that_must_be_equal(tmp_path: Path) -> None:
    said = tmp_path / "python"
    said.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    said.chmod(0o755)

    def launched(*arguments: str) -> list[str]:
        told = subprocess.run(
            [str(DEPLOY / "vllm" / "serve.sh"), *arguments],
            env={**os.environ, "VLLM": str(said)},
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout.splitlines()

    baseline, candidate = launched("baseline", "b"), launched("candidate", "c", "--max-num-seqs", "8")

    assert baseline[baseline.index("--config") + 1] == str(DEPLOY / "vllm" / "equal.yaml")
    changed = {"c": "b", "8002": "8001"}
    assert [changed.get(word, word) for word in candidate] == [*baseline, "--max-num-seqs", "8"]


def test_an_arm_that_is_none_is_refused() -> None:
    told = subprocess.run([DEPLOY / "vllm" / "serve.sh", "other", "m"], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (2, "other is neither baseline nor candidate\n")


def test_tap_mode_is_what_both_proxies_mirror_to(tmp_path: Path) -> None:
    config = configured(DEPLOY / "tap" / "config.yaml", tmp_path)
    (envoy,) = documents(DEPLOY / "tap" / "envoy.yaml")
    (route,) = documents(DEPLOY / "tap" / "http-route.yaml")
    clusters = {cluster["name"]: cluster for cluster in envoy["static_resources"]["clusters"]}
    (listener,) = envoy["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    mirrored, rest = manager["route_config"]["virtual_hosts"][0]["routes"]
    (policy,) = mirrored["route"]["request_mirror_policies"]
    endpoint = clusters[policy["cluster"]]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    (rule,) = route["spec"]["rules"]

    assert config.tap
    assert mirrored["route"]["cluster"] == rest["route"]["cluster"] == "baseline"
    assert endpoint["address"]["socket_address"] == {"address": "slipgauge", "port_value": 8080}
    assert rule["filters"][0]["requestMirror"]["backendRef"] == {"name": "slipgauge", "port": 8080}
    assert config.listen.endswith(":8080")
