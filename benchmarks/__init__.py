"""Slipgauge beside its peers over the same mock servers, one command a question; see docs/benchmarks.md."""
