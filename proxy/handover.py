"""The metrics of a run that ends before anybody scrapes it: to a Pushgateway, or into a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from urllib.parse import quote, urlsplit

from prometheus_client import CollectorRegistry, Metric, exposition
from prometheus_client.openmetrics import exposition as openmetrics

from proxy.control.control import Control

TIMEOUT = 10.0
"""Seconds that a Pushgateway has to answer."""


class HandoverError(Exception):
    """The metrics could not be handed over; the message says where, and why."""


class _Dated:
    """The metrics of a registry, each with the time: without one promtool makes no blocks of them."""

    def __init__(self, registry: CollectorRegistry, now: float) -> None:
        self._registry = registry
        self._now = round(now, 3)

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client.registry.Collector."""
        for metric in self._registry.collect():
            metric.samples = [sample._replace(timestamp=self._now) for sample in metric.samples]
            yield metric


class Handover:
    """Takes the metrics while they are there, and hands them over once the run has said what it found.

    `gateway` is the URL of a Pushgateway (https://github.com/prometheus/pushgateway), in which they replace the
    group of the same `job`; `file` is written as OpenMetrics text. Raises ValueError for what is no URL.
    """

    def __init__(self, job: str, gateway: str | None, file: Path | None) -> None:
        if gateway is not None and not (urlsplit(gateway).scheme in {"http", "https"} and urlsplit(gateway).netloc):
            raise ValueError(f"found {gateway!r}, should be a URL such as http://127.0.0.1:9091")
        self._job = job
        self._gateway = gateway
        self._file = file
        self._text = b""
        self._open = b""

    def take(self, control: Control) -> None:
        """Remember the metrics as they are now."""
        control.refresh()
        registry = control.telemetry.registry
        self._text = exposition.generate_latest(registry)
        self._open = openmetrics.generate_latest(_Dated(registry, time()))  # type: ignore[no-untyped-call]

    def finish(self) -> None:
        """Write and push what was taken. Blocks. Raises HandoverError."""
        if self._file is not None:
            try:
                self._file.write_bytes(self._open)
            except OSError as error:
                raise HandoverError(f"{self._file} cannot be written: {error.strerror}") from None
        if self._gateway is not None:
            url = f"{self._gateway.rstrip('/')}/metrics/job/{quote(self._job, safe='')}"
            headers = [("Content-Type", exposition.CONTENT_TYPE_PLAIN_0_0_4)]
            try:
                exposition.default_handler(url, "PUT", TIMEOUT, headers, self._text)()
            except OSError as error:
                raise HandoverError(f"the Pushgateway at {url} did not take the metrics: {error}") from None
