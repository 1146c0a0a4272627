"""The first page: is the candidate losing anything, where, and how sure is that. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from proxy.control.console import chart
from proxy.control.console.chart import percent
from proxy.control.console.guardrails import guardrails, over_time, segments, state_of
from proxy.control.console.history import Slip
from proxy.control.console.layout import Frame, page, table
from proxy.control.console.markup import NOTHING, Child, Html, tag


class Seen(NamedTuple):
    """All that the page tells, as it was at one moment."""

    told: Mapping[str, Any]
    """The object of `GET /verdict`."""
    stage: Mapping[str, Any]
    """The object of `GET /stage`."""
    ledger: Mapping[str, Any]
    """The object of `GET /ledger`."""
    weights: tuple[float, ...]
    """The candidate's share of sessions at each step of the rollout."""
    harm: float
    """Probability of a false `fail` over all time."""
    safe: float
    """Probability of a false `pass`."""
    slips: Mapping[str, Sequence[tuple[float, Slip]]]
    """By guardrail, its samples over time."""
    cases: Mapping[str, str]
    """By guardrail, where its cases are; empty where none are kept."""
    endpoints: Mapping[str, str]


def overview(frame: Frame, seen: Seen) -> str:
    """The page."""
    rows = seen.told["guardrails"]
    return page(
        frame,
        headline(seen.told["verdict"], rows),
        "/",
        _answer(seen),
        _stage(seen),
        _against(seen.told),
        guardrails(rows, seen.cases),
        over_time(rows, seen.slips),
        segments(seen.told["segments"], rows),
        _ledger(seen.ledger),
        _endpoints(seen.endpoints),
    )


