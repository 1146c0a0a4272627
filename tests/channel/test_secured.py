"""NATS servers that speak TLS and ask who connects: each way to say it, and what is said of a wrong one."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nkeys
import orjson
import pytest
import structlog
import trustme

from proxy.channel.link import Link
from proxy.config_channel import Nats
from proxy.config_file import ConfigError, parse
from tests.channel.servers import Server
from tests.cli.program import write_config

# nats-py leaves a connection that was not made to the garbage collector, which warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
PASSWORD, TOKEN = "correct horse", "battery staple"
ASKS = {
    "password": f'authorization {{ user: slipgauge, password: "{PASSWORD}" }}',
    "token": f'authorization {{ token: "{TOKEN}" }}',
    "nobody": "",
}
SAYS: dict[str, dict[str, Any]] = {
    "password": {"user": "slipgauge", "password_env": "NATS_PASSWORD"},
    "token": {"token_env": "NATS_TOKEN"},
    "nobody": {},
}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_PASSWORD", PASSWORD)
    monkeypatch.setenv("NATS_TOKEN", TOKEN)
    monkeypatch.setenv("WRONG", "a wrong secret")


@pytest.fixture(autouse=True)
def certificates(tmp_path: Path) -> None:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    server, client = made.issue_cert("127.0.0.1"), made.issue_cert("client@example.com")
    for name, cert in (("server", server), ("client", client)):
        cert.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        cert.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


async def server(folder: Path, asks: str, *, tls: bool = False) -> Server:
    """A server with this authorization, that with TLS asks for a client's certificate as well."""
    conf = folder / "nats.conf"
    files = {name: folder / f"{name}.pem" for name in ("server", "ca")}
    secured = (
        f'tls {{ cert_file: "{files["server"]}", key_file: "{folder / "server.key"}", ca_file: "{files["ca"]}",'
        " verify: true }\n"
    )
    conf.write_text((secured if tls else "") + asks)
    made = Server(folder, config=conf)
    await made.start()
    return made


def settings(made: Server, folder: Path, *, tls: bool = False, **says: Any) -> Nats:
    files = {"ca_file": f"{folder}/ca.pem", "cert_file": f"{folder}/client.pem", "key_file": f"{folder}/client.key"}
    url = made.url.replace("nats://", "tls://") if tls else made.url
    return Nats.model_validate({"servers": (url,), **({"tls": files} if tls else {}), **says})


async def connects(settings: Nats) -> None:
    link = Link(settings, "test")
    link.start()
    await link.ready.wait()
    await link.close()


async def refused(settings: Nats, logged: list[Any], words: str) -> None:
    """It does not connect, says why, and says no secret."""
    link = Link(settings, "test")
    link.start()
    while not any(words in str(entry.get("problem")) for entry in logged):  # noqa: ASYNC110 - the server's doing
        await asyncio.sleep(0.02)
    assert not link.up
    await link.close()
    for secret in (PASSWORD, TOKEN, "a wrong secret"):
        assert secret not in str(logged)


@pytest.mark.parametrize("way", SAYS)
@pytest.mark.parametrize("tls", [False, True])
async def test_who_says_what_the_server_asks_for_connects(
    tmp_path: Path,
    logged: list[Any],
    way: str,
    tls: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    made = await server(tmp_path, ASKS[way], tls=tls)
    await connects(settings(made, tmp_path, tls=tls, **SAYS[way]))
    await made.kill()
    assert PASSWORD not in str(logged)
    assert TOKEN not in str(logged)


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("password", {"user": "slipgauge", "password_env": "WRONG"}),
        ("password", {}),
        ("token", {"token_env": "WRONG"}),
    ],
)
async def test_a_wrong_password_or_token_is_said_and_not_shown(
    tmp_path: Path, logged: list[Any], way: str, says: dict[str, Any]
) -> None:
    made = await server(tmp_path, ASKS[way])
    await refused(settings(made, tmp_path, **says), logged, "Authorization Violation")
    await made.kill()


async def test_a_tls_server_that_says_it_speaks_none_is_told_nothing(tmp_path: Path, logged: list[Any]) -> None:
    made = await server(tmp_path, ASKS["password"])
    wanted = settings(made, tmp_path, tls=True, **SAYS["password"])
    assert wanted.servers[0].startswith("tls://")
    await refused(wanted, logged, "speaks no TLS")
    await made.kill()


async def test_a_server_of_another_ca_is_not_talked_to(tmp_path: Path, logged: list[Any]) -> None:
    made = await server(tmp_path, ASKS["password"], tls=True)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    await refused(settings(made, tmp_path, tls=True, **SAYS["password"]), logged, "certificate verify failed")
    await made.kill()


