"""`slipgauge cases export` and `import`, over a pool of real cases."""

from __future__ import annotations

import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from analyzers.pair import Choice
from cases.case import Answer, Case, Judged, Label, dumps, loads
from cases.export import FORMATS
from cases.redaction import RedactorError
from proxy.cases.moving import NAMED
from proxy.cases.sqlite_pool import SqlitePool
from tests.cases import test_cli
from tests.cases.export import made
from tests.cases.test_cli import run, told


def case(text: str, name: str) -> Case:
    """One that has not been in a pool yet."""
    return replace(made.case(text, name), strata=())


TEXTS = (
    "What is 6 * 7?",
    "Tell me a long story of Oslo.",
    "Return the age of this man as JSON.",
    "Compute 12 + 30.",
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.db"
    with closing(SqlitePool(path)) as pool:
        for number, text in enumerate(TEXTS):
            pool.add(case(text, f"p{number}"))
        pool.label("p0", Label(Judged.SLIP, "ada", "2026-01-03T00:00:00.000Z"))
    return path


def test_the_plain_form_goes_out_and_comes_in_again(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "cases.jsonl"
    assert told("export", "--pool", file, "--out", out) == {
        "cases": 4,
        "left_out": {},
        "format": "jsonl",
        "out": str(out),
    }
    kept = [loads(line) for line in out.read_bytes().splitlines()]
    other = tmp_path / "other.db"

    assert told("import", out, "--pool", other) == {"cases": 4, "became": {"kept": 4}, "refused": []}
    assert oct(other.stat().st_mode & 0o777) == "0o600"

    again = {
        each.pair_id: each
        for line in run("export", "--pool", other).stdout_bytes.splitlines()
        for each in [loads(line)]
    }
    assert {each.pair_id: each.request for each in kept} == {name: each.request for name, each in again.items()}
    assert again["p0"].labels[0].judged is Judged.SLIP
    assert oct(out.stat().st_mode & 0o777) == "0o600"


def test_what_is_filtered_is_exported_and_noted(file: Path) -> None:
    result = run("export", "--pool", file, "--judged", "slip")

    assert [loads(line).pair_id for line in result.stdout_bytes.splitlines()] == ["p0"]
    assert "1 cases exported" in result.stderr
    with closing(SqlitePool(file)) as pool:
        (_, access), *_ = pool.accesses()
    assert (access.action, access.what) == ("export", "1 cases as jsonl")
    assert len(run("export", "--pool", file, "--limit", "3").stdout_bytes.splitlines()) == 3


def test_more_than_a_page_is_exported(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.cases.moving.MOST", 3)

    assert len(run("export", "--pool", file).stdout_bytes.splitlines()) == 4


@pytest.mark.parametrize("form", FORMATS[1:])
def test_each_tool_gets_a_folder_or_an_archive(file: Path, tmp_path: Path, form: str) -> None:
    folder, archive = tmp_path / "folder", tmp_path / "all.zip"

    one = told("export", "--pool", file, "--format", form, "--out", folder)
    two = told("export", "--pool", file, "--format", form, "--out", archive)

    assert one["cases"] == two["cases"] == 4
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert sorted(zipfile.ZipFile(archive).namelist()) == [f"slipgauge-cases/{name}" for name in names]


def test_what_is_left_out_is_said(file: Path, tmp_path: Path) -> None:
    with closing(SqlitePool(file)) as pool:
        pool.add(replace(case("Something else that nobody reads.", "bare"), texts=False))

    said = run("export", "--pool", file, "--format", "inspect", "--out", tmp_path / "o").stderr

    assert "4 cases exported" in said
    assert "1 left out: each has no texts" in said


def test_nothing_is_written_over(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "there"
    out.write_text("mine")

    result = run("export", "--pool", file, "--out", out)

    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert out.read_text() == "mine"


@pytest.mark.parametrize("arguments", [("--format", "inspect"), ("--json",)])
def test_files_need_a_place(file: Path, arguments: tuple[str, ...]) -> None:
    assert run("export", "--pool", file, *arguments).exit_code == 2


def test_what_comes_from_elsewhere_is_redacted(file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.jsonl"
    answer = Answer("complete", 200, (Choice("Ask bob@example.org."),))
    theirs.write_bytes(dumps(replace(case("Whom should I ask for help?", "new"), baseline=answer)))

    assert told("import", theirs, "--pool", file)["became"] == {"kept": 1}
    assert told("show", "new", "--pool", file)["baseline"]["choices"][0]["text"] == "Ask <email-1>."


def test_a_bad_line_is_named_and_the_others_come_in(file: Path, tmp_path: Path) -> None:
    bad, sound = tmp_path / "bad.jsonl", dumps(case("One more question of mine.", "new"))
    odd = sound.replace(b'"new"', b'"odd"').replace(b'"complete"', b'"vanished"', 1)
    large = sound.replace(b'"new"', b'"large"').replace(b'"request":{', b'"request":{"seed":%d,' % (1 << 70))
    bad.write_bytes(b"\n".join((b"{}", odd, b"", large, sound, b"\xff")))

    result, again = run("import", bad, "--pool", file), run("import", bad, "--pool", file, "--json")

    assert (result.exit_code, again.exit_code) == (1, 1)
    assert result.stdout == "1 cases offered: 1 kept\n"
    assert [line.partition(" was left out: ")[::2] for line in result.stderr.splitlines()] == [
        ("line 1", "not a case"),
        ("line 2", "an answer's end should be one of complete, refused, reset, deadline, too_large, aborted"),
        ("line 4", "holds a number that JSON cannot write, such as one above 64 bits"),
        ("line 6", "not a case"),
    ]
    assert [each["line"] for each in orjson.loads(again.stdout)["refused"]] == [1, 2, 4, 6]
    assert run("show", "new", "--pool", file).exit_code == 0


def test_of_many_bad_lines_the_first_are_named(file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b"{}\n" * (NAMED + 5))

    said = run("import", bad, "--pool", file).stderr.splitlines()

    assert (len(said), said[-1]) == (NAMED + 1, "and 5 more; --json names them all")


def test_a_redactor_that_fails_lets_nothing_in(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise RedactorError("it raised ValueError")

    monkeypatch.setattr("cases.incoming.redact_again", fails)
    new = tmp_path / "new.jsonl"
    new.write_bytes(dumps(case("One more question of mine.", "new")))

    assert run("import", new, "--pool", file).exit_code == 1
    assert run("show", "new", "--pool", file).exit_code == 1
    assert test_cli.told("stats", "--pool", file)["cases"] == 4