def headline(verdict: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The answer in a sentence."""
    failed = [row for row in rows if row["state"] == "fail"]
    required = [row for row in rows if row["required"]]
    match verdict:
        case "fail":
            return f"The candidate loses more than it may, on {len(failed)} of {_counted(len(rows))}."
        case "pass":
            return f"Nothing is lost that matters: {_counted(len(required))} required, and every one is safe."
        case "inconclusive":
            still = sum(row["state"] != "pass" for row in required)
            return f"Not known yet: {still} of {_counted(len(required))} still open, and none has failed."
        case _:
            return "Nothing is known yet: too few sessions have been measured."


def where(rows: Sequence[Mapping[str, Any]]) -> str:
    """The worst of it: the failed guardrail, or else the highest, furthest beyond its margin."""
    known = [row for row in rows if row["slip"] is not None and row["lower"] is not None]
    if not known:
        return ""
    failed = [row for row in known if row["state"] == "fail"]
    worst = max(failed or known, key=lambda row: row["slip"] / (row["margin"] or chart.UNIT))
    slip, lower, upper = (percent(worst[name], signed=True) for name in ("slip", "lower", "upper"))
    bounds = f"between {lower} and {upper}; the margin is {percent(worst['margin'])}"
    return f"Most at {worst['name']}: {slip} of {worst['sessions']:,} sessions, {bounds}."


def sureness(verdict: str, harm: float, safe: float) -> str:
    """How often such a sentence is wrong."""
    match verdict:
        case "fail":
            return f"Where no margin is exceeded, at most {harm:.0%} of rollouts see this, however often one looks."
        case "pass":
            return f"Of guardrails whose slip is at the margin or beyond, at most {safe:.0%} are ever called safe."
        case _:
            return f"A false fail has a probability of at most {harm:.0%}, a false pass of at most {safe:.0%}."


def _counted(guardrails: int) -> str:
    return f"{guardrails} guardrail{'' if guardrails == 1 else 's'}"


def _answer(seen: Seen) -> Html:
    verdict, rows = seen.told["verdict"], seen.told["guardrails"]
    return tag(
        "section",
        tag("p", state_of(verdict), class_="verdict"),
        tag("h1", headline(verdict, rows)),
        tag("p", where(rows), class_="lead") if where(rows) else None,
        tag("p", "No request has come yet: point a client at the data port.") if not seen.ledger["total"] else None,
        tag("p", sureness(verdict, seen.harm, seen.safe), class_="muted"),
        class_=f"answer {verdict}",
        aria_label="Verdict",
    )


def _stage(seen: Seen) -> Html:
    stage = seen.stage
    answers = f"{percent(stage['candidate_weight'])} of sessions are answered by the candidate"
    return tag(
        "section",
        tag("h2", "Stage"),
        _steps(stage, seen.weights),
        tag("p", tag("b", stage["stage"].replace("_", " ")), f": {answers}."),
        _next(stage),
        class_="stage",
    )


def _steps(stage: Mapping[str, Any], weights: Sequence[float]) -> Html:
    """The way from shadow to promoted, and where it is on it."""
    names = ["shadow", *(f"canary {weight:.0%}" for weight in weights[1:]), "promoted"]
    here = {"promoted": len(names) - 1, "rolled_back": -1}.get(stage["stage"], stage["step"]["number"])
    made = [
        tag("li", name, class_="done" if at < here else None, aria_current="step" if at == here else None)
        for at, name in enumerate(names)
    ]
    if here == -1:
        made.append(tag("li", "rolled back", class_="back", aria_current="step"))
    return tag("ol", made, class_="steps", aria_label="Rollout")


def _next(stage: Mapping[str, Any]) -> Html:
    """What happens next, or why nothing does."""
    if stage["stage"] == "rolled_back":
        why = tag("span", f"Why: {_first(stage['reason'])}", class_="muted")
        return tag("p", "The baseline answers everyone, until another revision is declared. ", why)
    if stage["stage"] == "promoted":
        return tag("p", "A guardrail that fails gives the traffic back to the baseline at once.")
    guard = [] if stage["guard"] is None else [stage["guard"]]
    notes = [tag("li", words) for words in (*guard, *stage["waiting"])]
    if not notes:
        return tag("p", "Nothing stands against the next step.")
    return tag("div", tag("p", "Before the next step:"), tag("ul", notes))


def _first(reason: str | None) -> str:
    """The first of several reasons, and how many more there are."""
    first, *more = (reason or "no reason was given").split("; ")
    return f"{first}{f'; and {len(more)} more' if more else ''}"


def _against(told: Mapping[str, Any]) -> Html:
    """What makes the numbers themselves doubtful."""
    late = told["late_slip"]
    notes = [*told["blocks"]]
    if late["alert"]:
        notes.append("Lately a slip beyond a margin has shown: the late-slip detector alerts.")
    if not notes:
        return NOTHING
    items = tag("ul", [tag("li", note) for note in notes])
    return tag("section", tag("h2", "To know as well"), items, class_="notes")


def _ledger(ledger: Mapping[str, Any]) -> Html:
    states = {**ledger["states"], "open": ledger["open"]}
    total = ledger["total"]
    there = {name: count for name, count in states.items() if count}
    never = [name for name, count in states.items() if not count]
    made: list[list[Child]] = [
        [tag("code", name), f"{count:,}", percent(count / total)] for name, count in there.items()
    ]
    summed = " + ".join(f"{count:,}" for count in there.values()) or "0"
    agrees = "it balances" if ledger["balanced"] else "IT DOES NOT BALANCE: a fault in Slipgauge"
    unseen = tag("details", tag("summary", f"{len(never)} states never seen"), tag("p", ", ".join(never)))
    return tag(
        "section",
        tag("h2", "Ledger"),
        tag("p", "Every eligible request ends in exactly one state.", class_="muted"),
        table("Ledger", {"name": "State", "count": "Requests", "share": "Share"}, made, "ledger") if made else None,
        tag("p", f"{summed} = {total:,}: {agrees}.", class_="sum" if ledger["balanced"] else "sum problem"),
        unseen if never else None,
    )


def _endpoints(endpoints: Mapping[str, str]) -> Html:
    """Where programs ask."""
    made = [
        (tag("dt", tag("a", path, href=path) if "{" not in path else tag("code", path)), tag("dd", what))
        for path, what in endpoints.items()
    ]
    return tag(
        "section",
        tag("details", tag("summary", tag("h2", "Endpoints")), tag("dl", made)),
        class_="endpoints",
    )
