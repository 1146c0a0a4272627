"""The engine's metrics under vLLM's own names, read from its counts when scraped.

Names and labels: https://docs.vllm.ai/en/stable/usage/metrics.html
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from testbed.engine.engine import Engine

_LABELS = ("model_name", "engine")


class EngineCollector(Collector):
    """Makes the metric families of one engine at each scrape."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        """The families as they stand now."""
        labels = (self._engine.name, "0")
        runner = self._engine.runner
        scheduler, stats = runner.scheduler, runner.scheduler.stats
        gauges = (
            ("vllm:num_requests_running", "Sequences in the running batch.", len(scheduler.running)),
            ("vllm:num_requests_waiting", "Sequences waiting for a slot.", runner.waiting),
            ("vllm:kv_cache_usage_perc", "Share of key-value positions in use, 0 to 1.", scheduler.kv_usage),
        )
        for name, told, value in gauges:
            gauge = GaugeMetricFamily(name, told, labels=_LABELS)
            gauge.add_metric(labels, value)
            yield gauge
        counts = (
            ("vllm:prompt_tokens", "Prompt tokens read.", stats.prompt_tokens),
            ("vllm:generation_tokens", "Tokens generated.", stats.generation_tokens),
        )
        for name, told, value in counts:
            counter = CounterMetricFamily(name, told, labels=_LABELS)
            counter.add_metric(labels, value)
            yield counter
        told = "Sequences ended, by reason."
        ended = CounterMetricFamily("vllm:request_success", told, labels=(*_LABELS, "finished_reason"))
        for reason, count in stats.finished.items():
            ended.add_metric((*labels, reason), count)
        yield ended


def exposition(engine: Engine) -> bytes:
    """The text that `/metrics` answers with."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(EngineCollector(engine))
    return generate_latest(registry)
