"""Metrics over blocks: what prometheus_client shows of the counts of every process.

Each takes its series in the first of `blocks`, which is this process's own, and shows sums over all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from types import MappingProxyType

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from proxy.counters.block import Block


class Value:
    """One series of a counter or a gauge. A caller in a hurry does `slots[slot] += 1.0` itself."""

    __slots__ = ("slot", "slots")

    def __init__(self, slots: memoryview[float], slot: int) -> None:
        self.slots = slots
        self.slot = slot

    def inc(self, amount: float = 1.0) -> None:
        """Count `amount` more."""
        self.slots[self.slot] += amount

    def set(self, value: float) -> None:
        """A gauge's value as of now, or a counter's that is counted elsewhere."""
        self.slots[self.slot] = value


class Observer:
    """One series of a histogram: a slot for each bucket, +Inf included, then one for the sum."""

    __slots__ = ("bounds", "first", "slots", "total")

    def __init__(self, slots: memoryview[float], first: int, bounds: tuple[float, ...]) -> None:
        self.slots = slots
        self.first = first
        self.bounds = bounds
        self.total = first + len(bounds) + 1

    def observe(self, value: float) -> None:
        """Count one value."""
        slots = self.slots
        slots[self.first + bisect_left(self.bounds, value)] += 1.0
        slots[self.total] += value

    def set(self, counts: Iterable[float], total: float) -> None:
        """Show what was counted elsewhere by the same bounds: a count for each bucket, and the sum."""
        for slot, count in enumerate(counts, self.first):
            self.slots[slot] = count
        self.slots[self.total] = total


class Family(Collector):
    """One metric with its labels, each series a run of `width` slots."""

    kind = ""
    survives = True
    """Whether what an ended process counted still counts."""
    offset_labels = 0
    """How many of the last labels are offsets in the run, not part of the series' name."""

    def __init__(
        self, name: str, documentation: str, labelnames: Sequence[str], blocks: Sequence[Block], width: int = 1
    ) -> None:
        self.name = name
        self.documentation = documentation
        self.labelnames = tuple(labelnames)
        self._blocks = blocks
        self._width = width
        self._labels = len(self.labelnames) - self.offset_labels
        if not labelnames:
            self._first(())

    def totals(self) -> dict[tuple[str, ...], list[float]]:
        """By label values, the sums over all blocks of the series' slots."""
        found: dict[tuple[str, ...], list[float]] = {}
        for block in self._blocks:
            for labels, values in self.of(block):
                so_far = found.get(labels)
                found[labels] = values if so_far is None else [a + b for a, b in zip(so_far, values, strict=True)]
        return found

    def fold(self, block: Block) -> None:
        """Take over into this process's own block what `block`, whose process has ended, counted."""
        if self.survives:
            slots = self._blocks[0].slots
            for labels, values in self.of(block):
                for slot, value in enumerate(values, self._first(labels)):
                    slots[slot] += value

    def put(self, block: Block, labels: tuple[str, ...], values: Mapping[int, float]) -> None:
        """Have `block` hold these values by offset, 0 elsewhere, in a series of this metric; of no other shape."""
        if len(labels) != self._labels or any(offset >= self._width for offset in values):
            return
        if first := block.run(self.name, labels, self._width):  # else it is full
            for offset in range(self._width):
                block.slots[first + offset] = values.get(offset, 0.0)

    def describe(self) -> Iterable[Metric]:
        """Its name, so that the registry sees two of the same name."""
        return [Metric(self.name, self.documentation, self.kind)]

    def of(self, block: Block) -> Iterable[tuple[tuple[str, ...], list[float]]]:
        """The label values and slots of every series in one block."""
        for labels, run in block.named(self.name):
            yield labels, block.read(run)

    def _first(self, labels: Sequence[object]) -> int:
        if len(labels) != self._labels:
            raise ValueError(f"{self.name} has {self._labels} labels, got {labels}")
        return self._blocks[0].run(self.name, tuple(map(str, labels)), self._width)


