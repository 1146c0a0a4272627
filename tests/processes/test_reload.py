from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import yaml

from proxy.config import Config, Tls
from proxy.config_file import load, parse
from proxy.processes.reload import Found, Looks, Reloader, needs_restart
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from tests.arms.certificates import Authority

BASE: dict[str, Any] = {
    "baseline": {"url": "http://127.0.0.1:8001"},
    "candidate": {"url": "http://127.0.0.1:8002"},
    "models": {"m": {}},
}


def config(**changes: Any) -> Config:
    return parse(yaml.safe_dump(BASE | changes), {"SALT": "x", "OTHER": "y"})


@pytest.mark.parametrize(
    "changes",
    [
        {"mirror": {"sample": 0.5, "in_flight": 3, "deadline": 9.0}},
        {"models": {"m": {"candidate": "m-int4"}, "n": {}}},
        {"baseline": {"url": "http://127.0.0.1:9001", "connections": 7}},
        {"candidate": {"url": "http://127.0.0.1:9002", "connections": 7}},
        {"session": {"header": "X-Other"}},
        {"gateway": {"watch_config": 3.0}},
        {"log": {"level": "debug"}},
        {"cases": {"tenant_header": "X-Tenant", "exclude_tenants": ["acme"], "exclude_subjects": ["0" * 32]}},
        {},
    ],
)
def test_traffic_settings_change_while_running(changes: dict[str, Any]) -> None:
    assert list(needs_restart(config(), config(**changes))) == []


@pytest.mark.parametrize(
    ("changes", "path", "found", "runs_with"),
    [
        ({"listen": "127.0.0.1:9"}, "listen", '"127.0.0.1:9"', '"127.0.0.1:8080"'),
        ({"admin": {"listen": "127.0.0.1:9"}}, "admin.listen", '"127.0.0.1:9"', '"127.0.0.1:8081"'),
        ({"gateway": {"workers": 2}}, "gateway.workers", "2", "1"),
        ({"limits": {"drain": 9.0}}, "limits.drain", "9.0", "30.0"),
        ({"analysis": {"budget": 9.0}}, "analysis.budget", "9.0", "2.0"),
        ({"cases": {"age": 60.0}}, "cases.age", "60.0", "2592000.0"),
        ({"session": {"salt_env": "SALT"}}, "session.salt_env", '"SALT"', "nothing"),
        ({"candidate": BASE["candidate"] | {"revision": "2"}}, "candidate.revision", '"2"', '"1"'),
    ],
)
def test_what_needs_a_restart_is_named_with_both_values(
    changes: dict[str, Any], path: str, found: str, runs_with: str
) -> None:
    (problem,) = needs_restart(config(), config(**changes))

    assert str(problem) == f"{path}: found {found}, runs with {runs_with}; restart to change it"


def test_whether_the_port_speaks_tls_needs_a_restart_and_another_certificate_does_not() -> None:
    plain = config()
    one, other = (
        plain.model_copy(update={"tls": Tls(cert_file=f"{name}.pem", key_file="key")}) for name in ("one", "other")
    )

    assert [problem.path for problem in needs_restart(plain, one)] == ["tls"]
    assert [problem.path for problem in needs_restart(one, plain)] == ["tls"]
    assert list(needs_restart(one, other)) == []


def test_a_guardrail_that_comes_goes_or_changes_needs_a_restart() -> None:
    before = config(guardrails={"served": {"margin": 0.1}, "json.invalid": {"margin": 0.1}})
    after = config(guardrails={"served": {"margin": 0.2}, "refusal.lost": {"margin": 0.1}})

    assert [problem.path for problem in needs_restart(before, after)] == [
        "guardrails.json.invalid",
        "guardrails.refusal.lost",
        "guardrails.served.margin",
    ]


def test_a_look_counts_once_two_in_a_row_found_the_same_or_at_once_where_it_was_asked_for() -> None:
    looks = Looks()
    half, whole, renewed = Found("a", (), b"1"), Found("a\nb", (), b"1"), Found("a\nb", (), b"2")
    script = [
        (half, False, False),
        (whole, False, False),
        (whole, False, True),
        (whole, False, False),  # acted on already
        (half, False, False),
        (whole, False, False),
        (whole, False, False),  # what is in force has come back
        (renewed, False, False),
        (renewed, False, True),
        (half, True, True),
        (half, False, False),
        (half, True, True),
    ]

    for found, asked, counts in script:
        assert looks.counts(found, asked=asked) is counts


