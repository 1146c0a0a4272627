"""What scoring costs the gateway's event loop, and how much one analyzer process takes.

    python -m benchmarks.scoring [--rounds 5] [--quick] [--json FILE]

The real pool, channel and control on uvloop, with one analyzer process, and answers as the other benchmarks use
them. `loop` is this process's CPU per pair, from handing it over to its counts, all in; `child` the analyzer
process's. "full queue" keeps the queue full, so that answers come in batches; "spaced" hands over a pair at a time,
200 a second, to a loop that has nothing else to do: it is mostly what waking up costs. "refused" is a pair for
which the queue has no room: asked, and counted. Medians over the rounds.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median

import uvloop

from analyzers.pair import Capture, CapturedPair, End
from benchmarks.figures import Target, table
from benchmarks.messages import EVENTS, PLAIN_BODY, request, stream_body
from benchmarks.process import children, cpu_seconds
from benchmarks.report import finish, options
from proxy.channel.memory import MemoryChannel
from proxy.config import Analysis, Arm, Candidate, Config, ModelNames
from proxy.control.control import Control
from proxy.gateway import Ledger
from proxy.report import Report, Unmeasured
from proxy.telemetry import Telemetry
from proxy.workers.pool import WorkerPool

PAIRS = 3_000
"""Scored in a run with a full queue; a tenth of them in a spaced one."""
AHEAD = 64
"""Pairs in the queue while it is kept full."""
RATE = 200.0
SCORED = 40.0
REFUSED = 1.0
"""Microseconds of the event loop that a pair may cost."""


def pairs(count: int, *, stream: bool) -> deque[CapturedPair]:
    """Pairs of equal arms, each with words and a session of its own."""
    found: deque[CapturedPair] = deque()
    for number in range(count):
        if stream:
            body = stream_body(EVENTS).replace(b" gauge", b" %d" % number, 1)
            size = len(body) // EVENTS
            arrivals = tuple((0.1 + event * 0.02, event * size) for event in range(1, EVENTS + 1))
            answer = Capture(End.COMPLETE, 200, "text/event-stream; charset=utf-8", "", body, arrivals, 1.5)
        else:
            body = PLAIN_BODY.replace(b"block", b"%d" % number, 1)
            answer = Capture(End.COMPLETE, 200, "application/json", "", body, ((0.1, len(body)),), 0.1)
        asked = request(number, stream=stream).partition(b"\r\n\r\n")[2]
        names = (f"pair-{number}", f"session-{number}", "baseline", "/v1/chat/completions")
        found.append(CapturedPair(*names, asked, answer, answer))
    return found


@dataclass(frozen=True)
class Cost:
    """Microseconds a pair."""

    loop: float
    child: float
    """CPU of the analyzer process."""
    took: float
    """From first to last, by the clock."""


class Bench:
    """Pool, channel and control, wired as a deployment wires them."""

    def __init__(self) -> None:
        config = Config(
            baseline=Arm(url=("http://127.0.0.1:1",)),
            candidate=Candidate(url=("http://127.0.0.1:2",)),
            models={"bench": ModelNames()},
            analysis=Analysis(queue_pairs=AHEAD),
        )
        telemetry = Telemetry()
        self._control = Control(config, telemetry, Ledger(telemetry), "bench")
        self._channel = MemoryChannel(self._control.receive, telemetry)
        self.pool = WorkerPool(config.analysis, telemetry, self._publish)
        self._waiting: deque[CapturedPair] = deque()
        self._topping_up = False
        self._done = asyncio.Event()

    async def start(self) -> None:
        """Begin, and wait until the analyzer process is up."""
        await self._channel.start()
        await self.pool.start()
        await self._all(pairs(1, stream=False))

    async def stop(self) -> None:
        """End the analyzer process."""
        await self.pool.stop()
        await self._channel.stop()

    async def cost(self, waiting: deque[CapturedPair], *, space: float = 0.0) -> Cost:
        """Score them all: one each `space` seconds, or with a full queue where that is 0."""
        count = len(waiting)
        (child,) = children(os.getpid())
        before = (time.process_time(), cpu_seconds(child), time.monotonic())
        await (self._spaced(waiting, space) if space else self._all(waiting))
        after = (time.process_time(), cpu_seconds(child), time.monotonic())
        loop, at_child, took = ((b - a) / count * 1e6 for a, b in zip(before, after, strict=True))
        return Cost(loop - (await self._pauses(count, space) if space else 0.0), at_child, took)

    async def _all(self, waiting: deque[CapturedPair]) -> None:
        self._waiting = waiting
        self._done.clear()
        self._top_up()
        await self._done.wait()
        await asyncio.sleep(0.01)  # the last reports are counted

    async def _spaced(self, waiting: deque[CapturedPair], space: float) -> None:
        while waiting:
            self.pool.submit(waiting.popleft(), "paired")
            await asyncio.sleep(space)
        await self.pool.drain()

    async def _pauses(self, count: int, space: float) -> float:
        """Microseconds that a pause costs by itself."""
        began = time.process_time()
        for _ in range(count):
            await asyncio.sleep(space)
        return (time.process_time() - began) / count * 1e6

    def _publish(self, report: Report) -> None:
        self._channel.publish(report)
        if not self._topping_up:
            self._topping_up = True
            asyncio.get_running_loop().call_soon(self._top_up)

    def _top_up(self) -> None:
        self._topping_up = False
        while self._waiting and self.pool.has_room():
            self.pool.submit(self._waiting.popleft(), "paired")
        if not self.pool.statistics()["open"]:
            self._done.set()


def refused(count: int) -> float:
    """Microseconds of the pool for a pair that has no room: it accepts nothing, as nothing has been started."""
    pool = WorkerPool(Analysis(), Telemetry(), lambda _: None)
    began = time.process_time()
    for _ in range(count):
        if not pool.has_room():
            pool.refuse(Unmeasured(1, "s", "baseline", "paired"))
    return (time.process_time() - began) / count * 1e6


async def measured(count: int, rounds: int) -> dict[str, list[Cost]]:
    """Every way of scoring, turn about."""
    found: dict[str, list[Cost]] = {}
    bench = Bench()
    await bench.start()
    for _ in range(rounds):
        for name, stream in (("plain", False), ("streamed", True)):
            costs = found.setdefault(f"{name}, full queue", [])
            costs.append(await bench.cost(pairs(count, stream=stream)))
            costs = found.setdefault(f"{name}, spaced", [])
            costs.append(await bench.cost(pairs(count // 10, stream=stream), space=1 / RATE))
    await bench.stop()
    return found


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(median(getattr(cost, each.name) for cost in costs) for each in fields(Cost)))


def main() -> None:
    """Measure, print, judge."""
    parser = options("benchmarks.scoring", __doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternated runs of each row (default 5)")
    wanted = parser.parse_args()
    count, rounds = (20, 1) if wanted.quick else (PAIRS, wanted.rounds)
    found = {name: middle(costs) for name, costs in uvloop.run(measured(count, rounds)).items()}
    without_room = refused(100 * count)
    lines = [
        (name, f"{cost.loop:.1f}", f"{cost.child:.0f}", f"{1e6 / cost.took:,.0f}") for name, cost in found.items()
    ]
    lines.append(("refused", f"{without_room:.2f}", "", ""))
    print(table(("pairs", "loop us", "child us", "pairs/s"), lines), end="\n\n")
    targets = [Target(f"event loop, {name}", found[name].loop, SCORED, " us") for name in found if "full" in name]
    targets.append(Target("event loop, refused", without_room, REFUSED, " us"))
    finish(wanted, {"rows": {name: asdict(cost) for name, cost in found.items()}}, targets, ())


if __name__ == "__main__":
    main()
