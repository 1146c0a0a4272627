"""What is packed for GPTQ unpacks to scale times code, by the engine's reader and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from testbed.engine.weights import dequantize
from testbed.packing import pack


@pytest.mark.parametrize("groups", [1, 4, 8])
def test_packed_codes_and_scales_come_back(groups: int) -> None:
    rng = np.random.default_rng(groups)
    codes = rng.integers(-8, 8, (24, 256), dtype=np.int32)
    scales = rng.uniform(0.001, 0.1, (24, groups)).astype(np.float16).astype(np.float32)
    packed = pack(codes, scales)
    weight = codes * np.repeat(scales, 256 // groups, axis=1)
    unpacked = dequantize(packed["qweight"], packed["qzeros"], packed["scales"], packed["g_idx"])
    np.testing.assert_array_equal(unpacked, weight.T)


def test_the_lowest_bits_hold_the_first_input_and_zero_is_stored_as_seven() -> None:
    codes = np.arange(-8, 0, dtype=np.int32)[None].repeat(8, 0)
    packed = pack(codes, np.ones((8, 1), np.float32))
    assert packed["qweight"].shape == (1, 8)
    assert packed["qweight"].view(np.uint32)[0, 0] == 0x76543210
    assert packed["qzeros"].view(np.uint32)[0, 0] == 0x77777777
    assert packed["scales"].dtype == np.float16
    assert packed["g_idx"].tolist() == [0] * 8
