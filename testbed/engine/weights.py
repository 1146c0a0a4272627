"""Weights from a Hugging Face model directory, as float32.

Reads `model.safetensors` (bfloat16, float16 or float32) and unpacks GPTQ W4A16 linear layers
(`qweight`, `qzeros`, `scales`, `g_idx`) at load; the layout is AutoGPTQ's v1 checkpoint format,
in which a stored zero point is one less than the zero point meant.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import deserialize

Floats = NDArray[np.float32]


class Weights:
    """The tensors of one model directory by their Hugging Face names."""

    def __init__(self, tensors: dict[str, NDArray[Any]], *, bits: int = 4) -> None:
        self._tensors = tensors
        self._bits = bits

    @classmethod
    def read(cls, path: Path) -> Weights:
        """Read every tensor of `path/model.safetensors`. Raises OSError or ValueError when unreadable."""
        config = json.loads((path / "config.json").read_text())
        quantization = config.get("quantization_config") or {"quant_method": "gptq", "bits": 4}
        if quantization["quant_method"] != "gptq" or quantization["bits"] != 4:
            raise ValueError(f"only GPTQ with 4 bits is read, not {quantization}")
        return cls(read_safetensors(path / "model.safetensors"))

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> Floats:
        """One tensor that is not packed. Raises KeyError where there is none."""
        return np.asarray(self._tensors[name], dtype=np.float32)

    def linear(self, name: str) -> Floats:
        """The matrix of one linear layer as [in, out], dequantized where it is packed."""
        if f"{name}.weight" in self._tensors:
            return np.ascontiguousarray(self.tensor(f"{name}.weight").T)
        part = {kind: self._tensors[f"{name}.{kind}"] for kind in ("qweight", "qzeros", "scales", "g_idx")}
        return dequantize(part["qweight"], part["qzeros"], part["scales"], part["g_idx"], bits=self._bits)


def dequantize(
    qweight: NDArray[np.int32],
    qzeros: NDArray[np.int32],
    scales: NDArray[np.float16],
    g_idx: NDArray[np.int32],
    *,
    bits: int = 4,
) -> Floats:
    """[in, out] float32 of a GPTQ v1 layer: `scale * (q - (zero + 1))`, per group of inputs."""
    quantized = _unpack(qweight.T, bits).T
    zeros = _unpack(qzeros, bits) + 1
    return scales.astype(np.float32)[g_idx] * (quantized - zeros[g_idx]).astype(np.float32)


def _unpack(packed: NDArray[np.int32], bits: int) -> NDArray[np.int32]:
    """Spread the values packed along the last axis, lowest bits first."""
    shifts = np.arange(0, 32, bits, dtype=np.uint32)
    words = np.ascontiguousarray(packed).view(np.uint32)[..., None]
    values = (words >> shifts) & np.uint32((1 << bits) - 1)
    return values.reshape(*packed.shape[:-1], -1).astype(np.int32)


_DTYPES = {"F32": np.float32, "F16": np.float16, "I32": np.int32, "I64": np.int64}


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of one file; bfloat16, which numpy does not have, is widened to float32."""
    tensors: dict[str, NDArray[Any]] = {}
    for name, entry in deserialize(path.read_bytes()):  # type: ignore[no-untyped-call]
        kind, data = entry["dtype"], entry["data"]
        if kind == "BF16":
            flat: NDArray[Any] = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
        elif kind in _DTYPES:
            flat = np.frombuffer(data, _DTYPES[kind])
        else:
            raise ValueError(f"tensor {name} has dtype {kind}, which the engine does not read")
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
