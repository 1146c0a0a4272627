from __future__ import annotations

from pathlib import Path

import pytest

from analyzers import registry

SOUND = """
class Third:
    name, version, variables, labels, scores_unserved = "third", "1", ("third",), frozenset({"ok"}), False
    figures = ()
    def prepare(self): return
    def applies(self, pair): return False
    def score(self, pair, replies=()): raise NotImplementedError
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    module = f"third_{abs(hash(source))}"
    (folder / f"{module}.py").write_text(source)
    info = folder / "third-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[slipgauge.analyzers]\nthird = {module}:Third\n")
    monkeypatch.syspath_prepend(str(folder))


def test_built_in_analyzers_load_in_the_order_asked_for() -> None:
    assert [analyzer.name for analyzer in registry.load(["refusal", "served"])] == ["refusal", "served"]


def test_an_unknown_analyzer_is_named_with_those_there_are() -> None:
    with pytest.raises(registry.AnalyzerError, match=r"no analyzer 'nope'.*json, .*refusal, .*served"):
        registry.load(["nope"])


def test_a_third_party_analyzer_comes_through_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, SOUND)
    assert "third" in registry.names()
    assert registry.load(["third"])[0].version == "1"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("class Third", "class Other", "cannot be loaded"),
        ("class", "import nowhere\nclass", "cannot be loaded"),
        ('"third", "1"', '"fourth", "1"', "`name`"),
        ('"third", "1"', '"third", 1', "`version`"),
        ("def prepare", "def other", "`prepare`"),
        ("def applies", "def other", "`applies`"),
        ("def score", "def other", "`score`"),
        ('("third",)', "()", "`variables`"),
        ('("third",)', '("Third One",)', "`variables`"),
        ("figures = ()", "figures = 5", "`figures`"),
        ('frozenset({"ok"})', "frozenset(map(str, range(100)))", "`labels`"),
        ("False\n", "None\n", "`scores_unserved`"),
    ],
)
def test_a_broken_analyzer_is_refused_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, why: str
) -> None:
    assert old in SOUND
    install(tmp_path, monkeypatch, SOUND.replace(old, new, 1))
    with pytest.raises(registry.AnalyzerError, match=why):
        registry.load(["third"])
