from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.config import Config
from proxy.config_file import FILE_BYTES, ConfigError, load, parse

ROOT = Path(__file__).parents[2]
GOOD: dict[str, Any] = {
    "baseline": {"url": "http://127.0.0.1:8001"},
    "candidate": {"url": "http://127.0.0.1:8002"},
    "models": {"m": {}},
}


def document(**changes: Any) -> str:
    """The smallest good file, with these top-level sections merged in."""
    tree = {key: dict(value) for key, value in GOOD.items()}
    for key, value in changes.items():
        tree[key] = tree.get(key, {}) | value if isinstance(value, dict) else value
    return yaml.safe_dump(tree)


def problems(text: str, **environ: str) -> list[str]:
    """What is said of a bad file, a line for each problem."""
    with pytest.raises(ConfigError) as caught:
        parse(text, environ)
    return [str(problem) for problem in caught.value.problems]


def test_the_smallest_file_is_two_urls_and_a_model() -> None:
    assert parse(document(), {}) == Config.model_validate(GOOD)


def test_the_file_at_the_root_is_good_and_holds_the_defaults() -> None:
    written = load(ROOT / "config.yaml", {})
    smallest = parse(document(models={"m": {}}), {})

    assert written.model_copy(update={"models": smallest.models}) == smallest


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mirror": {"smaple": 1}}, "mirror.smaple: unknown key; did you mean sample?"),
        ({"sample": 1}, "sample: unknown key; did you mean mirror.sample?"),
        ({"mirror": {"sample": "a lot"}}, 'mirror.sample: found "a lot", should be a number'),
        ({"mirror": {"sample": "5%"}}, 'mirror.sample: found "5%", should be a number; write 0.05'),
        ({"mirror": {"sample": "1e-3"}}, 'mirror.sample: found "1e-3", should be a number; write 0.001'),
        ({"limits": {"drain": "30s"}}, 'limits.drain: found "30s", should be a number; write 30'),
        ({"limits": {"drain": "1h"}}, 'limits.drain: found "1h", should be a number; write 3600'),
        ({"limits": {"clients": "many"}}, 'limits.clients: found "many", should be a number'),
        ({"mirror": {"sample": float("nan")}}, "mirror.sample: found no finite number, should be less than"),
        ({"log": {"level": "\ud800"}}, "log.level: found '\\ud800', should be"),
        (
            {"candidate": {"url": "http://127.0.0.1:8002", "revision": "a\nb"}},
            'candidate.revision: found "a\\nb", should be a name of up to 200 printable characters',
        ),
        ({"candidate": {"url": "http://127.0.0.1:8002", "revision": "x" * 201}}, "should be a name of up to 200"),
        ({"mirror": {"sample": 2}}, "mirror.sample: found 2, should be less than or equal to 1"),
        ({"mirror": {"paths": "/v1"}}, 'mirror.paths: found "/v1", should be a list'),
        ({"mirror": {"paths": ["v1"]}}, 'mirror.paths.0: found "v1", should be a path that starts with /'),
        ({"mirror": None}, "mirror: found nothing, should be a section of keys: paths, sample"),
        ({"limits": {"clients": 1.5}}, "limits.clients: found 1.5, should be a whole number"),
        ({"models": None}, "models: found nothing, should be names with settings, such as models: {name: {}}"),
        ({"models": ["a"]}, "models: found a list, should be names with settings, such as models: {a: {}}"),
        ({"models": "org/a"}, 'models: found "org/a", should be names with settings, such as models: {org/a: {}}'),
        ({"models": ["a@b"]}, "models: should be names with settings, such as models: {name: {}}"),
        ({"guardrails": ["served"]}, "such as guardrails: {served: {margin: ...}}"),
        ({"listen": 8080}, "listen: found 8080, should be host and port, such as 127.0.0.1:8080"),
        ({"admin": {"listen": 8081}}, "admin.listen: found 8081, should be host and port, such as 127.0.0.1:8080"),
        ({"models": {"m": {"baselin": "x"}}}, "models.m.baselin: unknown key; did you mean baseline?"),
        ({"listen": "8080"}, 'listen: found "8080", should be host and port, such as 127.0.0.1:8080'),
        (
            {"listen": "127.0.0.1:99999"},
            'found "127.0.0.1:99999", should be host and port, the port from 1 to 65535, or 0 for a free one',
        ),
        ({"listen": f"{'a' * 64}.example:80"}, "should be host and port, its host's labels of 1 to 63 characters"),
        ({"baseline": {"url": "http://a..b"}}, "should be a URL, its host's labels of 1 to 63 characters"),
        ({"session": {"header": "X Session"}}, 'session.header: found "X Session", should be a header\'s name'),
        ({"session": {"header": ""}}, 'session.header: found "", should be a header\'s name'),
        ({"models": {"": {}}}, 'models: found "", should not be empty'),
        ({"models": {"m": {"candidate": ""}}}, 'models.m.candidate: found "", should not be empty'),
        ({"limits": {"head_bytes": 1}}, "limits.head_bytes: found 1, should be greater than or equal to 1024"),
        ({"baseline": {"url": "127.0.0.1:8001"}}, "starts with http:// or https://"),
        ({"baseline": {"url": "http://127.0.0.1:8001/v1"}}, "should hold no path"),
        ({"baseline": {"url": "http://:8001"}}, "should name a host"),
        ({"baseline": {"url": "http://a:99999"}}, "port up to 65535"),
        (
            {"listen": "127.0.0.1:9", "admin": {"listen": "localhost:9"}},
            "localhost:9 is taken by listen",
        ),
        ({"listen": "0.0.0.0:8001"}, "baseline.url: 127.0.0.1:8001 is our own port (listen), a loop"),
        ({"admin": {"listen": "127.0.0.1:8002"}}, "candidate.url: 127.0.0.1:8002 is our own port (admin.listen)"),
        (
            {"candidate": {"url": "http://localhost:8001"}},
            "localhost:8001 is the baseline's server too",
        ),
        ({"baseline": {"api_key_env": "KEY"}}, "baseline.api_key_env: the environment variable KEY is not set"),
        ({"session": {"salt_env": "SALT"}}, "session.salt_env: the environment variable SALT is not set"),
        ({"admin": {"listen": "0.0.0.0:8081"}}, "admin.listen: 0.0.0.0:8081 is reachable from outside"),
        ({"admin": {"listen": "metrics:8081"}}, "admin.listen: metrics:8081 is reachable from outside"),
        ({"analysis": {"enabled": ["jsn"]}}, "analysis.enabled.0: no analyzer is named 'jsn'; did you mean json?"),
        ({"analysis": {"enabled": ["json", "json"]}}, "analysis.enabled.1: 'json' stands here twice"),
        (
            {"canary": {"weight": 0.1}},
            "canary.weight: unknown key; rollout.canary lists the candidate's shares as steps; `slipgauge promote`",
        ),
        (
            {"rollout": {"canary": [{"weight": 0.5}, {"weight": 0.1}]}},
            "rollout.canary.1.weight: found 0.1, should be above the step before, 0.5",
        ),
        ({"rollout": {"canary": [{}]}}, "rollout.canary.0.weight: is missing: Share of sessions"),
        ({"rollout": {"canary": [{"weight": 0.1, "minutes": 5}]}}, "rollout.canary.0.minutes: unknown key"),
        (
            {
                "candidate": {"url": "http://127.0.0.1:8002", "capacity": 0.2},
                "rollout": {"canary": [{"weight": 0.3}]},
            },
            "rollout.canary.0.weight: found 0.3, should be no more than candidate.capacity, 0.2",
        ),
        ({"rollout": {"advance": "auto"}}, "rollout.advance: auto needs store.path"),
        ({"store": {"path": "/nowhere/s.db"}}, "store.path: the folder /nowhere does not exist"),
        ({"store": {"path": "/"}}, "store.path: / is a folder"),
        ({"cases": {"path": "c.db"}}, "cases.path: needs store.path or session.salt_env"),
        ({"store": {"path": "s.db"}, "cases": {"path": "/nowhere/c.db"}}, "cases.path: the folder /nowhere does"),
        ({"store": {"path": "s.db"}, "cases": {"path": "./s.db"}}, "cases.path: is store.path as well"),
        ({"cases": {"exclude_tenants": ["acme"]}}, "cases.exclude_tenants: needs cases.tenant_header"),
        (
            {"cases": {"exclude_tenants": ["b", "Grüße"], "tenant_header": "T"}},
            "cases.exclude_tenants.1: should be",
        ),
        ({"cases": {"exclude_subjects": ["sk-1"]}}, "cases.exclude_subjects.0: should be the hash"),
        ({"cases": {"redactor": "nobody:finds"}}, "cases.redactor: redactor 'nobody:finds' cannot be loaded"),
        ({"cases": {"uniform": 0}}, "cases.uniform: found 0"),
        ({"triggers": {"command": ["no-such-program"]}}, "triggers.command.0: no program 'no-such-program'"),
        ({"triggers": {"webhooks": [{"url": "ftp://x"}]}}, 'triggers.webhooks.0.url: found "ftp://x", should be'),
        (
            {"triggers": {"webhooks": [{"url": "http://x", "secret_env": "HOOK"}]}},
            "triggers.webhooks.0.secret_env: the environment variable HOOK is not set",
        ),
        (
            {"admin": {"operator_token_env": "OPERATOR"}},
            "admin.operator_token_env: the environment variable OPERATOR",
        ),
        ({"guardrails": {"json": {"margin": 0.1}}}, "guardrails.json: no such guardrail"),
        ({"guardrails": {"served": {}}}, "guardrails.served.margin: is missing"),
        (
            {"analysis": {"enabled": ["json"]}, "guardrails": {"served": {"margin": 0.1}}},
            "guardrails.served: no enabled analyzer feeds it",
        ),
    ],
)
def test_one_thing_wrong_is_one_problem_with_its_path(changes: dict[str, Any], expected: str) -> None:
    (problem,) = problems(document(**changes))

    assert expected in problem


