"""From two servers' `prompt_logprobs` of one sequence to a few figures. Pure arithmetic, in nats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIGURES = ("log_likelihood_ratio", "kl", "top1_disagreement", "first_disagreement", "margin")
LOWEST = -9_999.0
"""What vLLM writes for the logarithm of nothing."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Row:
    """What one server gives at one place of the sequence."""

    token: int
    """The sequence's own."""
    logprobs: Mapping[int, float]
    """By token id, natural logarithms: the sequence's own and the most probable ones."""

    @property
    def best(self) -> int:
        """The most probable token; the first told among equals."""
        return max(self.logprobs, key=lambda token: self.logprobs[token])


def rows(body: Mapping[str, Any], skipped: int, said: Sequence[int]) -> list[Row] | None:
    """The rows of the tokens `said`, which stand behind `skipped` others; None where `body` does not tell them."""
    try:
        entries = body["choices"][0]["prompt_logprobs"]
        if len(entries) != skipped + len(said):
            return None
        return [_row(entry, token) for entry, token in zip(entries[skipped:], said, strict=True)]
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _row(entry: Mapping[str, Any], token: int) -> Row:
    logprobs = {int(each): min(0.0, max(LOWEST, float(told["logprob"]))) for each, told in entry.items()}
    if token not in logprobs or any(map(math.isnan, logprobs.values())):
        raise ValueError("the sequence's own token is not told")
    return Row(token, logprobs)


def divergence(baseline: Sequence[Row], candidate: Sequence[Row]) -> tuple[float, ...]:
    """FIGURES of a sequence of at least one token; see the package."""
    pairs = list(zip(baseline, candidate, strict=True))
    ratio = sum(ours.logprobs[ours.token] - theirs.logprobs[theirs.token] for ours, theirs in pairs)
    apart = [at for at, (ours, theirs) in enumerate(pairs) if ours.best != theirs.best]
    return (
        ratio,
        sum(kl_bound(ours.logprobs, theirs.logprobs) for ours, theirs in pairs) / len(pairs),
        len(apart) / len(pairs),
        apart[0] / len(pairs) if apart else 1.0,
        _margin(baseline[apart[0]]) if apart else 0.0,
    )


def kl_bound(p: Mapping[int, float], q: Mapping[int, float]) -> float:
    """A lower bound of KL(p || q) from the log-probabilities that both tell, and the rest as one."""
    known = p.keys() & q.keys()
    bound = math.fsum(math.exp(p[token]) * (p[token] - q[token]) for token in known)
    rest_p = 1.0 - math.fsum(math.exp(p[token]) for token in known)
    rest_q = 1.0 - math.fsum(math.exp(q[token]) for token in known)
    if rest_p > _TINY:
        bound += rest_p * math.log(rest_p / max(rest_q, _TINY))
    return max(0.0, bound)


def _margin(row: Row) -> float:
    first, second, *_ = (*sorted(map(math.exp, row.logprobs.values()), reverse=True), 0.0)
    return first - second
