"""What token-level evidence says of the testbed's two int4 models, and what sharing seeds does for it.

    python -m benchmarks.divergence [--engine embedded|vllm] [--count 300] [--quick] [--json FILE]

Three servers run side by side: fp16 and both candidates, by the testbed's engine or by vLLM. Held-out requests are
answered by all three at temperature 0; `token_divergence` then asks its probes as a gateway would have them asked,
with nothing in the way of its budget. Printed are the means of its figures, and how well the log-likelihood ratio
tells the pairs whose final numbers differ from those that agree: the area under the ROC curve, with Hanley and
McNeil's 95 % interval (https://doi.org/10.1148/radiology.143.1.7063747).

Then sums are asked at temperature 1, of each candidate with the seed that fp16 had and with another: how often do
final numbers and whole texts differ? The same between fp16 and itself with another seed is the noise of sampling.

And word problems, of which no analyzer knows the answer, are judged by `math.consensus` with its fresh samples of
fp16. How often what it says of an answer is true is known here, since the problems were made from their answers.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import monotonic
from typing import Any, TypeVar

import aiohttp
import orjson

from analyzers.finding import Analyzer, Finding, Measurement, Need, NotApplicable, Reply, Result
from analyzers.math_checked import answers
from analyzers.math_consensus import MathConsensus
from analyzers.pair import Capture, CapturedPair, End, Pair
from analyzers.reading import read_object, read_pair
from analyzers.token_divergence import TokenDivergence
from analyzers.token_divergence.divergence import FIGURES
from benchmarks.figures import Target, table
from benchmarks.report import finish, options
from proxy.config import Arm, Candidate, Config, Extra, ModelNames, Probes
from proxy.demo.arms import MODEL, MODELS, serving
from proxy.gateway.arms.arm import Arm as RunningArm
from proxy.probes import Prober
from proxy.telemetry import Telemetry
from proxy.workers.job import Replies
from testbed.tasks import Prompt, prompts
from testbed.tasks.prompt import content

SEED = 733
AT_ONCE = 16
CANDIDATES = ("steady", "slipping")
CHAT = "/v1/chat/completions"
ANALYZER = TokenDivergence()
CONSENSUS = MathConsensus()
RATIO = FIGURES.index("log_likelihood_ratio")

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Measured:
    """One pair: its figures, and whether its final numbers and its texts differ."""

    figures: tuple[float, ...]
    numbers_differ: bool
    texts_differ: bool


async def all_of(work: Callable[[T], Awaitable[U]], items: Iterable[T]) -> list[U]:
    """`work` over all items, AT_ONCE at a time, in their order."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> U:
        async with slots:
            return await work(item)

    return await asyncio.gather(*map(one, items))


async def answered(session: aiohttp.ClientSession, url: str, bodies: Sequence[dict[str, Any]]) -> list[bytes]:
    """A server's answers, as bytes."""

    async def one(body: dict[str, Any]) -> bytes:
        async with session.post(f"{url}{CHAT}", json={"model": MODEL, **body}) as response:
            response.raise_for_status()
            return await response.read()

    return await all_of(one, bodies)


def pair_of(number: int, body: dict[str, Any], baseline: bytes, candidate: bytes) -> CapturedPair:
    """A pair as the gateway would hand it over."""
    ours, theirs = (Capture(End.COMPLETE, 200, "application/json", body=answer) for answer in (baseline, candidate))
    asked = orjson.dumps({"model": MODEL, **body})
    return CapturedPair(f"p-{number}", f"s-{number}", "baseline", CHAT, asked, ours, theirs)


def prober(baseline: str, candidate: str) -> Prober:
    """Asks both servers whatever is needed, without limits."""
    unlimited = Extra(tokens_per_second=None, waiting=None, kv_usage=None)
    config = Config(
        baseline=Arm(url=(baseline,), extra=unlimited),
        candidate=Candidate(url=(candidate,), extra=unlimited),
        models={MODEL: ModelNames()},
        probes={each.name: Probes(tokens_per_second=1e9) for each in (ANALYZER, CONSENSUS)},
    )
    telemetry = Telemetry()
    arms = {
        name: RunningArm(name, settings, telemetry, share=1.0, now=monotonic())
        for name, settings in (("baseline", config.baseline), ("candidate", config.candidate))
    }
    return Prober(config, arms, telemetry)


