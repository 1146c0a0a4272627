"""A Llama-architecture model in numpy float32: config, weights, KV slots, one packed step.

Follows Touvron et al. 2023 (RMSNorm, SwiGLU) with rotary embeddings (Su et al. 2021) and grouped
queries (Ainslie et al. 2023), as Hugging Face's `LlamaForCausalLM` lays the weights out.

Three things are folded into the matrices at load, so that a step does less: each RMSNorm's gain
goes into the matrix behind it, the attention scale into the query columns, and the two halves that
rotary embedding pairs are interleaved, so that rotating is one complex product.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from testbed.engine.weights import Floats, Weights


@dataclass(frozen=True)
class Config:
    """The numbers of `config.json` that the forward pass needs."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    max_len: int
    rms_eps: float
    rope_theta: float
    tied: bool

    @classmethod
    def read(cls, path: Path) -> Config:
        """Read `path/config.json`. Raises OSError, KeyError, or ValueError for another architecture."""
        raw = json.loads((path / "config.json").read_text())
        if raw["architectures"] != ["LlamaForCausalLM"]:
            raise ValueError(f"only LlamaForCausalLM is served, not {raw['architectures']}")
        rope = raw.get("rope_parameters") or {}
        return cls(
            hidden=raw["hidden_size"],
            layers=raw["num_hidden_layers"],
            heads=raw["num_attention_heads"],
            kv_heads=raw.get("num_key_value_heads", raw["num_attention_heads"]),
            head_dim=raw.get("head_dim") or raw["hidden_size"] // raw["num_attention_heads"],
            vocab=raw["vocab_size"],
            max_len=raw["max_position_embeddings"],
            rms_eps=raw["rms_norm_eps"],
            rope_theta=rope.get("rope_theta", raw.get("rope_theta", 10000.0)),
            tied=raw.get("tie_word_embeddings", False),
        )


@dataclass(frozen=True)
class Layer:
    """One block's matrices, [in, out]."""

    qkv: Floats
    out: Floats
    gate_up: Floats
    down: Floats


class KVSlots:
    """Keys and values of running sequences, one slot each; the used slots are always the first `used`.

    Releasing a slot moves the last used one into the hole, so that a decode step reads plain slices
    and gathers nothing. Memory is reserved for the worst case and touched only as sequences grow.
    """

    def __init__(self, config: Config, slots: int) -> None:
        shape = (config.layers, slots, config.kv_heads, config.max_len, config.head_dim)
        self.keys: Floats = np.zeros(shape, np.float32)
        self.values: Floats = np.zeros(shape, np.float32)
        self.lengths: NDArray[np.int64] = np.zeros(slots, np.int64)
        self.used = 0

    @property
    def capacity(self) -> int:
        """How many sequences can run at once."""
        return len(self.lengths)

    def release(self, slot: int) -> int:
        """Free `slot`; returns the slot whose sequence now lies in `slot` (itself if it was the last)."""
        self.used -= 1
        last, length = self.used, self.lengths[self.used]
        if slot != last:
            self.keys[:, slot, :, :length] = self.keys[:, last, :, :length]
            self.values[:, slot, :, :length] = self.values[:, last, :, :length]
            self.lengths[slot] = length
        self.lengths[last] = 0
        return last


