"""docs/verdict.md, from what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import log
from pathlib import Path
from typing import Any, NamedTuple

from verdict_report.figures import upper_limit
from verdict_report.sections import broken, coverage, false_alarms, power, safe

Results = dict[str, Any]

HEAD = (Path(__file__).parent / "head.md").read_text()


class Target(NamedTuple):
    """A promise and what was measured."""

    words: str
    measured: float
    at_most: float

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.measured <= self.at_most


def page(found: Results) -> str:
    """The whole page."""
    parts = [HEAD, _false_alarms(found), _peers(found), _power(found), _late(found), _safe(found), _coverage(found)]
    parts += [_cost(found), _missed(found)]
    return "\n".join(parts)


def targets(found: Results) -> Iterator[Target]:
    """Every promise."""
    for name, counted in found["false_alarms"].items():
        limit = upper_limit(counted["alarms"], counted["runs"])
        yield Target(f"false alarms, {name}: upper 95 % limit", limit, false_alarms.ALPHA)
    for name, rows in found["power"].items():
        slip = power.SLIPS[name]
        for row in rows:
            about = f"{slip.words}, w = {_weight(row['weight'])}"
            yield Target(f"{about}: median over the optimum", row["median"] / row["optimum"], slip.of_optimum)
            for which, most in zip(("median", "p90"), row["targets"], strict=True):
                if most is not None:
                    yield Target(f"{about}: {which}", row[which], most)
    yield Target("alert: median", found["alert"]["median"], found["alert"]["target"])
    for cell in found["safe"]["cells"]:
        for which, reference in zip(("median", "p90", "together"), cell["reference"], strict=True):
            about = f"safe, {cell['discordance']:.1%} at {cell['margin']:.1%}: {which}"
            yield Target(f"{about} over the first measurement", cell[which] / reference, 1.1)
    for row in found["safe"]["false"]:
        yield Target(f"false passes at {row['margin']:.1%}", upper_limit(row["passes"], row["runs"]), safe.ALPHA)
    for name, missed in found["coverage"]["misses"].items():
        most = coverage.SAFE + coverage.HARM / 2
        yield Target(f"interval, {name}: misses", upper_limit(missed["either"], found["coverage"]["runs"]), most)


def _cost(found: Results) -> str:
    cost = found["cost"]
    return f"""\
## What it costs

On one core of the machine that measured this page: {cost["evidence"]:.1f} µs to fold a session into one guardrail's
evidence, {cost["late"]:.1f} µs into the late-slip detector, and {cost["reading"]:.0f} µs to read an interval. Both
together take {1e6 / (cost["evidence"] + cost["late"]):,.0f} observations a second. What is kept of a guardrail does
not grow with the sessions: a number for each bet, and counts.
"""


def _missed(found: Results) -> str:
    every = list(targets(found))
    missed = [target for target in every if not target.met]
    rows = [(target.words, f"{target.measured:.4g}", f"{target.at_most:.4g}") for target in missed]
    told = _table(("target", "measured", "at most"), rows) if rows else ""
    return f"## Targets\n\n{len(every) - len(missed)} of {len(every)} targets are met.\n\n{told}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _share(hits: int, runs: int) -> str:
    return f"{hits / runs:.2%}"


def _weight(weight: float) -> str:
    return "1" if weight == 1 else f"1/{round(1 / weight)}"


def _picture(name: str, words: str) -> str:
    return f"![{words}](verdict-{name}.svg)\n"


def _false_alarms(found: Results) -> str:
    rows = [
        (
            false_alarms.SCENARIOS[name].words,
            f"{false_alarms.SCENARIOS[name].margin:.1%}",
            f"{counted['runs']:,}",
            _share(counted["alarms"], counted["runs"]),
            f"{upper_limit(counted['alarms'], counted['runs']):.2%}",
        )
        for name, counted in found["false_alarms"].items()
    ]
    table = _table(("traffic", "margin", "runs", "false alarms", "upper 95 % limit"), rows)
    return f"""\
## False alarms

Runs of {false_alarms.SESSIONS:,} sessions with a look after every one, at α = 1 %. In none of them the slip ever
exceeds the margin. Where clients react to answers, sessions were played turn by turn, each failing at a rate of its
own, and X taken of the first applicable turn.

{table}
Aborts alarm less than they might, because what is missing counts for the candidate.

What would break it, on identical arms as well ({broken.RUNS:,} runs at a nominal 1 %). This is why X is what it is:

{_broken(found)}"""


def _broken(found: Results) -> str:
    words = {name: each[0] for name, each in broken.RULES.items()}
    words["swinging"] = "none: a slip that swings between −2 and +2 points every thousand sessions"
    rows = [(words[name], _share(each["alarms"], each["runs"])) for name, each in found["broken"].items()]
    note = "\nThe last is no error: for a thousand sessions at a time the slip was above the margin of 0.\n"
    return _table(("rule in place of ours", "alarms"), rows) + note


def _peers(found: Results) -> str:
    columns = {
        "Slipgauge, α = 1 %": found["false_alarms"]["iid"],
        "McNemar's test at 1 %, at every look": found["peers"]["peeking"],
        "slip of the last 500 sessions above 1 point": found["peers"]["threshold"],
    }
    shown = [place for place, mark in enumerate(false_alarms.MARKS) if mark in (500, 1_000, 5_000, 20_000)]
    head = ("method", *(f"by {false_alarms.MARKS[place]:,} sessions" for place in shown))
    rows = [
        (name, *(_share(counted["by"][place], counted["runs"]) for place in shown))
        for name, counted in columns.items()
    ]
    return f"""\