async def scored(analyzer: Analyzer, asking: Prober, captured: CapturedPair) -> Result:
    """What an analyzer says in the end."""
    pair, replies = read_pair(captured), tuple[Reply, ...]()
    while isinstance(result := analyzer.score(pair, replies), Need):
        told: asyncio.Future[Replies | None] = asyncio.get_running_loop().create_future()
        asking.ask(analyzer.name, captured, result.probes, told.set_result)
        came = await told
        if came is None:
            raise RuntimeError("a probe was not answered")
        replies += tuple(Reply(status, read_object(body)) for status, body in came)
    return result


def number(pair: Pair, arm: str) -> answers.Value | None:
    """The final number of one arm's answer."""
    text: str = getattr(pair, arm).choices[0].text
    return answers.final(answers.plain(text))


async def divergences(
    fp16: str, candidate: str, bodies: Sequence[dict[str, Any]], told: Sequence[Sequence[bytes]]
) -> list[Measured]:
    """Every pair that can be measured."""
    asking = prober(fp16, candidate)

    async def one(at: int) -> Measured | None:
        captured = pair_of(at, bodies[at], told[0][at], told[1][at])
        result, pair = await scored(ANALYZER, asking, captured), read_pair(captured)
        if not isinstance(result, Measurement):
            return None
        texts = [getattr(pair, arm).choices[0].text for arm in ("baseline", "candidate")]
        differ = number(pair, "baseline") != number(pair, "candidate")
        return Measured(result.figures, differ, texts[0] != texts[1])

    try:
        return [found for found in await all_of(one, range(len(bodies))) if found is not None]
    finally:
        await asking.close()


def auc(measured: Sequence[Measured]) -> tuple[float, float, float, int]:
    """How well the ratio tells differing numbers from equal ones, its 95 % interval, and how many differ."""
    high = [each.figures[RATIO] for each in measured if each.numbers_differ]
    low = [each.figures[RATIO] for each in measured if not each.numbers_differ]
    if not high or not low:
        return math.nan, math.nan, math.nan, len(high)
    area = fmean((a > b) + (a == b) / 2 for a in high for b in low)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (len(high) - 1) * (q1 - area**2) + (len(low) - 1) * (q2 - area**2)
    half = 1.96 * math.sqrt(max(0.0, spread) / (len(high) * len(low)))
    return area, max(0.0, area - half), min(1.0, area + half), len(high)


async def consensus(
    fp16: str, candidate: str, asked: Sequence[Prompt], told: Sequence[Sequence[bytes]]
) -> dict[str, int]:
    """What became of word problems: pairs that agree, that were settled or not, and how true what was said is."""
    asking, found = prober(fp16, candidate), Counter[str]()

    async def one(at: int) -> None:
        captured = pair_of(at, dict(asked[at].body), told[0][at], told[1][at])
        pair, right = read_pair(captured), answers.final(answers.plain(content(asked[at].answer)))
        if not CONSENSUS.applies(pair):
            return
        result = await scored(CONSENSUS, asking, captured)
        found["pairs"] += 1
        if isinstance(result, NotApplicable):
            found["unsettled"] += 1
        elif isinstance(result, Finding) and number(pair, "baseline") == number(pair, "candidate"):
            found["agree"] += 1
        elif isinstance(result, Finding):
            found["settled"] += 1
            for arm, score in (("baseline", result.baseline), ("candidate", result.candidate)):
                wrong = right is None or number(pair, arm) != right
                found["true" if wrong == bool(score.failed) else "untrue"] += 1

    try:
        await all_of(one, range(len(asked)))
    finally:
        await asking.close()
    return dict(found)


async def disagreements(
    session: aiohttp.ClientSession, urls: dict[str, str], bodies: Sequence[dict[str, Any]]
) -> dict[str, tuple[float, float]]:
    """By which legs are compared: the share of differing final numbers, and of differing texts."""
    drawn = random.Random(SEED)
    seeds = [(drawn.getrandbits(31), drawn.getrandbits(31)) for _ in bodies]
    warm = [
        [{**body, "temperature": 1, "seed": both[leg]} for body, both in zip(bodies, seeds, strict=True)]
        for leg in (0, 1)
    ]
    first = await answered(session, urls["fp16"], warm[0])
    found = {}
    for name, url, leg in (
        ("fp16 and itself, other seed", urls["fp16"], 1),
        *((f"fp16 and {name}, same seed", urls[name], 0) for name in CANDIDATES),
        *((f"fp16 and {name}, other seed", urls[name], 1) for name in CANDIDATES),
    ):
        second = await answered(session, url, warm[leg])
        pairs = [read_pair(pair_of(0, {}, *both)) for both in zip(first, second, strict=True)]
        numbers = fmean(number(pair, "baseline") != number(pair, "candidate") for pair in pairs)
        texts = fmean(pair.baseline.choices[0].text != pair.candidate.choices[0].text for pair in pairs)
        found[name] = (numbers, texts)
    return found


