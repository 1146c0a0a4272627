"""One case: what was asked, what both said, what was found, and what a reviewer says of it. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from analyzers.finding import Outcome
from analyzers.token_divergence.divergence import FIGURES
from cases.case import Answer, Case
from proxy.control.console import reasons
from proxy.control.console.chart import percent
from proxy.control.console.compared import OURS, THEIRS, by_path, compared, marked
from proxy.control.console.conversation import Turn, answered, settings, turns, written
from proxy.control.console.labelling import labels
from proxy.control.console.layout import Frame, page, when
from proxy.control.console.markup import NOTHING, Child, Html, tag
from proxy.control.console.scored import ended, findings, timings

MOST_TURNS = 40
MOST_CHOICES = 8
SHOWN = 6_000
"""Characters of a turn that are shown."""
PARTS = ("request", "baseline", "candidate", "repeat")
"""What can be read whole, as plain text."""


class Place(NamedTuple):
    """Where the case stands among those that are filtered, as addresses of this server."""

    back: str
    """The list."""
    previous: str | None
    following: str | None
    query: str
    """What the case's own address carries, so that its neighbours stay those of the filter; with its `?`."""


def case_page(frame: Frame, case: Case, place: Place) -> str:
    """The page."""
    return page(
        frame,
        f"Case {case.pair_id}",
        "/cases",
        _top(case, place),
        _conversation(case),
        _answers(case),
        findings(case),
        _control(case),
        labels(frame, case, f"{address(case.pair_id, 'label')}{place.query}"),
        timings(case),
        _about(case),
    )


def address(pair_id: str, *more: str) -> str:
    """Where a case is."""
    return "/".join(("/cases", quote(pair_id, safe="", errors="replace"), *more))


def _top(case: Case, place: Place) -> Html:
    failed = [
        f"{each.variable}: {reasons.words(each.analyzer, each.candidate)}"
        for each in case.findings
        if each.candidate.outcome is Outcome.FAIL and each.baseline.outcome is Outcome.PASS
    ]
    said = "; ".join(failed) or "No failure is the candidate's alone"
    return tag(
        "section",
        tag(
            "nav",
            tag("a", "← All cases", href=place.back),
            tag(
                "span", _step("k", "Previous", place.previous, "prev"), _step("j", "Next", place.following, "next")
            ),
            aria_label="Cases",
            class_="neighbours",
        ),
        tag("h1", said, class_="case-title"),
        tag("p", tag("code", case.pair_id), " · ", when(case.at), " · ", case.path, class_="muted"),
    )


def _step(key: str, name: str, href: str | None, rel: str) -> Child:
    if href is None:
        return tag("span", name, class_="muted")
    return tag("a", name, " ", tag("kbd", key, aria_hidden="true"), href=href, rel=rel)


def _conversation(case: Case) -> Html:
    said = turns(case.request)
    left_out = len(said) - MOST_TURNS
    body = [
        tag("p", f"{left_out} earlier turns are left out.", class_="muted") if left_out > 0 else None,
        tag("ol", [_turn(each) for each in said[-MOST_TURNS:]], class_="turns"),
    ]
    others = settings(case.request)
    return tag(
        "section",
        tag("h2", "Request"),
        body if case.texts else tag("p", "Texts are not stored; this is the request's shape.", class_="muted"),
        tag("details", tag("summary", "Settings: ", ", ".join(others)), _code(written(others))) if others else None,
        _whole(case, "request"),
        class_="request",
    )


def _turn(turn: Turn) -> Html:
    said = turn.text if len(turn.text) <= SHOWN else turn.text[:SHOWN]
    more = len(turn.text) - len(said)
    return tag(
        "li",
        tag("h3", turn.role),
        tag("div", said, class_="said", dir="auto"),
        tag("p", f"⋯ {more:,} more characters", class_="left-out") if more else None,
        class_=f"turn {turn.role if turn.role in ('system', 'user', 'assistant', 'tool') else 'other'}",
    )


def _code(said: str) -> Html:
    return tag("pre", tag("code", said[:SHOWN], "…" if len(said) > SHOWN else None))


