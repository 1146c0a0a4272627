from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import orjson
import pytest

from tests.cli.program import Program, start, write_config
from tests.cli.test_run import get, running
from tests.cli.upstream import Upstream

TOKENS = {"OPS": "an operator's token", "VIEW": "a viewer's token"}


async def ended(program: Program) -> tuple[int | None, str, str]:
    out, err = await program.process.communicate()
    return program.process.returncode, out.decode(), err.decode()


async def test_an_operator_takes_it_through_its_stages_and_reads_the_verdict(
    arms: tuple[Upstream, Upstream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    admin = {"listen": "127.0.0.1:0", "viewer_token_env": "VIEW", "operator_token_env": "OPS"}
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url, admin=admin)
    async with running(config) as (_, _, url, session):
        # The port was the system's choice, so the commands read a file that has it.
        known = write_config(
            tmp_path / "known.yaml", "x", "x", admin={**admin, "listen": url.removeprefix("http://")}
        )
        bare = await get(session, f"{url}/stage")
        promoted = await ended(await start("promote", known, "--reason", "it looks good"))
        held = await ended(await start("hold", known, "--json"))
        refused = await ended(await start("promote", known))
        table = await ended(await start("verdict", known))
        monkeypatch.delenv("OPS")
        reader = await ended(await start("resume", known))
        read = await ended(await start("verdict", known, "--json"))

    assert bare[0] == 401
    assert promoted == (0, "advance: it looks good\nstage canary, the candidate answers 1.0% of sessions\n", "")
    assert orjson.loads(held[1])["changes"][0]["action"] == "hold"
    assert refused[0] == 1
    assert "it is held: asked for by " in refused[2]
    assert table[0] == 4
    assert "verdict no_data   stage canary, 1.0% of sessions" in table[1]
    assert "served" in table[1]
    assert (reader[0], "only reads" in reader[2]) == (1, True)
    assert (read[0], orjson.loads(read[1])["verdict"]) == (4, "no_data")


@pytest.mark.parametrize(
    "answer",
    [
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        *(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            for body in (b"[]", b"{}", b"null")
        ),
    ],
)
async def test_what_is_no_admin_port_is_told_from_one(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, _, said = await ended(await start("verdict", "--admin", f"http://127.0.0.1:{port}"))

    assert code == 1
    assert "Traceback" not in said
    assert "as Slipgauge's admin port does" in said or "cannot be asked" in said


async def test_who_has_no_name_asks_all_the_same(
    arms: tuple[Upstream, Upstream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    async with running(config) as (_, _, url, _):
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            monkeypatch.delenv(name, raising=False)
        nameless = "import pwd; pwd.getpwuid = {}.__getitem__; from proxy.cli import main; main()"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", nameless, "rollback", "--admin", url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        code, out, said = await ended(Program(process))

    assert (code, said) == (0, "")
    assert f"rollback: asked for by user {os.getuid()}" in out


async def test_what_cannot_be_asked_is_named(tmp_path: Path) -> None:
    nobody = await ended(await start("verdict", "--admin", "http://127.0.0.1:1"))
    absent = await ended(await start("rollback", tmp_path / "none.yaml"))
    usage = await ended(await start("verdict", "--watch", "--json"))
    wrong = await ended(await start("verdict", "--admin", "ftp://x"))

    assert (nobody[0], "is slipgauge running there?" in nobody[2]) == (1, True)
    assert (absent[0], "name the port with --admin" in absent[2]) == (2, True)
    assert usage[0] == 2
    assert (wrong[0], "should be a URL" in wrong[2]) == (2, True)
