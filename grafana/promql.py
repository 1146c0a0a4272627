"""The few shapes that the boards' queries have. Selectors take `$job`: one board serves several deployments."""

from __future__ import annotations

RATE = "$__rate_interval"
"""At least four scrapes, as Grafana works it out of the datasource's scrape interval."""


def own(metric: str, *matchers: str) -> str:
    """A selector of one of Slipgauge's metrics, named without its prefix."""
    return f"slipgauge_{metric}" + _braced('job=~"$job"', *matchers)


def vllm(metric: str, *matchers: str) -> str:
    """A selector of one of vLLM's metrics. `arm` is a label that the scrape configuration gives each server."""
    return f"vllm:{metric}" + _braced('job=~"$vllm_job"', 'arm=~"baseline|candidate"', *matchers)


def most(selector: str, by: str = "") -> str:
    """The largest value of now: of a gauge that one process alone exports, its value."""
    return f"max{_by(by)} ({selector})"


def rate(selector: str, by: str = "", over: str = RATE) -> str:
    """What a counter grows by in a second, summed by these labels."""
    return f"sum{_by(by)} (rate({selector}[{over}]))"


def grown(selector: str, by: str = "", over: str = "$__range") -> str:
    """What a counter has grown by."""
    return f"sum{_by(by)} (increase({selector}[{over}]))"


def share(part: str, whole: str) -> str:
    """A part of a whole that has the same labels; absent where there is nothing to be a part of, never 0/0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(q: float, histogram: str, by: str = "", over: str = RATE) -> str:
    """A quantile of what a histogram counted lately; absent where it counted nothing."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, {rate(_bucket(histogram), labels, over)}) >= 0"


def mean(histogram: str, by: str = "", over: str = RATE) -> str:
    """The mean of what a histogram counted lately; absent where it counted nothing."""
    total, count = (rate(_suffixed(histogram, suffix), by, over) for suffix in ("_sum", "_count"))
    return f"{total} / ({count} > 0)"


def _braced(*matchers: str) -> str:
    return f"{{{','.join(matchers)}}}"


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""


def _bucket(selector: str) -> str:
    return _suffixed(selector, "_bucket")


def _suffixed(selector: str, suffix: str) -> str:
    name, brace, labels = selector.partition("{")
    return f"{name}{suffix}{brace}{labels}"
