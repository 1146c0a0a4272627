"""One server, first come first served: the event loop of a gateway, and control."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scale_report.arithmetic import EVENT_US, answer
from scale_report.assumed import Plan, Traffic, rate

Floats = npt.NDArray[np.float64]


def done(arrived: Floats, work: Floats, down_until: float = 0.0) -> Floats:
    """When each is done, given when it came, in order; nothing is done before `down_until`.

    Lindley's recursion (Lindley 1952, Proc. Camb. Phil. Soc. 48), summed up: done[n] = S[n] + max over k <= n of
    (start[k] - S[k-1]), where S adds up the work.
    """
    summed = np.cumsum(work)
    begins = np.maximum(arrived, down_until) - (summed - work)
    found: Floats = summed + np.maximum.accumulate(begins)
    return found


def loop_waits(utilisation: float, tasks: int, traffic: Traffic, rng: np.random.Generator) -> Floats:
    """How long what arrives at a gateway's event loop waits, in seconds.

    Events of many streams and heads of requests come independently. What is not here, and is on a real machine: the
    collector's pauses, the kernel, a neighbour on the core.
    """
    event, request = EVENT_US / 1e6, rate("request_us") / 1e6
    heads = 1 / (1 + answer(traffic))
    work = np.where(rng.random(tasks) < heads, request, event)
    arrived = np.cumsum(rng.exponential(work.mean() / utilisation, tasks))
    waits: Floats = done(arrived, work) - work - arrived
    return waits


def messages(
    scored: Floats, gateway: npt.NDArray[np.int64], plan: Plan, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """When messages reach control, in order, and how many reports each holds: a gateway sends one in a beat."""
    phases = rng.uniform(0, plan.beat, int(gateway.max()) + 1)
    beats = np.ceil((scored - phases[gateway]) / plan.beat).astype(np.int64)
    senders, counts = np.unique(np.stack([gateway, beats]), axis=1, return_counts=True)
    at = senders[1] * plan.beat + phases[senders[0]] + plan.transit
    order = np.argsort(at, kind="stable")
    return at[order], counts[order].astype(np.float64)
