"""The files in deploy/, pointed at this machine and hurried: what is tried is what is shipped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from grafana.reading import Prometheus
from grafana.stand.programs import free_port, serving

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRAPE = 1
"""Seconds between two scrapes, and between two evaluations of the rules."""


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, str], manager: str | None = None) -> AsyncIterator[str]:
    """Prometheus with the shipped configuration and rules.

    `targets` are addresses by what the configuration calls them; those that are left out are not scraped. `manager`
    is the URL of an Alertmanager.
    """
    shipped = DEPLOY / "prometheus"
    tree = yaml.safe_load((shipped / "prometheus.yml").read_text())
    tree["global"] = {"scrape_interval": f"{SCRAPE}s", "evaluation_interval": f"{SCRAPE}s"}
    tree["rule_files"] = [str(shipped / name) for name in tree["rule_files"]]
    managers = [manager.removeprefix("http://")] if manager else []
    tree["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = managers
    for job in tree["scrape_configs"]:
        job["static_configs"] = [
            each | {"targets": [targets[name] for name in each["targets"] if name in targets]}
            for each in job["static_configs"]
        ]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(tree))
    port = free_port()
    arguments = (
        *("--config.file", f"{folder}/prometheus.yml", "--storage.tsdb.path", f"{folder}/tsdb"),
        *("--web.listen-address", f"127.0.0.1:{port}", "--enable-feature=exemplar-storage"),
    )
    async with serving("prometheus", *arguments, port=port) as url:
        await scraped(url, len(targets))  # what they count later is seen to grow
        yield url


async def scraped(url: str, count: int, since: float = 0.0) -> None:
    """Return when so many targets have been scraped `since` then, in seconds since 1970."""
    query = f"timestamp(up) >= {since} and up == 1"
    async with aiohttp.ClientSession() as session:
        while len((await Prometheus(session, url).ask("query", query=query))["result"]) < count:  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.05)


@asynccontextmanager
async def alertmanager(
    folder: Path, hook: str, token: str, *, webhook: Mapping[str, Any] | None = None, **route: Any
) -> AsyncIterator[str]:
    """Alertmanager with the shipped configuration, which sends to `hook`; `webhook` and `route` change it."""
    tree = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    (way,), (_, receiver) = tree["route"]["routes"], tree["receivers"]
    (ours,) = receiver["webhook_configs"]
    (folder / "token").write_text(token)
    ours["http_config"]["authorization"]["credentials_file"] = str(folder / "token")
    ours |= {"url": hook, **(webhook or {})}
    way |= route
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(tree))
    port = free_port()
    arguments = (
        *("--config.file", f"{folder}/alertmanager.yml", "--storage.path", f"{folder}/alerts"),
        *("--web.listen-address", f"127.0.0.1:{port}", "--cluster.listen-address="),
    )
    async with serving("prometheus-alertmanager", *arguments, port=port) as url:
        yield url
