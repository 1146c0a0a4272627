from __future__ import annotations

from typing import Any

import pytest

from proxy.config import Config
from proxy.config_warnings import warnings

NO_CLIENTS = {"clients": {"sessions": 0}}
ARMS = {
    **NO_CLIENTS,
    "baseline": {"url": "http://127.0.0.1:8001"},
    "candidate": {"url": "http://127.0.0.1:8002"},
    "models": {"m": {}},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"clients": {}}, ["clients.identity: is left out"]),
        ({"clients": {"identity": "X-Tenant"}}, []),
        ({"guardrails": {}}, ["guardrails: holds none"]),
        (
            {"analysis": {"enabled": ("served", "json")}},
            ["feeds tools.invalid, tools.called, tools.uncalled, refusal"],
        ),
        ({"analysis": {"enabled": ("served",)}, "guardrails": {"served": {"margin": 0.01}}}, []),
        (
            {"baseline": {"url": "https://127.0.0.1:8001", "tls": {"verify": False}}},
            ["baseline.tls.verify: is false"],
        ),
    ],
)
def test_what_is_allowed_and_should_not_stay_is_said(changes: dict[str, Any], expected: list[str]) -> None:
    found = list(warnings(Config.model_validate(ARMS | changes)))

    assert len(found) == len(expected)
    for each, words in zip(found, expected, strict=True):
        assert words in each


def test_a_token_that_can_be_guessed_is_warned_of_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIEWER", "short and secret")
    monkeypatch.setenv("OPERATOR", "shorter, secret")
    admin = {"viewer_token_env": "VIEWER", "operator_token_env": "OPERATOR"}
    (warning,) = warnings(Config.model_validate({**ARMS, "admin": admin}))

    assert warning.startswith("admin.operator_token_env: OPERATOR holds fewer than 16 characters")
    assert "secret" not in warning