class Counter(Family):
    """Only grows. See prometheus_client.Counter; it is shown with `_total` after its name."""

    kind = "counter"
    exemplars: Mapping[tuple[str, ...], Exemplar] = MappingProxyType({})
    """By label values, one event that was counted. Shown as OpenMetrics alone, section "Exemplars"."""

    def labels(self, *labels: object) -> Value:
        """The series with these label values, which exists from now on."""
        return Value(self._blocks[0].slots, self._first(labels))

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client.registry.Collector."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self.labelnames)
        for labels, (value,) in self.totals().items():
            family.add_metric(labels, value, exemplar=self.exemplars.get(labels))
        return [family]


class Gauge(Family):
    """A value of now, `over` the processes that run; one that is not a number is not shown."""

    kind = "gauge"
    survives = False

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str],
        blocks: Sequence[Block],
        over: Callable[[Iterable[float]], float] = sum,
    ) -> None:
        super().__init__(name, documentation, labelnames, blocks)
        self._over = over

    def totals(self) -> dict[tuple[str, ...], list[float]]:
        """By label values, the one value over all blocks."""
        found: dict[tuple[str, ...], list[float]] = {}
        for block in self._blocks:
            for labels, (value,) in self.of(block):
                if not isnan(value):
                    found.setdefault(labels, []).append(value)
        return {labels: [self._over(values)] for labels, values in found.items()}

    def labels(self, *labels: object) -> Value:
        """The series with these label values, which exists from now on."""
        return Value(self._blocks[0].slots, self._first(labels))

    def set(self, value: float) -> None:
        """The value of a gauge without labels."""
        self.labels().set(value)

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client.registry.Collector."""
        family = GaugeMetricFamily(self.name, self.documentation, labels=self.labelnames)
        for labels, (value,) in self.totals().items():
            family.add_metric(labels, value)
        return [family]


class CodeCounter(Family):
    """A counter whose last label takes one of `codes`: a code is an offset in the run. Those at 0 are not shown."""

    kind = "counter"
    offset_labels = 1

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str],
        blocks: Sequence[Block],
        codes: Sequence[str],
    ) -> None:
        super().__init__(name, documentation, labelnames, blocks, len(codes))
        self._codes = tuple(codes)

    def first(self, *labels: object) -> int:
        """The slot of the first code; `labels` are all but the code."""
        return self._first(labels)

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client.registry.Collector."""
        family = CounterMetricFamily(self.name, self.documentation, labels=self.labelnames)
        for labels, values in self.totals().items():
            for code, value in zip(self._codes, values, strict=True):
                if value:
                    family.add_metric((*labels, code), value)
        return [family]


class Histogram(Family):
    """A classic histogram. `bounds` are ascending upper bounds; +Inf is added."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str],
        blocks: Sequence[Block],
        bounds: Sequence[float],
    ) -> None:
        super().__init__(name, documentation, labelnames, blocks, len(bounds) + 2)
        self._bounds = tuple(bounds)

    def labels(self, *labels: object) -> Observer:
        """The series with these label values, which exists from now on."""
        return Observer(self._blocks[0].slots, self._first(labels), self._bounds)

    def observe(self, value: float) -> None:
        """Count one value of a histogram without labels; `labels()` is for a caller in a hurry."""
        self.labels().observe(value)

    def collect(self) -> Iterable[Metric]:
        """See prometheus_client.registry.Collector."""
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.labelnames)
        bounds = [floatToGoString(bound) for bound in (*self._bounds, float("inf"))]  # type: ignore[no-untyped-call]
        for labels, (*counts, total) in self.totals().items():
            cumulative, below = [], 0.0
            for bound, count in zip(bounds, counts, strict=True):
                below += count
                cumulative.append((bound, below))
            family.add_metric(labels, cumulative, total)
        return [family]
