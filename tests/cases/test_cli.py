from __future__ import annotations

import io
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from cases.subject import Subjects
from proxy.cases.sqlite_pool import SqlitePool
from proxy.cli import main
from proxy.control.sqlite_store import SqliteStore
from proxy.control.store import Batch
from tests.cases.made import case, finding

SLIP = finding("math.checked", baseline=False, candidate=True)
HOSTILE = "\x1b]0;owned\x07\x1b[2Jred\x1b[31m \u202eevil\u2066 \x00 \u2028 \ud83d<script>alert(1)</script>"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cases.db"
    with closing(SqlitePool(path)) as pool:
        pool.add(case("p1", SLIP, distance=0.5, subject="a" * 32, at="2026-01-01T00:00:00.000Z"))
        pool.add(case("p2", subject="b" * 32, at="2026-01-02T00:00:00.000Z", answer="wholly new"))
    return path


def run(*arguments: str | Path, given: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["cases", *map(str, arguments)], input=io.BytesIO(given))


def told(*arguments: str | Path, given: bytes = b"") -> Any:
    result = run(*arguments, "--json", given=given)
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_cases_are_listed_without_their_texts_page_after_page(file: Path) -> None:
    page = told("list", "--pool", file, "--limit", "1")
    rest = told("list", "--pool", file, "--limit", "1", "--before", page["next"])

    assert [each["pair_id"] for each in (*page["cases"], *rest["cases"])] == ["p2", "p1"]
    assert "wholly new" not in str(page)
    assert [each["pair_id"] for each in told("list", "--pool", file, "--label", "wrong")["cases"]] == ["p1"]
    assert "math.checked:wrong" in run("list", "--pool", file).output


def test_a_case_is_shown_and_that_is_in_the_access_log(file: Path) -> None:
    assert told("show", "p2", "--pool", file)["candidate"]["choices"][0]["text"] == "wholly new"
    assert "wholly new" in run("show", "p2", "--pool", file).output
    with closing(SqlitePool(file)) as pool:
        (_, access), _ = pool.accesses()
    assert access.by.startswith("cli:")
    assert (access.action, access.what) == ("read", "case p2")


def test_a_case_is_labelled_and_counts_for_its_analyzer(file: Path) -> None:
    told("label", "p1", "slip", "--pool", file, "--note", "off by one", "--by", "ada")
    told("label", "p1", "analyzer_wrong", "--pool", file, "--by", "bob")

    found = told("stats", "--pool", file)
    assert found["precision"]["math.checked"] == {"right": 1, "wrong": 1, "ratio": 0.5}
    assert found["strata"]["uniform"]["cases"] == 2
    assert "math.checked" in run("stats", "--pool", file).output


def test_a_client_is_erased_by_its_hash_or_by_what_it_identifies_itself_with(file: Path, tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "store.db")) as store:  # in use, as by a deployment that runs
        store.commit(Batch(state={"salt": b"sea"}))
        config = tmp_path / "c.yaml"
        config.write_text(
            yaml.safe_dump({"cases": {"path": str(file)}, "store": {"path": str(tmp_path / "store.db")}})
        )
        with closing(SqlitePool(file)) as pool:
            pool.add(case("p3", subject=Subjects(b"sea").of(b"Bearer sk-1")))

        assert told("erase", "--config", config, "--identity-file", "-", given=b"Bearer sk-1\n")["erased"] == 1
    assert told("erase", "--pool", file, "--subject", "a" * 32)["erased"] == 1
    assert [each["pair_id"] for each in told("list", "--pool", file)["cases"]] == ["p2"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("list", "--limit", "0"), 2, "whole number from 1 to 1000"),
        (("list", "--before", "x", "--order", "divergent"), 2, "cursor"),
        (("list", "--judged", "maybe"), 2, "'slip'"),
        (("label", "p1", "wonderful"), 2, "'slip'"),
        (("label", "p1", "slip", "--by", "\x1b[2J"), 2, "--by should be"),
        (("label", "p1", "slip", "--analyzer", "math"), 2, "--analyzer should be one of math.checked, or left out"),
        (("label", "p2", "slip", "--analyzer", "json"), 2, "--analyzer should be one of none, or left out"),
        (("label", "none", "slip"), 1, "no case 'none' is kept"),
        (("show", "\x1b[2J"), 1, r"'\x1b[2J'"),
        (("erase",), 2, "--subject or by --identity-file"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_would_be_right(
    file: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = run(*arguments, "--pool", file)

    assert result.exit_code == code
    assert words in result.output


def test_where_there_is_no_pool_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("listen: 127.0.0.1:1\n")
    (tmp_path / "text.db").write_text("no database " * 99)

    for arguments, code, words in [
        (("--config", tmp_path / "c.yaml"), 2, "name a file in cases.path"),
        (("--config", tmp_path / "none.yaml"), 2, "--pool"),
        (("--pool", tmp_path / "none.db"), 2, "no such file"),
        (("--pool", tmp_path / "text.db"), 1, "not a database"),
    ]:
        result = run("list", *arguments)
        assert (result.exit_code, words in result.output) == (code, True), result.output


def test_whatever_a_model_wrote_is_shown_as_text(file: Path) -> None:
    hostile = HOSTILE.replace("\ud83d", "")
    with closing(SqlitePool(file)) as pool:
        pool.add(case("bad", SLIP, prompt=hostile, answer=f"{hostile}\nsecond line" + "x" * 1_000_000))
    run("label", "bad", "slip", "--pool", file, "--note", hostile)
    result = run("show", "bad", "--pool", file)

    assert result.exit_code == 0
    assert "<script>alert(1)</script>" in result.output
    assert r"\x1b]0;owned\x07" in result.output
    assert r"\u{202e}evil" in result.output
    assert "\nsecond line" in result.output
    unseen = {char for char in result.output if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"}}
    assert unseen == {"\n"}
