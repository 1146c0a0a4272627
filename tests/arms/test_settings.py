"""What `check-config` says of arms with several servers, and of certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner

from proxy.cli import main
from proxy.config_file import ConfigError, parse
from tests.arms.certificates import Authority

ONE, TWO, OTHER = "http://127.0.0.1:8001", "http://127.0.0.1:8002", "http://127.0.0.1:8003"
SECURE = "https://127.0.0.1:8443"


def document(**baseline: Any) -> str:
    """A file whose baseline has these keys."""
    tree = {
        "baseline": {"url": ONE, **baseline},
        "candidate": {"url": OTHER},
        "models": {"m": {}},
        "clients": {"sessions": 0},
    }
    return yaml.safe_dump(tree)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, {})
    return [str(problem) for problem in caught.value.problems]


def test_a_url_may_be_a_list() -> None:
    assert parse(document(url=[ONE, TWO]), {}).baseline.url == (ONE, TWO)
    assert parse(document(), {}).baseline.url == (ONE,)


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        ({"url": [ONE, "ftp://x"]}, 'baseline.url.1: found "ftp://x", should be a URL that starts with http://'),
        ({"url": []}, "baseline.url: is empty, should hold at least one entry"),
        ({"url": 8001}, "baseline.url: found 8001, should be a URL, such as http://127.0.0.1:8001, or a list of"),
        ({"url": [ONE, TWO, "http://localhost:8001"]}, "baseline.url.2: localhost:8001 stands in baseline.url.0"),
        (
            {"url": [ONE, "http://127.0.0.1:8080"]},
            "baseline.url.1: 127.0.0.1:8080 is our own port (listen), a loop",
        ),
        ({"url": [ONE, OTHER]}, "candidate.url: 127.0.0.1:8003 is the baseline's server too"),
        (
            {"ejection": {"pause": 5, "max_pause": 2}},
            "baseline.ejection.max_pause: found 2, should be no less than",
        ),
        (
            {"health": {"path": "health"}},
            'baseline.health.path: found "health", should be a path that starts with /',
        ),
        ({"extra": {"kv_usage": 90}}, "baseline.extra.kv_usage: found 90, should be less than or equal to 1"),
        (
            {"extra": {"tokens_per_second": 0}},
            "baseline.extra.tokens_per_second: found 0, should be greater than 0",
        ),
        ({"tls": {"verify": False}}, "baseline.tls.verify: has no use, since baseline.url is not https"),
        ({"url": SECURE, "tls": {"ca_file": "/absent"}}, "baseline.tls.ca_file: /absent cannot be read: No such"),
        ({"url": SECURE, "tls": {"verify": "no"}}, 'baseline.tls.verify: found "no", should be a boolean'),
    ],
)
def test_one_thing_wrong_is_one_problem_with_its_path(baseline: dict[str, Any], expected: str) -> None:
    (problem,) = problems(document(**baseline))

    assert problem.startswith(expected)


def test_a_certificate_needs_its_key_and_the_key_its_certificate(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).issue("localhost")
    for given, other in (({"cert_file": cert}, "key_file"), ({"key_file": key}, "cert_file")):
        (problem,) = problems(document() + yaml.safe_dump({"tls": given}))
        assert problem == f"tls.{next(iter(given))}: needs tls.{other} beside it"


def test_files_that_do_not_match_are_told(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    (cert, _), (_, other) = ca.issue("localhost"), ca.issue("localhost")
    mixed = {"cert_file": cert, "key_file": other}
    assert problems(document(url=SECURE, tls=mixed) + yaml.safe_dump({"tls": mixed})) == [
        "tls.key_file: is not the key of the certificate in cert_file",
        "baseline.tls.key_file: is not the key of the certificate in cert_file",
    ]


def test_an_arm_that_is_not_verified_is_good_and_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(document(url=SECURE, tls={"verify": False}))
    shown = CliRunner().invoke(main, ["check-config", str(path)])
    told = orjson.loads(CliRunner().invoke(main, ["check-config", str(path), "--json"]).stdout)

    assert shown.exit_code == 0
    assert shown.stderr.startswith("warning: baseline.tls.verify: is false, so anybody on the way can pose as")
    assert told["valid"]
    assert len(told["warnings"]) == 1
