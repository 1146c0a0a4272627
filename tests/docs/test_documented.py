"""A key, metric, endpoint or option that the docs do not name, or that only the docs name, fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import orjson
import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from proxy.cli import main
from proxy.config_keys import ANY, Key, keys
from proxy.control.access import ASKED, OPEN
from proxy.control.actions import ACTIONS
from proxy.control.admin import ENDPOINTS
from proxy.control.console.console import PAGES, SENT
from proxy.counters.families import Family
from proxy.processes.reload import RESTART
from proxy.telemetry import Telemetry

ROOT = Path(__file__).parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text()


def row(key: Key) -> str:
    """The line of docs/configuration.md that a key must have."""
    default = key.field.default
    shown = (
        "required" if default is PydanticUndefined else f"`{orjson.dumps(default, BaseModel.model_dump).decode()}`"
    )
    return f"| `{key.path}` | {shown} | {key.field.description} |"


def test_every_config_key_is_documented_with_its_default_and_no_other() -> None:
    documented = [line for line in text("docs/configuration.md").splitlines() if line.startswith("| `")]

    assert documented == [row(key) for key in keys()]


def test_the_config_file_shows_every_key() -> None:
    def paths(tree: object, prefix: str = "") -> Iterator[str]:
        if not isinstance(tree, dict):
            yield prefix
            return
        for name, value in tree.items():
            named = prefix in {"models", "probes", "guardrails"}
            yield from paths(value, ".".join(filter(None, (prefix, ANY if named else name))))

    assert set(paths(yaml.safe_load(text("config.yaml")))) == {key.path for key in keys()}


def test_every_key_that_needs_a_restart_is_documented_and_no_other() -> None:
    (sentence,) = re.findall(r"^A restart is needed for (.*?):", text("docs/configuration.md"), re.MULTILINE)

    assert re.findall(r"`([\w.]+)`", sentence) == list(RESTART)


def metrics() -> set[str]:
    """Every metric as Prometheus shows it, with its labels: `name{a,b}`."""
    telemetry = Telemetry(CollectorRegistry())
    found = set()
    for collector in vars(telemetry).values():
        if isinstance(collector, Family):
            kind, name, labelnames = collector.kind, collector.name, collector.labelnames
        elif isinstance(collector, MetricWrapperBase):
            kind, name, labelnames = collector._type or "", collector._name, tuple(collector._labelnames)
        else:
            continue
        suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
        labels = ",".join(labelnames) or ("version" if kind == "info" else "")
        found.add(f"{name}{suffix}{{{labels}}}".replace("{}", ""))
    return found


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    documented = re.findall(r"^\| `(slipgauge_[^`]*)` \| \w+ \| .+ \|$", text("docs/metrics.md"), re.MULTILINE)

    assert sorted(documented) == sorted(metrics())


def test_metrics_in_the_documented_queries_exist() -> None:
    known = {name.partition("{")[0] for name in metrics()}
    queries = re.findall(r"```promql\n(.*?)```", text("docs/metrics.md"), re.DOTALL)

    assert queries
    assert {name for query in queries for name in re.findall(r"slipgauge_\w+", query)} <= known


def test_every_endpoint_is_documented_with_its_token_and_no_other() -> None:
    documented = re.findall(r"^\| `(GET|POST) (/[\w{}/]*)` \| (\w+) \|", text("docs/http.md"), re.MULTILINE)
    read = [("GET", path, "none" if path in OPEN else "viewer") for path in (*ENDPOINTS, *PAGES)]

    sent = [("POST", path, "none") for path in SENT]
    asked = [("POST", path, "viewer" if path.startswith(ASKED) else "operator") for path in ACTIONS]
    assert documented == read + sent + asked


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_and_its_options_are_documented_and_no_other(name: str) -> None:
    parts = re.split(r"^## ", text("docs/cli.md"), flags=re.MULTILINE)
    (part,) = [part for part in parts if re.match(rf"`slipgauge {name}[ `]", part)]
    command = main.commands[name]
    parts_of = (command, *(command.commands.values() if isinstance(command, click.Group) else ()))
    options = {p.opts[-1] for each in parts_of for p in each.params if isinstance(p, click.Option)}

    lines = "\n".join(re.findall(r"^- (`--.*)$", part, re.MULTILINE))
    assert set(re.findall(r"`(--[\w-]+)", lines)) == options


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert set(re.findall(r"^## `slipgauge ([\w-]+)", text("docs/cli.md"), re.MULTILINE)) == set(main.commands)


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "testbed").glob("*.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_named_paths_exist(page: Path) -> None:
    written = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", written) if "://" not in link]
    named = re.findall(
        r"`((?:analyzers|proxy|testbed|tests|docs|deploy|verdict|cases|grafana|benchmarks)/[\w./-]*[\w/])`", written
    )

    assert [link for link in links if not (page.parent / link).exists()] == []
    assert [path for path in named if not (ROOT / path).exists()] == []