def test_everything_wrong_is_said_at_once() -> None:
    found = problems(
        document(
            listen="127.0.0.1:8001",
            mirror={"sample": "x", "what": 1},
            candidate={"url": "ftp://x", "api_key_env": "KEY"},
            analysis={"enabled": ["served", "nothing"]},
        )
    )

    assert {problem.partition(":")[0] for problem in found} == {
        *("mirror.sample", "mirror.what", "candidate.url", "candidate.api_key_env"),
        *("baseline.url", "analysis.enabled.1"),
    }


def test_missing_sections_are_named() -> None:
    assert problems("listen: 127.0.0.1:8080") == [
        "baseline: is missing",
        "candidate: is missing",
        "models: is missing: Client-facing model names; only these are mirrored.",
    ]


def test_secrets_are_never_repeated() -> None:
    found = problems(
        document(
            baseline={"url": "http://me:hunter2@host:1/v1", "api_key_env": "sk-hunter2"},
            candidate={"api_key": "hunter2", "api_key_env": ["hunter2"]},
        )
    )

    assert len(found) == 4
    assert "hunter2" not in "".join(found)


def test_secrets_that_are_set_are_fine() -> None:
    text = document(baseline={"api_key_env": "KEY"}, admin={"listen": "0.0.0.0:1", "viewer_token_env": "TOKEN"})

    assert parse(text, {"KEY": "a", "TOKEN": "b"}).admin.viewer_token_env == "TOKEN"
    assert problems(text, KEY="a", TOKEN="") == [
        "admin.viewer_token_env: the environment variable TOKEN is not set; set it, or leave the key out"
    ]


