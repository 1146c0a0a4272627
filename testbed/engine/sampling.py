"""Choosing the next token: Gumbel-max with noise that depends on seed, position and token id alone.

argmax(logits / temperature + g) with independent standard Gumbel g draws from the softmax
(Gumbel 1954; Maddison et al. 2014). Here g = -log(-log(u)) and u comes from MurmurHash3_x86_32
(Appleby, public domain) over the 16 bytes (seed as two words, position, token id), as vLLM's own
sampler draws it. So two models given the same seed share their noise, and what else is in the batch
changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from testbed.engine.weights import Floats


@dataclass(frozen=True)
class SamplingParams:
    """How one answer is sampled and what is reported of it. `logprobs` counts alternatives, None for none."""

    seed: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 16
    ignore_eos: bool = False
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    stop_ids: frozenset[int] = frozenset()


def sample(logits: Floats, params: Sequence[SamplingParams], positions: Sequence[int]) -> list[int]:
    """One token for each row. `positions` holds the position of each row's last known token."""
    warm = [row for row, p in enumerate(params) if p.temperature > 0]
    chosen: list[int] = logits.argmax(axis=1).tolist()
    if not warm:
        return chosen
    temperatures = np.array([params[row].temperature for row in warm], np.float32)
    scaled = logits[warm] / temperatures[:, None]
    for index, row in enumerate(warm):
        _truncate(scaled[index], params[row])
    noise = gumbel([params[row].seed for row in warm], [positions[row] for row in warm], logits.shape[1])
    for row, token in zip(warm, (scaled + noise).argmax(axis=1).tolist(), strict=True):
        chosen[row] = token
    return chosen


def _truncate(scaled: Floats, params: SamplingParams) -> None:
    """Set to -inf what top-k and then top-p (Holtzman et al. 2019) leave out; the best token always stays."""
    if 0 < params.top_k < len(scaled):
        scaled[scaled < np.partition(scaled, -params.top_k)[-params.top_k]] = -np.inf
    if params.top_p < 1:
        order = np.argsort(-scaled, kind="stable")
        shares = np.exp(scaled[order] - scaled[order[0]])
        before = np.cumsum(shares) - shares
        scaled[order[before >= params.top_p * shares.sum()]] = -np.inf


def gumbel(seeds: Sequence[int], positions: Sequence[int], vocab: int) -> Floats:
    """Standard Gumbel noise [rows, vocab] for pairs of seed (64 bits) and position."""
    words = np.array(seeds, dtype=object) & 0xFFFF_FFFF_FFFF_FFFF
    low, high = (np.array(words >> shift & 0xFFFF_FFFF, np.uint32) for shift in (0, 32))
    state = np.zeros(len(seeds), np.uint32)
    for word in (low, high, np.array(positions, np.uint32)):
        state = _mix(state, word)
    hashed = _finish(_mix(state[:, None], np.arange(vocab, dtype=np.uint32)) ^ np.uint32(16))
    uniform = (hashed.astype(np.float64) + 0.5) * 2.0**-32
    return -np.log(-np.log(uniform)).astype(np.float32)


def _mix(state: NDArray[np.uint32], word: NDArray[np.uint32]) -> NDArray[np.uint32]:
    word = _rotate(word * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
    mixed: NDArray[np.uint32] = _rotate(state ^ word, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    return mixed


def _rotate(word: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    rotated: NDArray[np.uint32] = (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))
    return rotated


def _finish(state: NDArray[np.uint32]) -> NDArray[np.uint32]:
    state = (state ^ (state >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    state = (state ^ (state >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return state ^ (state >> np.uint32(16))


@dataclass(frozen=True)
class Logprob:
    """Natural log-probability of one token, before temperature and constraints, and its rank from 1."""

    logprob: float
    rank: int


TokenLogprobs = dict[int, Logprob]  # the token itself first, then the best ones in order


def token_logprobs(logits: Floats, tokens: Sequence[int], alternatives: int) -> list[TokenLogprobs]:
    """For each row the log-probability of its token and of the `alternatives` most probable ones."""
    rows = logits.astype(np.float64)
    rows -= rows.max(axis=1, keepdims=True)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    best = np.argsort(-rows, axis=1, kind="stable")[:, :alternatives]
    result: list[TokenLogprobs] = []
    for row, token, top in zip(rows, tokens, best.tolist(), strict=True):
        entry = {token: Logprob(float(row[token]), int((row > row[token]).sum()) + 1)}
        for rank, other in enumerate(top, start=1):
            entry.setdefault(other, Logprob(float(row[other]), rank))
        result.append(entry)
    return result
