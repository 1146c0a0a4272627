from __future__ import annotations

from typing import Any

import pytest

from cases.subject import Subjects
from proxy.config_cases import Cases
from proxy.gateway.storing import Storing
from tests.gateway.test_routing import request

KEY = "Authorization: Bearer sk-1\r\n"


def subject(headers: str = KEY, peer: str = "10.0.0.7", salt: bytes = b"s", **settings: Any) -> str:
    cases = Cases.model_validate({"path": "cases.db", **settings})
    return Storing(cases, salt).subject(request(headers=headers), peer)


def test_a_client_is_known_by_its_credentials_and_else_by_its_address() -> None:
    assert subject() == subject(peer="10.0.0.8") == Subjects(b"s").of(b"Bearer sk-1")
    assert subject("X-Api-Key: sk-1\r\n") == Subjects(b"s").of(b"sk-1")
    assert subject("") == Subjects(b"s").of(b"10.0.0.7")
    assert subject() != subject(salt=b"other")
    assert len(subject()) == 32
    assert "sk-1" not in subject()


@pytest.mark.parametrize(
    ("value", "stored"), [("no", False), ("NO", False), ("0", False), ("", False), ("yes", True)]
)
def test_a_client_may_have_a_request_left_out(value: str, stored: bool) -> None:  # noqa: FBT001
    assert bool(subject(f"{KEY}X-Slipgauge-Store: {value}\r\n")) is stored


def test_a_wish_is_not_taken_back_by_a_second_header() -> None:
    assert not subject(f"{KEY}X-Slipgauge-Store: no\r\nX-Slipgauge-Store: yes\r\n")


def test_the_wish_goes_to_no_server() -> None:
    assert b"slipgauge" not in request(headers="X-Slipgauge-Store: no\r\n").forward.lower()


def test_nothing_is_kept_where_there_is_no_file() -> None:
    assert subject(path=None) == ""


def test_a_listed_tenant_is_left_out_and_so_is_one_who_hides_behind_another() -> None:
    listed: dict[str, Any] = {"tenant_header": "X-Tenant", "exclude_tenants": ("acme",)}

    assert subject(f"{KEY}X-Tenant: acme \r\n", **listed) == ""
    assert subject(f"{KEY}x-tenant: other\r\nX-TENANT: acme\r\n", **listed) == ""
    assert subject(f"{KEY}X-Tenant: ACME\r\n", **listed) == ""
    assert subject(f"{KEY}X-Tenant: other,\t Acme\r\n", **listed) == ""
    assert subject(f"{KEY}X-Tenant: acme-2\r\n", **listed) != ""
    assert subject(f"{KEY}X-Tenant: acme corp\r\n", **listed) != ""
    assert subject(KEY, **listed) != ""


def test_tenants_are_listed_as_an_operator_writes_them() -> None:
    listed: dict[str, Any] = {"tenant_header": "X-Tenant", "exclude_tenants": (" Acme ", "Smith, Jones")}

    assert subject(f"{KEY}X-Tenant: acme\r\n", **listed) == ""
    assert subject(f"{KEY}X-Tenant: smith, jones\r\n", **listed) == ""
    assert subject(f"{KEY}X-Tenant: Jones\r\n", **listed) != ""


def test_a_listed_client_is_left_out_by_the_hash_that_its_cases_show() -> None:
    assert subject(exclude_subjects=(subject(),)) == ""
    assert subject("", exclude_subjects=(subject(),)) != ""