## Beside a fixed-size test and a threshold

Both arms are the same and fail 3 % of sessions, each by itself. A test made for one look at a size fixed beforehand
is looked at after every session, as a dashboard is; a threshold is what an alert on two error rates amounts to.

{_table(head, rows)}
{_picture("false-alarms", "False alarms by sessions: a threshold, a repeated test, Slipgauge")}"""


def _power(found: Results) -> str:
    rows = [
        (
            slip.words,
            _weight(row["weight"]),
            f"{row['median']:,}",
            f"{row['p90']:,}",
            " / ".join(f"{most:,}" for most in row["targets"] if most is not None),
            f"{row['optimum']:,.0f}",
            f"{row['median'] / row['optimum']:.2f}",
        )
        for name, slip in power.SLIPS.items()
        if not slip.onset
        for row in found["power"][name]
    ]
    head = ("slip", "w", "median", "90 % of runs", "targets", "optimum", "median / optimum")
    return f"""\
## Sessions until `fail`

{power.RUNS:,} runs each at α = 1 %; *w* is the guardrail's share of it. JSON: the candidate alone fails 5.9 % of
sessions and the baseline alone 0.5 %; refusals: 1.1 % and 0.1 %. The *optimum*, ln(1/wα)/g\\*, is what the best bet
would take that knows these rates beforehand; the median is to be at most 1.3 times that.

{_table(head, rows)}
{_picture("sessions-to-fail", "Share of runs that have failed, by sessions, for three slips and two weights")}"""


def _late(found: Results) -> str:
    slip, alert = power.SLIPS["late"], found["alert"]
    rows = [
        (
            f"`fail`, w = {_weight(row['weight'])}, margin 1 %",
            f"{row['median']:,}",
            f"{row['p90']:,}",
            f"{row['targets'][0]:,}",
            f"{row['median'] / row['optimum']:.2f}",
        )
        for row in found["power"]["late"]
    ]
    rows.append(
        (
            "alert, 8 guardrails, margin 0.5 %",
            f"{alert['median']:,}",
            f"{alert['p90']:,}",
            f"{alert['target']:,}",
            "",
        )
    )
    lengths = [alert["run_lengths"][key]["mean"] for key in ("0.005", "0.0")]
    return f"""\
## A slip that begins late

{slip.onset:,} sessions of equal arms, each failing 0.5 % by itself; then the JSON slip. Sessions from there on
until `fail` ({power.RUNS:,} runs) and until the late-slip alert at a run length of 100,000 ({alert["runs"]:,} runs,
{alert["early"]} of which alerted before the slip); the median of `fail` is to be at most 2.5 times the optimum.

{_table(("what", "median", "90 % of runs", "target", "median / optimum"), rows)}
{_picture("late-slip", "Share of runs by sessions since the slip began: the alert first, then the failures")}
At a stated run length of {alert["stated"]:,}, short enough to be measured, the mean was {lengths[0]:,.0f} sessions
where all eight guardrails slip by exactly their margin, and {lengths[1]:,.0f} where none slips.
"""


def _safe(found: Results) -> str:
    rows = [
        (
            f"{cell['discordance']:.1%}",
            f"{cell['margin']:.1%}",
            *(
                f"{cell[which]:,} ({reference:,})"
                for which, reference in zip(("median", "p90", "together"), cell["reference"], strict=True)
            ),
            f"{log(1 / safe.ALPHA) / cell['margin']:,.0f}",
        )
        for cell in found["safe"]["cells"]
    ]
    head = ("one arm alone fails", "margin", "median", "90 % of runs", "five at once, median", "no test can before")
    false = ", ".join(
        f"{_share(row['passes'], row['runs'])} at a margin of {row['margin']:.1%} (upper 95 % limit "
        f"{upper_limit(row['passes'], row['runs']):.2%})"
        for row in found["safe"]["false"]
    )
    return f"""\
## Sessions until `pass`

Equal arms, α = 5 %, {safe.RUNS:,} runs. In brackets the first measurement of this process, from 300 to 4,000 runs.

{_table(head, rows)}
{_picture("sessions-to-pass", "Median sessions to a pass by how often the arms differ, for three margins")}
Where the slip is exactly the margin, a look after every one of {safe.FALSE_SESSIONS:,} sessions passes it in
{false}; at most 5 % are allowed ({safe.FALSE_RUNS:,} runs).
"""


def _coverage(found: Results) -> str:
    runs = found["coverage"]["runs"]
    rows = [
        (coverage.TRUTHS[name].words, *(_share(missed[side], runs) for side in ("lower", "upper", "either")))
        for name, missed in found["coverage"]["misses"].items()
    ]
    head = ("traffic", "slip below the interval", "above it", "either")
    wide = [
        (f"{n:,}", *(f"{low:+.2%} to {high:+.2%}" for low, high in bounds))
        for n, *bounds in zip(
            coverage.WIDTHS, *(each["intervals"] for each in found["coverage"]["widths"]), strict=True
        )
    ]
    return f"""\
## The interval

How often the true running slip is *ever* outside, with a look after every one of {coverage.SESSIONS:,} sessions
({runs:,} runs). At most 0.5 %, 5 % and 5.5 % are allowed, the first being half of the guardrail's α of 1 %.

{_table(head, rows)}
How wide it is, at a margin of 0.5 %, after sessions that went as expected:

{_table(("sessions", "equal arms, 0.5 % each", "JSON 1.4 → 6.8 %"), wide)}
{_picture("interval", "Lower and upper bounds by sessions, narrowing around no slip and around 5.4 points")}"""
