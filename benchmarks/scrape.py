"""What a scrape costs: the series, and the time until they are written, for 5 guardrails and 20 segments.

    python -m benchmarks.scrape

20,000 sessions in 20 segments have been folded; before each scrape more come, so that verdicts and intervals are
found anew, as in a deployment under traffic. `whole` is a deployment with its defaults, 10 guardrails and every
attribute at its most values, which is the most that segments can be. One process, no network; times are of its
processor. A slice is what is done between two moments at which clients are served.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import chain, pairwise

from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics

from analyzers.finding import Finding, Score
from proxy.config import Arm, Candidate, Config, Guardrail, ModelNames
from proxy.control.control import Control
from proxy.control.exposition import Encoder, pieces
from proxy.gateway import Ledger
from proxy.report import Analysis, Mark, Report
from proxy.telemetry import Telemetry

REPORTS = 20_000
SCRAPES = 60
BETWEEN = 50
"""Sessions from one scrape to the next."""
VARIABLES = {
    "served": "served",
    "json.prompted": "json",
    "refusal.gained": "refusal",
    "degeneration": "degeneration",
    "truncation": "truncation",
}
"""Each with its analyzer; their guardrails are the five."""
FIVE = ("served", "json.invalid", "refusal.gained", "degeneration", "truncation")


def reports(segments: tuple[int, ...]) -> Iterator[Report]:
    """One session each. `segments` says how many values each attribute has."""
    analyses = dict.fromkeys(VARIABLES.values(), Analysis.SCORED)
    number = 0
    while True:
        number += 1
        failed = number % 50
        findings = tuple(
            Finding(analyzer, "1", name, Score(float(failed == 2 * n)), Score(float(failed == 2 * n + 1)))
            for n, (name, analyzer) in enumerate(VARIABLES.items())
        )
        places = tuple(f"a{attribute}=v{number % values}" for attribute, values in enumerate(segments))
        yield Report(
            f"p-{number}",
            f"{number:032x}",
            1.0,
            "baseline",
            "paired",
            analyses,
            {},
            findings,
            arrival=number,
            mark=Mark("p", number),
            segments=places,
        )


def measure(name: str, guardrails: tuple[str, ...] | None, segments: tuple[int, ...]) -> None:
    """Print how many series there are, and how long scrapes take."""
    config = Config(
        baseline=Arm(url=("http://127.0.0.1:1",)),
        candidate=Candidate(url=("http://127.0.0.1:2",)),
        models={"m": ModelNames()},
    )
    if guardrails is not None:
        chosen: dict[str, Guardrail] = {each: config.guardrails[each] for each in guardrails}
        config = config.model_copy(update={"guardrails": chosen})
    telemetry = Telemetry()
    control = Control(config, telemetry, Ledger(telemetry), "0", clock=lambda: REPORTS * 10)
    coming = reports(segments)
    for _ in range(REPORTS):
        control.receive(next(coming))
    encoders: dict[str, Encoder] = {
        "text": exposition.generate_latest,
        "openmetrics": openmetrics.generate_latest,
    }
    for encoder, encode in encoders.items():
        taken, longest, body = list[float](), list[float](), b""
        for _ in range(SCRAPES):
            for _ in range(BETWEEN):
                control.receive(next(coming))
            times, written = [time.process_time()], list[bytes]()
            for piece in chain((b"" for _ in control.refreshing()), pieces(telemetry.registry.collect(), encode)):
                written.append(piece)
                times.append(time.process_time())
            body = b"".join(written)
            taken.append(1_000 * (times[-1] - times[0]))
            longest.append(1_000 * max(later - former for former, later in pairwise(times)))
        series = sum(not line.startswith(b"#") for line in body.splitlines())
        slips = sum(line.startswith(b"slipgauge_slip_ratio{") for line in body.splitlines())
        first, *rest = taken
        ends = statistics.quantiles(rest, n=20)
        print(
            f"{name:8}{encoder:12}{series:>7,} series, {slips:,} of them slips; {len(body) / 1024:,.0f} kB;"
            f" first {first:.1f} ms, then median {ends[9]:.1f} ms, p95 {ends[-1]:.1f} ms, worst {max(rest):.1f} ms;"
            f" longest slice: median {statistics.median(longest):.1f} ms, worst {max(longest):.1f} ms"
        )


def main() -> None:
    """Print both."""
    measure("5 x 20", FIVE, (20,))
    measure("whole", None, (21, 6, 2, 2))


if __name__ == "__main__":
    main()