class Watched:
    """A configuration file, and what is made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(gateway={"watch_config": 0.01})
        self.telemetry = Telemetry()
        self.applied: asyncio.Queue[Config] = asyncio.Queue()
        self.reloader = Reloader(path, load(path), self.applied.put_nowait, self.telemetry)

    def write(self, **changes: Any) -> None:
        self.path.write_text(yaml.safe_dump(BASE | changes))

    def count(self, result: str) -> float | None:
        return self.telemetry.registry.get_sample_value("slipgauge_config_reloads_total", {"result": result})

    async def until(self, result: str, count: int = 1) -> None:
        while self.count(result) != count:  # noqa: ASYNC110 - the reloader has no event for it
            await asyncio.sleep(0.001)  # the file is read in a thread, which a spinning loop would starve


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    made = Watched(tmp_path / "config.yaml")
    running = spawn(made.reloader.run(), name="reloader")
    yield made
    await cancel(running)


async def test_a_changed_file_is_applied_without_being_asked(watched: Watched) -> None:
    watched.write(mirror={"sample": 0.5}, gateway={"watch_config": 0.01})
    applied = await watched.applied.get()

    assert applied.mirror.sample == 0.5
    assert watched.reloader.active == applied
    assert (watched.count("applied"), watched.count("refused")) == (1, 0)
    assert watched.reloader.status()["refused"] is None


async def test_a_file_that_is_not_watched_is_read_when_asked(watched: Watched) -> None:
    watched.write()
    await watched.applied.get()
    watched.write(mirror={"sample": 0.5})
    watched.reloader.ask()

    assert (await watched.applied.get()).mirror.sample == 0.5


async def test_a_file_that_is_cut_off_at_the_end_of_a_line_is_not_applied(watched: Watched) -> None:
    watched.write(gateway={"watch_config": 0.1}, mirror={"sample": 0.5, "in_flight": 3})
    await watched.applied.get()
    changes = {"gateway": {"watch_config": 0.1}, "mirror": {"in_flight": 7, "sample": 0.25}}
    whole = yaml.safe_dump(BASE | changes, sort_keys=False)
    half = whole.partition("  sample")[0]
    watched.path.write_text(half)
    while (found := watched.reloader.looks.last) is None or found.text != half:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)
    watched.path.write_text(whole)

    assert (await watched.applied.get()).mirror.sample == 0.25
    assert parse(half).mirror.in_flight == 7  # it would have been good
    assert watched.count("refused") == 0


async def test_a_file_that_has_become_a_pipe_is_refused_and_holds_nothing_up(watched: Watched) -> None:
    watched.path.unlink()
    os.mkfifo(watched.path)
    await watched.until("refused")

    assert "is a pipe or a device, should be a regular file" in watched.reloader.status()["refused"]

    watched.path.unlink()
    watched.write(mirror={"sample": 0.25})
    assert (await watched.applied.get()).mirror.sample == 0.25


async def test_asking_for_what_is_in_force_applies_it_again(watched: Watched) -> None:
    before = watched.reloader.active
    watched.reloader.ask()
    await watched.until("unchanged")

    assert watched.applied.get_nowait() == before  # so that a renewed certificate is read
    assert (watched.count("applied"), watched.reloader.active) == (0, before)


async def test_a_renewed_certificate_is_applied_without_being_asked_and_one_that_has_gone_is_told_once(
    watched: Watched, tmp_path: Path
) -> None:
    cert, _ = Authority(tmp_path).issue("localhost")
    renewed, _ = Authority(tmp_path, "another").issue("localhost")
    baseline = {"url": "https://127.0.0.1:8001", "tls": {"ca_file": cert}}

    def remove(path: str) -> None:
        Path(path).unlink()

    def write(sample: float) -> None:
        watched.write(baseline=baseline, mirror={"sample": sample}, gateway={"watch_config": 0.01})

    write(0.1)
    before = await watched.applied.get()
    copy(renewed, cert)
    assert await watched.applied.get() == before
    write(0.2)
    assert (await watched.applied.get()).mirror.sample == 0.2
    assert (watched.count("applied"), watched.count("unchanged")) == (2, 1)
    remove(cert)
    await watched.until("refused")
    write(0.3)
    await watched.until("refused", 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [", "is not YAML"),
        (yaml.safe_dump(BASE | {"mirror": {"smaple": 1}}), "mirror.smaple: unknown key; did you mean sample?"),
        (yaml.safe_dump(BASE | {"analysis": {"workers": 9}}), "analysis.workers: found 9, runs with 1; restart"),
        (None, "cannot be read"),
    ],
)
async def test_a_file_that_cannot_be_applied_changes_nothing_and_says_why(
    watched: Watched, text: str | None, said: str
) -> None:
    before = watched.reloader.active
    if text is None:
        watched.path.unlink()
    else:
        watched.path.write_text(text)
    await watched.until("refused")

    assert said in watched.reloader.status()["refused"]
    assert (watched.reloader.active, watched.applied.empty()) == (before, True)

    watched.write(mirror={"sample": 0.25})
    assert (await watched.applied.get()).mirror.sample == 0.25
    assert watched.reloader.status()["refused"] is None
    assert watched.count("refused") == 1
