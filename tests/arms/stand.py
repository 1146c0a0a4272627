"""An arm for a test, and what it shows in the metrics."""

from __future__ import annotations

from typing import Any

from proxy.config import Arm as Settings
from proxy.gateway.arms.arm import Arm
from proxy.telemetry import Telemetry


class Stand:
    def __init__(self, *urls: str, share: float = 1.0, **settings: Any) -> None:
        self.telemetry = Telemetry()
        self.arm = Arm("candidate", Settings(url=urls, **settings), self.telemetry, share=share, now=0.0)

    def metric(self, name: str, **labels: str) -> float | None:
        value: float | None = self.telemetry.registry.get_sample_value(
            f"slipgauge_{name}", {"arm": "candidate", **labels}
        )
        return value
