"""The worked example under docs/examples works as it says, through the doors that others have."""

from __future__ import annotations

import pytest
import yaml

from analyzers import registry
from analyzers.finding import Finding
from analyzers.pair import Exchange, Pair
from proxy.config_file import parse
from proxy.report import Analysis
from tests.analyzers import third_party
from tests.analyzers.exchanges import ask, said
from tests.workers.pool_harness import captured, running

LIMITED = ask("Describe the sea in at most 5 words.")


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (said("Wide, blue and never still."), 0.0),
        (said("It is wide, blue and never still."), 1.0),
        (said("Don't ask well-known sailors twice."), 0.0),
        (said(""), 0.0),
        (said("Wide.", "It is wide, blue and never still."), 0.5),
    ],
)
def test_the_example_counts_words(answer: Exchange, failed: float) -> None:
    with third_party.installed():
        (analyzer,) = registry.load(["word_limit"])
    finding = analyzer.score(_pair(answer))
    assert isinstance(finding, Finding)
    assert finding.candidate.failed == failed


def test_the_example_applies_where_a_limit_is_set() -> None:
    with third_party.installed():
        (analyzer,) = registry.load(["word_limit"])
    assert analyzer.applies(_pair(said("Wide.")))
    assert not analyzer.applies(_pair(said("Wide."), "Describe the sea."))


async def test_the_example_runs_in_an_analyzer_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(third_party.wheel()))
    with third_party.installed():
        async with running(enabled=("served", "word_limit")) as scored:
            ordered = [{"role": "user", "content": "Say it in no more than 2 words."}]
            scored.pool.submit(captured("long", "One two three.", messages=ordered), "paired")
            scored.pool.submit(captured("other"), "paired")
            await scored.pool.drain()
    limited, other = scored.reports
    assert limited.findings[-1].candidate.label == "too_long"
    assert other.analyses["word_limit"] is Analysis.NOT_APPLICABLE


def test_the_configuration_in_its_readme_is_good() -> None:
    shown = (third_party.EXAMPLE / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    arms = "baseline: {url: 'http://127.0.0.1:1'}\ncandidate: {url: 'http://127.0.0.1:2'}\nmodels: {m: {}}\n"
    text = arms + "\n".join(line.removeprefix("   ") for line in shown.splitlines())
    with third_party.installed():
        config = parse(text)
    assert config.analysis.enabled[-1] == "word_limit"
    assert yaml.safe_load(text)["guardrails"].keys() == config.guardrails.keys()


def _pair(answer: Exchange, prompt: str | None = None) -> Pair:
    return Pair("id", LIMITED if prompt is None else ask(prompt), said("Wide."), answer)
