"""GPTQ's W4A16 tensors (the first checkpoint format, symmetric, inputs in order), from codes and scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ZERO = 8  # the four-bit code of weight zero; the format stores it less one
LANES = np.arange(0, 32, 4, dtype=np.uint32)


def pack(codes: NDArray[np.int32], scales: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Tensors for `weight[out, in] = scales[out, in // group] * codes[out, in]`, codes from -8 to 7.

    `codes` is [outputs, inputs], both multiples of 8; `scales` is [outputs, groups]. In the file inputs
    run down and outputs across, eight codes to a word, the lowest bits first.
    """
    outputs, inputs = codes.shape
    groups = scales.shape[1]
    zeros = np.full((groups, outputs), ZERO - 1, np.int32)
    return {
        "qweight": np.ascontiguousarray(_words(codes + ZERO).T),
        "qzeros": _words(zeros),
        "scales": np.ascontiguousarray(scales.T.astype(np.float16)),
        "g_idx": (np.arange(inputs) // (inputs // groups)).astype(np.int32),
    }


def _words(nibbles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Each eight values along the last axis as one word."""
    lanes = nibbles.reshape(*nibbles.shape[:-1], -1, 8).astype(np.uint32) << LANES
    words: NDArray[np.int32] = np.bitwise_or.reduce(lanes, axis=-1).view(np.int32)
    return words