class Model:
    """Weights ready for `step`. Immutable after load, so that any thread may use it."""

    def __init__(self, config: Config, weights: Weights) -> None:
        self.config = config
        self.embedding = weights.tensor("model.embed_tokens.weight")
        head = self.embedding if config.tied else weights.tensor("lm_head.weight")
        self._head = np.ascontiguousarray(head.T) * weights.tensor("model.norm.weight")[:, None]
        self._layers = [_layer(config, weights, f"model.layers.{i}") for i in range(config.layers)]
        frequency = config.rope_theta ** (-np.arange(0, config.head_dim, 2) / config.head_dim)
        angles = np.arange(config.max_len)[:, None] * frequency
        self._rotation = np.exp(1j * angles).astype(np.complex64)[:, None, :]
        self._causal = np.triu(np.full((config.max_len, config.max_len), -np.inf, np.float32), 1)

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a Hugging Face directory (`config.json`, `model.safetensors`), GPTQ W4A16 or plain."""
        return cls(Config.read(Path(path)), Weights.read(Path(path)))

    def step(
        self,
        kv: KVSlots,
        decode: Sequence[int],
        prompts: Sequence[Sequence[int]] = (),
        *,
        every_row: Sequence[bool] = (),
    ) -> Floats:
        """One packed forward pass; returns the last hidden states, to be given to `logits`.

        `decode` holds the newest token of each used slot, in slot order; each of `prompts` is read
        whole into the next free slot. The rows returned are one for each decoding slot, then the
        last one of each prompt, or all of a prompt's rows where `every_row` says so.
        """
        slots = len(decode)
        sizes = [len(prompt) for prompt in prompts]
        ends = np.cumsum([slots, *sizes]).tolist()
        wanted = list(range(slots))
        for i, end in enumerate(ends[1:]):
            wanted += range(ends[i] if every_row and every_row[i] else end - 1, end)
        tokens = np.concatenate([np.asarray(part, np.int64) for part in (decode, *prompts)])
        positions = np.concatenate([kv.lengths[:slots], *(np.arange(size) for size in sizes)])
        kv.lengths[:slots] += 1
        kv.lengths[slots : slots + len(sizes)] = sizes
        kv.used = slots + len(sizes)
        longest = kv.lengths[:slots].max(initial=0)
        unseen = np.arange(longest) >= kv.lengths[:slots, None]
        hidden = np.where(unseen, np.float32(-np.inf), np.float32(0))[:, None, None]
        packing = _Packing(self._rotation[positions], positions[:slots], hidden, ends)

        x: Floats = self.embedding[tokens]
        # exp overflows to infinity in a sigmoid that is 0 anyway
        with np.errstate(over="ignore"):
            return self._blocks(x, kv, packing, wanted)

    def _blocks(self, x: Floats, kv: KVSlots, packing: _Packing, wanted: list[int]) -> Floats:
        """Every layer over the packed rows; after the last attention only the wanted ones go on."""
        for index, layer in enumerate(self._layers):
            mixed = self._attend(index, self._norm(x) @ layer.qkv, kv, packing)
            if index == len(self._layers) - 1:
                x, mixed = x[wanted], mixed[wanted]
            x = x + mixed @ layer.out
            x += _swiglu(self._norm(x) @ layer.gate_up) @ layer.down
        return x

    def logits(self, hidden: Floats) -> Floats:
        """[rows, vocab] of next-token logits for hidden states returned by `step`."""
        logits: Floats = self._norm(hidden) @ self._head
        return logits

    def _norm(self, x: Floats) -> Floats:
        mean_square = np.vecdot(x, x)[:, None] * np.float32(1 / x.shape[1])
        scaled: Floats = x / np.sqrt(mean_square + np.float32(self.config.rms_eps))
        return scaled

    def _attend(self, index: int, qkv: Floats, kv: KVSlots, packing: _Packing) -> Floats:
        """Attention of one layer over a packed batch; writes the new keys and values into `kv`."""
        c = self.config
        rotated = c.heads + c.kv_heads
        rows = qkv.reshape(len(qkv), -1, c.head_dim)
        turned = np.ascontiguousarray(rows[:, :rotated]).view(np.complex64) * packing.rotation
        heads = turned.view(np.float32)
        queries = heads[:, : c.heads].reshape(len(rows), c.kv_heads, -1, c.head_dim)
        keys, values = heads[:, c.heads :], rows[:, rotated:]
        kv_keys, kv_values = kv.keys[index], kv.values[index]
        mixed = np.empty((len(rows), c.heads * c.head_dim), np.float32)

        if slots := packing.ends[0]:
            each = np.arange(slots)
            kv_keys[each, :, packing.decoding] = keys[:slots]
            kv_values[each, :, packing.decoding] = values[:slots]
            seen = _attend_all(queries[:slots], kv_keys[:slots], kv_values[:slots], packing.hidden)
            mixed[:slots] = seen.reshape(slots, -1)
        for slot, (start, end) in enumerate(itertools.pairwise(packing.ends), start=slots):
            size = end - start
            kv_keys[slot, :, :size] = keys[start:end].swapaxes(0, 1)
            kv_values[slot, :, :size] = values[start:end].swapaxes(0, 1)
            scores = queries[start:end].transpose(1, 2, 0, 3) @ kv_keys[slot, :, None, :size].swapaxes(-1, -2)
            weights = _softmax(scores + self._causal[:size, :size])
            seen = weights @ kv_values[slot, :, None, :size]
            mixed[start:end] = seen.transpose(2, 0, 1, 3).reshape(size, -1)
        return mixed


class _Packing(NamedTuple):
    """How the rows of one step lie: the decoding slots first, then each prompt's rows."""

    rotation: NDArray[np.complex64]
    decoding: NDArray[np.int64]  # position of each decoding slot's row
    hidden: Floats  # [slots, 1, 1, longest]: -inf at the positions that a decoding slot does not have yet
    ends: list[int]  # end of the decoding rows, then of each prompt's rows


def _attend_all(queries: Floats, keys: Floats, values: Floats, hidden: Floats) -> Floats:
    """One query a slot over that slot's keys, less those that `hidden` masks.

    Head by head: small products of a matrix and a vector take half the time of two small matrices.
    """
    longest = hidden.shape[-1]
    scores = np.matvec(keys[:, :, None, :longest], queries)
    scores += hidden
    mixed: Floats = np.vecmat(_softmax(scores), values[:, :, None, :longest])
    return mixed


def _layer(config: Config, weights: Weights, name: str) -> Layer:
    attention, mlp = f"{name}.self_attn", f"{name}.mlp"
    gain = weights.tensor(f"{name}.input_layernorm.weight")[:, None]
    mlp_gain = weights.tensor(f"{name}.post_attention_layernorm.weight")[:, None]
    scale = np.float32(config.head_dim**-0.5)
    query = _interleave(weights.linear(f"{attention}.q_proj"), config.head_dim) * scale
    key = _interleave(weights.linear(f"{attention}.k_proj"), config.head_dim)
    value = weights.linear(f"{attention}.v_proj")
    return Layer(
        qkv=np.ascontiguousarray(np.concatenate([query, key, value], axis=1) * gain),
        out=weights.linear(f"{attention}.o_proj"),
        gate_up=np.concatenate([weights.linear(f"{mlp}.gate_proj"), weights.linear(f"{mlp}.up_proj")], axis=1)
        * mlp_gain,
        down=weights.linear(f"{mlp}.down_proj"),
    )


def _interleave(matrix: Floats, head_dim: int) -> Floats:
    """Reorder each head's columns from (first half, second half) to neighbouring pairs."""
    halves = matrix.reshape(len(matrix), -1, 2, head_dim // 2)
    return halves.swapaxes(-1, -2).reshape(matrix.shape)


def _softmax(scores: Floats) -> Floats:
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _swiglu(gate_up: Floats) -> Floats:
    gate, up = np.split(gate_up, 2, axis=1)
    silu: Floats = np.exp(-gate)
    silu += 1
    np.divide(gate, silu, out=silu)
    silu *= up
    return silu
