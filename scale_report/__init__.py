"""Measured rates, the arithmetic to 100,000 requests a second, and a simulation at that size: docs/scale.md."""
