"""Counts that cost a request nothing: slots in memory that the process which owns the metrics reads at a scrape."""

from proxy.counters.block import Block
from proxy.counters.families import CodeCounter, Counter, Gauge, Histogram, Observer, Value

__all__ = ["Block", "CodeCounter", "Counter", "Gauge", "Histogram", "Observer", "Value"]
