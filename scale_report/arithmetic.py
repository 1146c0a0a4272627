"""How many cores and tokens it takes. No simulation: means alone."""

from __future__ import annotations

from math import ceil, erf, exp, log, sqrt

from scale_report.assumed import PLAN, TRAFFIC, Plan, Traffic, rate

EVENT_US = rate("events_us") / 2
"""One leg's part of an event that two legs have: half is assumed, since one leg alone was not measured."""


def mean(median: float, sigma: float, most: float) -> float:
    """Of a lognormal that is cut off at `most`."""
    edge = (log(most) - log(median)) / sigma

    def below(z: float) -> float:
        return (1 + erf(z / sqrt(2))) / 2

    return median * exp(sigma**2 / 2) * below(edge - sigma) + most * (1 - below(edge))


def prompt(traffic: Traffic = TRAFFIC) -> float:
    """Tokens of a prompt, on average."""
    return mean(traffic.prompt_median, traffic.prompt_sigma, traffic.prompt_most)


def answer(traffic: Traffic = TRAFFIC) -> float:
    """Tokens, and events, of an answer, on average."""
    return mean(traffic.answer_median, traffic.answer_sigma, traffic.answer_most)


def request_seconds(events: float) -> float:
    """Of a gateway's core for a request that is only passed on."""
    return (rate("request_us") + events * EVENT_US) / 1e6


def mirror_seconds(events: float) -> float:
    """What mirroring it takes beside that."""
    return (rate("mirror_us") + events * EVENT_US) / 1e6


def gateway_cores(traffic: Traffic, plan: Plan, events: float) -> float:
    """Cores that pass bytes on, all of them busy."""
    return traffic.requests * (request_seconds(events) + plan.sample * mirror_seconds(events))


def gateways(traffic: Traffic = TRAFFIC, plan: Plan = PLAN) -> int:
    """Gateway processes, each on a core that is as busy as planned."""
    return ceil(gateway_cores(traffic, plan, answer(traffic)) / plan.utilisation)


def pairs(traffic: Traffic, sample: float) -> float:
    """Pairs a second."""
    return traffic.requests * sample


def analyzer_cores(traffic: Traffic, sample: float) -> float:
    """Cores that score, all of them busy."""
    return pairs(traffic, sample) * rate("analysis_us") / 1e6


def control_cores(traffic: Traffic, sample: float) -> float:
    """Of the one core that control has."""
    return pairs(traffic, sample) * traffic.findings / rate("findings_per_second")


def extra_tokens(traffic: Traffic, plan: Plan, sample: float) -> dict[str, float]:
    """Tokens a second that legs which no client waits for take of each arm: mirrors, and repeats."""
    each = prompt(traffic) + answer(traffic)
    return {"candidate": pairs(traffic, sample) * each, "baseline": pairs(traffic, sample) * plan.repeat * each}


def seconds_to(sessions: float, population: float, traffic: Traffic, sample: float) -> float:
    """Until a guardrail that `population` of all sessions count for has so many."""
    return sessions / (traffic.requests / traffic.turns * sample * population)
