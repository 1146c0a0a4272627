"""`slipgauge doctor` on real vLLM servers, all started by deploy/vllm/serve.sh.

Two are alike but for their weights; two others each differ from them in several things at once, so that few servers
are started.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from proxy.config import Config
from proxy.demo import arms
from proxy.demo.arms import MODEL, MODELS, Server
from proxy.doctor.checks import Result
from proxy.doctor.main import examine
from testbed.vllm_server import PYTHON, environment
from tests.vllm.conftest import READY_TIMEOUT

SERVE = Path(__file__).parents[2] / "deploy" / "vllm" / "serve.sh"
OTHER = "another-name"
SMALL = {"served-model-name": [MODEL, OTHER], "max-model-len": 1024, "enforce-eager": True}
"""What the testbed's model wants otherwise than deploy/vllm/equal.yaml."""


@dataclass(frozen=True)
class Four:
    """Where each listens."""

    baseline: str
    candidate: str
    served_otherwise: str
    """Length, template, sampling defaults, parser, cache."""
    read_otherwise: str
    """Tokenizer, names, speculation."""


def changed(folder: Path, change: Callable[[Path], None]) -> Path:
    """A copy of the candidate's model in which something is changed."""
    shutil.copytree(MODELS / "int4-steady", folder)
    change(folder)
    return folder


def own_sampling(model: Path) -> None:
    path = model / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "temperature": 0.7, "top_k": 20}))


def fewer_merges(model: Path) -> None:
    path = model / "tokenizer.json"
    tree = json.loads(path.read_text())
    tree["model"]["merges"] = tree["model"]["merges"][:400]
    path.write_text(json.dumps(tree))


async def start(arm: str, model: Path, equal: Path, port: int, *more: str) -> Server:
    log = equal.with_name(f"{arm}-{port}.log")
    settings = {"VLLM": str(PYTHON), "EQUAL": str(equal), "PORT": str(port)}
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(str(SERVE), arm, str(model), *more),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**environment(os.environ), **settings},
            start_new_session=True,
        )
    return Server(arm, f"http://127.0.0.1:{port}", log, process)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def four(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Four]:
    folder = tmp_path_factory.mktemp("doctor")
    equal, template = folder / "equal.yaml", folder / "template.jinja"
    equal.write_text(yaml.safe_dump({**yaml.safe_load((SERVE.parent / "equal.yaml").read_text()), **SMALL}))
    template.write_text("{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}")
    served_otherwise = (
        *("--max-model-len", "512", "--chat-template", str(template), "--tool-call-parser", "pythonic"),
        *("--generation-config", "auto", "--no-enable-prefix-caching", "--block-size", "64"),
    )
    speculation = {"method": "ngram", "num_speculative_tokens": 3, "prompt_lookup_max": 3, "prompt_lookup_min": 2}
    read_otherwise = ("--served-model-name", MODEL, "--speculative-config", json.dumps(speculation))
    wanted: list[tuple[str, Path, tuple[str, ...]]] = [
        ("baseline", MODELS / "fp16", ()),
        ("candidate", MODELS / "int4-steady", ()),
        ("candidate", changed(folder / "sampling", own_sampling), served_otherwise),
        ("candidate", changed(folder / "merges", fewer_merges), read_otherwise),
    ]
    ports = arms._free_ports(len(wanted))
    servers = []
    try:
        for (arm, model, more), port in zip(wanted, ports, strict=True):
            servers.append(await start(arm, model, equal, port, *more))
        await arms.while_alive(servers, arms._ready(servers, READY_TIMEOUT))
        yield Four(*(server.url for server in servers))
    finally:
        await asyncio.gather(*(arms._stop(server.process) for server in servers))


async def found(baseline: str, candidate: str) -> dict[str, Result]:
    """Every check that is not ok, by its name; but how near a server is hangs on the others here."""
    models: dict[str, Any] = {MODEL: {}, OTHER: {}}
    tree = {"baseline": {"url": baseline}, "candidate": {"url": candidate}, "models": models}
    results = await examine(Config.model_validate(tree))
    return {
        result.check.name: result
        for result in results
        if result.state != "ok" and result.check.name != "round trip"
    }


def said(results: dict[str, Result]) -> dict[str, dict[str, list[str | None]]]:
    """What the servers say of each aspect that is not ok."""
    return {
        name: {aspect.name: [value.value or value.unseen for value in aspect.values] for aspect in result.aspects}
        for name, result in results.items()
    }


@asynccontextmanager
async def another_version(url: str) -> AsyncIterator[str]:
    """The same server, which says that it is of another version."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(ClientSession())

        async def pass_on(request: web.Request) -> web.Response:
            if request.path == "/version":
                return web.json_response({"version": "0.0.1"})
            kind = {"Content-Type": request.headers.get("Content-Type", "application/json")}
            body = await request.read()
            async with session.request(request.method, url + request.path, data=body, headers=kind) as answer:
                return web.Response(status=answer.status, body=await answer.read())

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        server = TestServer(app)
        await server.start_server()
        stack.push_async_callback(server.close)
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.timeout(READY_TIMEOUT + 300)
async def test_servers_that_are_launched_alike_are_fair(four: Four) -> None:
    assert said(await found(four.baseline, four.candidate)) == {}


async def test_what_is_served_otherwise_is_found(four: Four) -> None:
    results = await found(four.baseline, four.served_otherwise)
    told = said(results)

    assert {result.state for result in results.values()} == {"unfair"}
    assert told.keys() == {
        *("max length", "chat template", "generation defaults", "parsers", "KV cache", "prefix caching"),
    }
    assert told["max length"] == {MODEL: ["1024", "512"], OTHER: ["1024", "512"]}
    assert told["generation defaults"] == {"temperature": ["1", "0.7"], "top_k": ["-1", "20"]}
    assert told["parsers"] == {"tool calls": ["hermes", "pythonic"]}
    assert told["prefix caching"] == {"enabled": ["True", "False"]}
    assert told["KV cache"] == {"block size": ["128", "64"]}


async def test_another_version_is_found(four: Four) -> None:
    async with another_version(four.candidate) as url:
        told = said(await found(four.baseline, url))

    assert list(told) == ["version"]
    assert told["version"]["version"][1] == "0.0.1"


async def test_what_is_read_otherwise_is_found(four: Four) -> None:
    results = await found(four.baseline, four.read_otherwise)
    told = said(results)

    # vLLM 0.32.0 on a CPU, drafting by n-grams, ends over seeded questions, and what rests on answers is unknown.
    # So this test is the last that asks this server anything.
    assert {name for name, result in results.items() if result.state == "unfair"} == {
        *("model names", "tokenizer", "speculative decoding"),
    }
    assert told["model names"] == {OTHER: ["served", "not served"]}
    drafted = told["speculative decoding"]["drafted tokens"]
    assert drafted[0] == "none"
    assert drafted[1] != "none"