def _whole(case: Case, part: str) -> Html:
    link = tag("a", "as plain text", href=address(case.pair_id, "text", part), aria_label=f"{part} as plain text")
    return tag("p", "All of it ", link, ".", class_="muted small")


def _answers(case: Case) -> Html:
    ours, theirs = answered(case.baseline), answered(case.candidate)
    several = max(len(ours), len(theirs)) > 1
    choices: list[Child] = []
    for at in range(min(MOST_CHOICES, max(len(ours), len(theirs), 1))):
        one, other = (each[at] if at < len(each) else "" for each in (ours, theirs))
        left, right = compared(one, other)
        choices += [
            tag("h3", f"Choice {at + 1}") if several else None,
            tag("div", _arm(case, "baseline", left), _arm(case, "candidate", right), class_="pair"),
            by_path(one, other),
        ]
    return tag(
        "section",
        tag("h2", "Answers"),
        tag("p", marked("only the baseline", OURS), " ", marked("only the candidate", THEIRS), class_="legend"),
        choices,
        _divergence(case),
        class_="answers",
    )


def _arm(case: Case, arm: str, said: Html) -> Html:
    answer: Answer = getattr(case, arm)
    primary = tag("span", "the client's", class_="tagged") if case.primary == arm else None
    return tag(
        "article",
        tag("h3", arm, " ", primary),
        tag("p", ended(answer), class_="muted small"),
        said,
        _whole(case, arm),
        class_=f"arm {arm}",
        aria_label=f"{arm}'s answer",
    )


def _divergence(case: Case) -> Child:
    """Where the arms' first choices of a token part, where that was measured."""
    for each in case.measurements:
        if each.analyzer == "token_divergence" and len(each.figures) == len(FIGURES):
            return tag("p", _parted(dict(zip(FIGURES, each.figures, strict=True)), case.baseline), class_="parted")
    return None


def _parted(figures: dict[str, float], answer: Answer) -> str:
    at, margin = figures["first_disagreement"], figures["margin"]
    if at >= 1:
        return "Token by token, both would choose the same all along the baseline's answer."
    tokens = answer.completion_tokens
    token = f", at about token {int(at * tokens) + 1} of {tokens}" if tokens else ""
    tie = "a near tie, which any rounding flips" if margin < 0.1 else "no near tie"
    return (
        f"The first token that the arms would choose differently is {percent(at)} into the answer{token}. "
        f"There the baseline prefers its own by {percent(margin)}: {tie}. "
        f"They differ at {percent(figures['top1_disagreement'])} of its tokens."
    )


def _control(case: Case) -> Html:
    """A second answer of the baseline, by which to see what difference means nothing."""
    if case.repeat is None:
        return NOTHING
    first, again = (answered(each)[:1] or [""] for each in (case.baseline, case.repeat))
    same = first == again
    left, right = compared(first[0], again[0])
    told = (
        "The same request once more: the baseline says the same."
        if same
        else (
            "The same request once more: the baseline itself answers otherwise, so some difference means nothing."
        )
    )
    both = tag(
        "div",
        tag("article", tag("h3", "baseline"), left, class_="arm"),
        tag("article", tag("h3", "control"), right, class_="arm"),
        class_="pair",
    )
    return tag("section", tag("h2", "Control"), tag("p", told), None if same else both, _whole(case, "repeat"))


def _about(case: Case) -> Html:
    redacted = (
        ", ".join(f"{count} {kind}" for kind, count in case.redacted.items()) or "nothing was found to redact"
    )
    strata = [
        f"{each.name} (one for about {1 / each.probability:,.1f} pairs)" if each.probability else each.name
        for each in case.strata
    ]
    facts = {
        "Redacted before it was kept": redacted,
        "Strata": ", ".join(strata) or "none",
        "Segments": ", ".join(case.segments) or "none",
        "Near-duplicates": f"{case.duplicates} counted on this one",
        "Candidate": case.revision,
        "Ledger": f"{case.state}, the {case.primary} primary",
        "Sampled": percent(case.inclusion),
    }
    told = [(tag("dt", name), tag("dd", value)) for name, value in facts.items()]
    return tag("section", tag("h2", "About"), tag("dl", told, class_="facts"))