async def measure(engine: str, count: int) -> dict[str, Any]:
    """Start the servers and measure."""
    models = {"fp16": MODELS / "fp16", **{name: MODELS / f"int4-{name}" for name in CANDIDATES}}
    with tempfile.TemporaryDirectory() as logs:
        async with serving(engine, models, Path(logs)) as servers:
            return await measured({server.name: server.url for server in servers}, count)


async def measured(urls: dict[str, str], count: int) -> dict[str, Any]:
    """Everything, of the servers at these URLs: `fp16` and the CANDIDATES."""
    problems = list(prompts(SEED, count, {"arithmetic": 1.0}))
    sums = [dict(prompt.body) for prompt in problems]
    others = [dict(prompt.body) for prompt in prompts(SEED + 1, count // 2)]
    result: dict[str, Any] = {"sums": {}, "mix": {}, "consensus": {}}
    # The servers close idle connections after 5 s: ours must be gone by then.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=3.0)) as session:
        for kind, bodies in (("sums", sums), ("mix", others)):
            told = {name: await answered(session, url, bodies) for name, url in urls.items()}
            for name in CANDIDATES:
                both = (told["fp16"], told[name])
                result[kind][name] = await divergences(urls["fp16"], urls[name], bodies, both)
                if kind == "sums":
                    result["consensus"][name] = await consensus(urls["fp16"], urls[name], problems, both)
        result["disagreements"] = await disagreements(session, urls, sums)
    return result


def show(found: dict[str, Any]) -> dict[str, Any]:
    """Print the tables; what they hold, for machines."""
    figures: dict[str, Any] = {}
    lines = []
    for kind in ("sums", "mix"):
        for name in CANDIDATES:
            pairs: list[Measured] = found[kind][name]
            means = [fmean(each.figures[at] for each in pairs) for at in range(len(FIGURES))]
            figures[f"{kind} {name}"] = {"pairs": len(pairs), **dict(zip(FIGURES, means, strict=True))}
            lines.append((kind, name, f"{len(pairs)}", *(f"{mean:.4f}" for mean in means)))
    print(table(("requests", "candidate", "pairs", *FIGURES), lines), end="\n\n")
    areas = {name: auc(found["sums"][name]) for name in CANDIDATES}
    areas["both"] = auc([each for name in CANDIDATES for each in found["sums"][name]])
    rows = [
        (name, f"{n}", f"{area:.3f}", f"{low:.3f} to {high:.3f}") for name, (area, low, high, n) in areas.items()
    ]
    print(table(("sums, candidate", "numbers differ", "AUC", "95 % interval"), rows), end="\n\n")
    rates = found["disagreements"]
    shares = [(name, f"{numbers:.1%}", f"{texts:.1%}") for name, (numbers, texts) in rates.items()]
    print(table(("sums at temperature 1", "numbers differ", "texts differ"), shares), end="\n\n")
    settled = found["consensus"]
    kinds = ("pairs", "agree", "settled", "unsettled", "true", "untrue")
    counts = [(name, *(str(each.get(kind, 0)) for kind in kinds)) for name, each in settled.items()]
    print(table(("word problems, candidate", *kinds[:4], "said truly", "untruly"), counts), end="\n\n")
    return {"figures": figures, "auc": areas, "disagreements": rates, "consensus": settled}


def main() -> None:
    """Measure, print, judge."""
    parser = options("benchmarks.divergence", __doc__)
    parser.add_argument("--engine", choices=("embedded", "vllm"), default="embedded", help="what serves")
    parser.add_argument("--count", type=int, default=300, help="sums asked (default 300)")
    wanted = parser.parse_args()
    shown = show(asyncio.run(measure(wanted.engine, 20 if wanted.quick else wanted.count)))
    figures, rates = shown["figures"], shown["disagreements"]
    kl = [figures[f"sums {name}"]["kl"] for name in CANDIDATES]
    same, other = (rates[f"fp16 and steady, {seed} seed"][0] for seed in ("same", "other"))
    targets = [
        Target("steady's divergence in slipping's", kl[0] / kl[1], 0.5),
        Target("pairs whose numbers differ and that rank below one that agrees", 1 - shown["auc"]["both"][0], 0.25),
        Target("disagreement with steady by the same seed in that by another", same / max(other, 1e-9), 0.7),
    ]
    finish(wanted, {"engine": wanted.engine, **shown}, targets, ())


if __name__ == "__main__":
    main()
