"""The files that put the boards on a wall name each other's services, ports and paths."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.documented import ROOT

COMPOSE = ROOT / "deploy" / "compose"
PROVISIONING = ROOT / "grafana" / "provisioning"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = read(COMPOSE / "boards.yaml")["services"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, Path]:
    """Files of ours by their place in the container."""
    pairs = [volume.split(":")[:2] for volume in service.get("volumes", ())]
    return {inside: (COMPOSE / outside).resolve() for outside, inside in pairs if outside.startswith(".")}


def test_what_is_scraped_is_what_runs_beside_it() -> None:
    beside = read(COMPOSE / "compose.yaml")["services"]
    jobs = read(ROOT / "deploy" / "prometheus" / "prometheus.yml")["scrape_configs"]
    scraped = {target for job in jobs for entry in job["static_configs"] for target in entry["targets"]}

    assert {target.partition(":")[0] for target in scraped} == set(beside)
    assert "127.0.0.1:8081:8081" in beside["slipgauge"]["ports"]


def test_what_is_mounted_is_here(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for path in mounts(service).values():
            assert path.exists() or path.parent.name == "secrets", name


def test_what_prometheus_scrapes_and_tells_is_a_service(services: dict[str, Any]) -> None:
    told = read(ROOT / "deploy" / "prometheus" / "prometheus.yml")
    scraped = {
        target: entry.get("labels", {}).get("arm")
        for job in told["scrape_configs"]
        for entry in job["static_configs"]
        for target in entry["targets"]
    }
    (manager,) = told["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]

    assert scraped == {"slipgauge:8081": None, "baseline:8000": "baseline", "candidate:8000": "candidate"}
    assert manager.partition(":")[0] in services
    rules = {path.name for path in (ROOT / "deploy" / "prometheus").glob("*.rules.yml")}
    assert set(told["rule_files"]) == rules
    assert "--enable-feature=exemplar-storage" in services["prometheus"]["command"]


def test_alertmanager_tells_slipgauge_with_the_token_that_is_mounted(services: dict[str, Any]) -> None:
    _, receiver = read(ROOT / "deploy" / "alertmanager" / "alertmanager.yml")["receivers"]
    (webhook,) = receiver["webhook_configs"]

    assert webhook["url"] == "http://slipgauge:8081/hooks/alertmanager"
    assert webhook["http_config"]["authorization"]["credentials_file"] in mounts(services["alertmanager"])


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (("job=slipgauge", "slipgauge_action=rollback"), "slipgauge"),
        (("job=slipgauge-code", "slipgauge_action=rollback"), "people"),
        (("job=slipgauge",), "people"),
    ],
)
def test_no_alert_acts_but_those_of_this_deployment_that_say_so(labels: tuple[str, str], told: str) -> None:
    program = shutil.which("amtool")
    assert program, "amtool is not installed: apt install prometheus-alertmanager"
    file = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    asked = [program, "config", "routes", "test", "--config.file", str(file), "--verify.receivers", told, *labels]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_finds_the_boards_the_datasource_and_the_cases(services: dict[str, Any]) -> None:
    (provider,) = read(PROVISIONING / "dashboards" / "slipgauge.yml")["providers"]
    (source,) = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    (destination,) = source["jsonData"]["exemplarTraceIdDestinations"]
    scrape = read(ROOT / "deploy" / "prometheus" / "prometheus.yml")["global"]["scrape_interval"]

    assert mounts(services["grafana"])[provider["options"]["path"]] == ROOT / "grafana" / "dashboards"
    assert mounts(services["grafana"])["/etc/grafana/provisioning"] == PROVISIONING
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == scrape
    assert (destination["name"], destination["url"].partition("/cases/")[2]) == ("pair_id", "$${__value.raw}")
