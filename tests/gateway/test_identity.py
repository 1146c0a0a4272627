from __future__ import annotations

import pytest

from proxy.config import Clients
from proxy.gateway.identity import Identity
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import Stands
from tests.gateway.test_routing import request

TENANT = "X-Tenant: acme\r\n"


def client(
    headers: str = TENANT, peer: str = "10.0.0.7", salt: bytes = b"s", identity: str | None = "X-Tenant"
) -> str:
    return Identity(Clients(identity=identity), salt).of(request(headers=headers), peer)


def test_a_client_is_known_by_its_header_alone() -> None:
    assert client() == client("x-tenant:  acme \r\nX-Api-Key: k\r\n", peer="10.0.0.8")
    assert client() != client("X-Tenant: other\r\n")
    assert len(client()) == 16
    assert client() != client(salt=b"other")


def test_who_sends_the_header_itself_does_not_become_another() -> None:
    assert client(f"X-Tenant: made-up\r\n{TENANT}") == client()
    assert client("X-Tenant-Id: made-up\r\n") == client("") == client("X-Tenant: \r\n", peer="10.0.0.8")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.7", "10.0.0.8", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_by_its_address_a_client_is_one_address_or_one_network(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert (client(peer=one, identity="address") == client("", peer=other, identity="address")) is same


def test_nobody_is_told_from_anybody_where_nothing_says_how_or_no_bound_is_wanted() -> None:
    assert client(identity=None) == ""
    assert Identity(Clients(identity="address", sessions=0), b"s").of(request(), "10.0.0.7") == ""


async def test_the_client_is_on_the_pair(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"cand"))) as other,
        stand(baseline.address, other.address, clients={"identity": "X-Tenant"}) as s,
    ):
        for name in ("acme", "acme", "other"):
            await ask(
                s.port, post("/v1/chat/completions", b'{"model":"m","messages":[]}', extra=f"X-Tenant: {name}\r\n")
            )
        assert await s.settled() == {"paired": 3}
        told = [pair.client for pair, _ in s.pairs]
        assert len(set(told)) == 2
        assert all(told)