def test_one_server_may_be_both_arms_under_two_names() -> None:
    same = {"url": "http://127.0.0.1:8001"}
    text = document(candidate=same, models={"m": {"baseline": "base", "candidate": "lora"}})

    assert parse(text, {}).candidate.url == (same["url"],)


def test_port_0_is_a_free_one_and_never_taken() -> None:
    assert parse(document(listen="127.0.0.1:0", admin={"listen": "127.0.0.1:0"}), {}).listen == "127.0.0.1:0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1", "is not YAML: line 1, column 6"),
        ("a: b: c", "is not YAML: line 1"),
        ("a: !!python/object/apply:os.system [ls]", "is not YAML: line 1"),
        ("a: 2026-99-99", "is not YAML: month must be in 1..12"),
        ("? [a]\n: b", "is not YAML: line 1"),
        ("a: 1\n---\nb: 2", "is not YAML: line 2"),
        ("- a", "found a list, should be keys with values"),
        ("", "found nothing, should be keys with values"),
        ("hello", 'found "hello", should be keys with values'),
    ],
)
def test_what_is_no_mapping_is_told(text: str, expected: str) -> None:
    (problem,) = problems(text)

    assert problem.startswith(expected)


def test_a_key_given_twice_is_told_with_both_lines() -> None:
    assert problems(document() + "mirror:\n  sample: 0.1\n  repeat: 0.1\n  sample: 0.2\n") == [
        "line 10: key 'sample' stands here again, first on line 8; keep one"
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"a: \xe9")
    (tmp_path / "huge").write_bytes(b"#" * (FILE_BYTES + 1))

    for name, expected in (
        ("absent", "No such file or directory"),
        ("", "Is a directory"),
        ("latin", "is not UTF-8 at byte 3"),
        ("huge", "is larger than"),
    ):
        with pytest.raises(ConfigError, match=expected):
            load(tmp_path / name)


def test_the_message_counts_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("mirror: {sample: 2}")
    with pytest.raises(ConfigError) as caught:
        load(path, {})

    head, *lines = str(caught.value).splitlines()
    assert head == f"{path}: 4 problems"
    assert len(lines) == 4


def test_aliases_are_refused_so_that_a_few_lines_stay_a_few_values() -> None:
    bomb = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])

    assert problems(bomb) == ["is not YAML: line 2, column 10: aliases are not read; write the value out"]