async def test_a_server_that_asks_for_a_certificate_refuses_who_has_none(tmp_path: Path, logged: list[Any]) -> None:
    made = await server(tmp_path, "", tls=True)
    url = made.url.replace("nats://", "tls://")
    bare = Nats.model_validate({"servers": (url,), "tls": {"ca_file": str(tmp_path / "ca.pem")}})
    await refused(bare, logged, "certificate required")
    await made.kill()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ({"user": "x"}, "channel.nats.user: goes with password_env; give both or neither"),
        ({"password_env": "WRONG"}, "channel.nats.user: goes with password_env; give both or neither"),
        ({"password_env": "NOT_SET", "user": "x"}, "channel.nats.password_env: the environment variable NOT_SET"),
        ({"token_env": "not a name"}, "channel.nats.token_env: should be the name of an environment variable"),
        ({"user": "x", "password_env": "WRONG", "token_env": "WRONG"}, "channel.nats: says in 2 ways who connects"),
        ({"tls": {"ca_file": "/nowhere"}}, "channel.nats.tls.ca_file: "),
        ({"tls": {"cert_file": "/nowhere"}}, "channel.nats.tls.cert_file: "),
        ({"tls": {"ca_file": "ca.pem"}}, "channel.nats.tls: has no use, since no server is tls://"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, says: dict[str, Any], told: str) -> None:
    if says.get("tls") == {"ca_file": "ca.pem"}:
        says = {"tls": {"ca_file": str(tmp_path / "ca.pem")}}
    channel = {"nats": {"servers": ["nats://127.0.0.1:4222"], **says}}
    file = write_config(tmp_path / "c.yaml", "http://127.0.0.1:1", "http://127.0.0.1:2", channel=channel)
    environ = {"WRONG": "a wrong secret"}
    with pytest.raises(ConfigError) as raised:
        parse(file.read_text(), environ, source="c.yaml")

    assert any(str(problem).startswith(told) for problem in raised.value.problems), raised.value.problems
    assert "a wrong secret" not in str(raised.value)


def key(number: int, kind: int) -> nkeys.KeyPair:
    return nkeys.from_seed(nkeys.encode_seed(bytes([number] * 32), kind))


def said(by: nkeys.KeyPair, of: nkeys.KeyPair, kind: str, **claims: Any) -> str:
    """A JWT as nsc makes it, as far as a server reads it."""
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    body = {"jti": "x", "iat": 0, "iss": by.public_key.decode(), "name": kind, "sub": of.public_key.decode()}
    parts = (head, {**body, "nats": {**claims, "type": kind, "version": 2}})
    text = ".".join(urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode() for part in parts)
    return f"{text}.{urlsafe_b64encode(by.sign(text.encode())).rstrip(b'=').decode()}"


async def test_a_credentials_file_says_who_connects(tmp_path: Path, logged: list[Any]) -> None:
    operator = key(1, nkeys.PREFIX_BYTE_OPERATOR)
    account, system = (key(number, nkeys.PREFIX_BYTE_ACCOUNT) for number in (2, 5))
    user, other = key(3, nkeys.PREFIX_BYTE_USER), key(4, nkeys.PREFIX_BYTE_USER)
    names = ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage")
    limits = dict.fromkeys((*names, "streams", "consumer"), -1) | {"wildcards": True}
    none = limits | dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), 0)
    made = await server(
        tmp_path,
        f"operator: {said(operator, operator, 'operator')}\nresolver: MEMORY\n"
        f"system_account: {system.public_key.decode()}\nresolver_preload {{\n"
        f"{account.public_key.decode()}: {said(operator, account, 'account', limits=limits)}\n"
        f"{system.public_key.decode()}: {said(operator, system, 'account', limits=none)}\n}}\n",
    )
    token = said(account, user, "user", subs=-1, data=-1, payload=-1)
    files = {}
    for name, pair in (("right", user), ("wrong", other)):
        files[name] = str(tmp_path / f"{name}.creds")
        parts = (("NATS USER JWT", token), ("USER NKEY SEED", pair.seed.decode()))
        marked = (f"-----BEGIN {mark}-----\n{part}\n------END {mark}------\n" for mark, part in parts)
        Path(files[name]).write_text("\n".join(marked))  # noqa: ASYNC240 - a test's own file

    await connects(settings(made, tmp_path, credentials_file=files["right"]))
    await refused(settings(made, tmp_path, credentials_file=files["wrong"]), logged, "Authorization Violation")
    assert other.seed.decode() not in str(logged)
    await made.kill()
