"""What control can take: findings a second on one core, from reports to evidence, metrics' tables included.

    python -m benchmarks.folding

Every report is of another session, so each of its findings is an observation; a tenth fail. `objects` are as they
come within one process, `bytes` as they come from a gateway process of its own, and are read first, `messages` as
they come over NATS: many in one message, which is read as well, though not received here. One process,
no disk: what is written is written elsewhere.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from analyzers.finding import Finding, Score
from proxy.channel.window import BATCH_REPORTS, Window
from proxy.channel.window import read as messages_of
from proxy.config import Arm, Candidate, Config, ModelNames
from proxy.control.control import Control
from proxy.gateway import Ledger
from proxy.report import Analysis, ArmReport, Mark, Report, dumps, loads
from proxy.telemetry import Telemetry

REPORTS = 20_000
ROUNDS = 5
VARIABLES = ("served", "json.prompted", "refusal.gained", "degeneration", "truncation")
"""What a usual request is scored for."""
OTHERS = ("tools", "tools.called", "tools.uncalled", "math.checked", "language", "code")


def findings(number: int) -> tuple[Finding, ...]:
    """Findings of one pair: now and then an arm fails."""
    failed = number % 50
    return tuple(
        Finding(name.partition(".")[0], "1", name, Score(float(failed == 2 * n)), Score(float(failed == 2 * n + 1)))
        for n, name in enumerate(VARIABLES)
    )


def reports() -> list[Report]:
    """One session each, the last twenty still open."""
    kinds = [findings(number) for number in range(50)]
    analyses: Mapping[str, Analysis] = {
        **dict.fromkeys((name.partition(".")[0] for name in VARIABLES), Analysis.SCORED),
        **dict.fromkeys(OTHERS, Analysis.NOT_APPLICABLE),
    }
    seconds = dict.fromkeys(analyses, 1e-4)
    arm = ArmReport(first_token=0.02, gaps=(0, 0, 0, 200, *[0] * 8), gap_seconds=2.0)
    segments = ("model=m", "prompt_length=4kB", "streaming=yes", "structured=no")
    return [
        Report(
            f"p-{number}",
            f"{number:032x}",
            0.05,
            "baseline",
            "paired",
            analyses,
            seconds,
            kinds[number % 50],
            arm,
            arm,
            arrival=number,
            mark=Mark("p", max(0, number - 20)),
            segments=segments,
        )
        for number in range(1, REPORTS + 1)
    ]


def messages(told: Iterable[Report]) -> Iterator[bytes]:
    """What a gateway makes of them for the channel between machines."""
    window = Window(Telemetry(), REPORTS)
    for report in told:
        window.offer(report)
        if window.waiting == BATCH_REPORTS and (parcel := window.take()) is not None:
            window.stored(parcel)
            yield parcel.body
    while (parcel := window.take()) is not None:
        window.stored(parcel)
        yield parcel.body


def rate(take: Callable[[Control], None]) -> float:
    """Findings a second of processor time."""
    config = Config(
        baseline=Arm(url=("http://127.0.0.1:1",)),
        candidate=Candidate(url=("http://127.0.0.1:2",)),
        models={"m": ModelNames()},
    )
    telemetry = Telemetry()
    control = Control(config, telemetry, Ledger(telemetry), "0", clock=lambda: REPORTS)
    began = time.process_time()
    take(control)
    return REPORTS * len(VARIABLES) / (time.process_time() - began)


def main() -> None:
    """Print the median of several rounds."""
    told = reports()
    written = [dumps(report) for report in told]
    sent = list(messages(told))

    def objects(control: Control) -> None:
        for report in told:
            control.receive(report)

    def read(control: Control) -> None:
        for body in written:
            control.receive(loads(body))

    def unpack(control: Control) -> None:
        for body in sent:
            for message in messages_of(body):
                control.receive(message)

    for name, take in (("objects", objects), ("bytes", read), ("messages", unpack)):
        found = statistics.median(rate(take) for _ in range(ROUNDS))
        print(f"{name:9}{found:>10,.0f} findings a second, {found / len(VARIABLES):,.0f} reports")
    size = sum(map(len, sent)) / REPORTS
    print(f"on the wire {size:,.0f} bytes a report, {size / len(VARIABLES):,.0f} a finding")


if __name__ == "__main__":
    main()
