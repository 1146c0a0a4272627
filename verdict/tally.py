"""How often each arm failed, over sessions or turns. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from verdict.sessions import Measured


@dataclass(slots=True)
class Tally:
    """Counts of what was measured. Those of which X is not known are apart, and in no rate."""

    count: int = 0
    baseline_failed: float = 0.0
    candidate_failed: float = 0.0
    missing: int = 0

    def observe(self, measured: Measured, count: int = 1) -> None:
        """Count one, or several that are alike."""
        if measured.baseline is None or measured.candidate is None:
            self.missing += count
            return
        self.count += count
        self.baseline_failed += count * measured.baseline
        self.candidate_failed += count * measured.candidate

    @property
    def baseline_rate(self) -> float | None:
        """Mean F of the baseline; None without any."""
        return self.baseline_failed / self.count if self.count else None

    @property
    def candidate_rate(self) -> float | None:
        """Mean F of the candidate; None without any."""
        return self.candidate_failed / self.count if self.count else None

    @property
    def slip(self) -> float | None:
        """Mean of X = F(candidate) - F(baseline); None without any."""
        return (self.candidate_failed - self.baseline_failed) / self.count if self.count else None

    def dump(self) -> tuple[int, float, float, int]:
        """As JSON takes it; `Tally(*dump)` is the same again."""
        return self.count, self.baseline_failed, self.candidate_failed, self.missing
