"""The Llama architecture in torch, as small as it gets: what training and quantization compute with.

Module names are Hugging Face's, so that `state_dict` is the checkpoint.
"""

# mypy: disable-error-code="misc, untyped-decorator"
# (torch is not installed where types are checked)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own custom)
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """The model's sizes, under the names of Hugging Face's config.json."""

    vocab_size: int = 1024
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    max_position_embeddings: int = 1024

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


Cache = tuple[Tensor, Tensor]


def rope(shape: Shape, positions: Tensor) -> Cache:
    """Cosines and sines of the rotary embedding, halves repeated, [..., 1, head_dim] each."""
    exponents = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angles = positions[..., None].float() * shape.rope_theta**-exponents
    angles = torch.cat((angles, angles), -1).unsqueeze(-2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: Cache) -> Tensor:
    """Apply the rotary embedding to [batch, time, heads, head_dim]."""
    left, right = x.chunk(2, -1)
    return x * turn[0] + torch.cat((-right, left), -1) * turn[1]


class Norm(nn.Module):
    """Root mean square norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.hidden_size))
        self.eps = shape.rms_norm_eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last axis."""
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)


class Attention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv = shape.num_key_value_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, kv, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, kv, bias=False)
        self.o_proj = nn.Linear(shape.hidden_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor, turn: Cache, mask: Tensor, past: Cache | None) -> tuple[Tensor, Cache]:
        """Mixed values of the visible positions, and the keys and values to keep."""
        batch, time, _ = x.shape
        heads = (batch, time, -1, self.shape.head_dim)
        q = rotate(self.q_proj(x).view(heads), turn).transpose(1, 2)
        k = rotate(self.k_proj(x).view(heads), turn).transpose(1, 2)
        v = self.v_proj(x).view(heads).transpose(1, 2)
        if past is not None:
            k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        groups = self.shape.num_attention_heads // self.shape.num_key_value_heads
        wide_k, wide_v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        mixed = F.scaled_dot_product_attention(q, wide_k, wide_v, attn_mask=mask)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, time, -1)), (k, v)


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Each position by itself."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One transformer layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = Norm(shape)
        self.post_attention_layernorm = Norm(shape)


class Decoder(nn.Module):
    """Embeddings, layers, final norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.num_hidden_layers))
        self.norm = Norm(shape)


class Llama(nn.Module):
    """LlamaForCausalLM with tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape)

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor,
        mask: Tensor,
        *,
        wanted: Tensor | None = None,
        cache: list[Cache | None] | None = None,
    ) -> Tensor:
        """Logits of the positions where `wanted` is true (of all, in order, without it).

        `mask` is true where a token may look. Given a `cache`, one entry a layer, its keys
        and values come before the tokens', and it is brought up to date.
        """
        turn = rope(self.shape, positions)
        x = self.model.embed_tokens(tokens)
        for index, block in enumerate(self.model.layers):
            mixed, kept = block.self_attn(block.input_layernorm(x), turn, mask, cache[index] if cache else None)
            if cache is not None:
                cache[index] = kept
            x = x + mixed
            if wanted is not None and index == self.shape.num_hidden_layers - 1:
                x = x[wanted]  # nothing after the last attention mixes positions
            x = x + block.mlp(block.post_attention_layernorm(x))
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


@torch.inference_mode()
def complete(
    model: Llama, prompts: Sequence[Sequence[int]], eos: int, limit: int, batch: int = 128
) -> list[list[int]]:
    """Greedy completions of at most `limit` tokens, without `eos`; prompts are batched by length."""
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        for row, answer in zip(rows, _complete(model, [prompts[i] for i in rows], eos, limit), strict=True):
            answers[row] = answer
    return answers


def _complete(model: Llama, prompts: list[Sequence[int]], eos: int, limit: int) -> list[list[int]]:
    """One batch, padded on the left so that every row's newest token is in the same column."""
    width = max(map(len, prompts))
    tokens = torch.tensor([[eos] * (width - len(p)) + list(p) for p in prompts])
    real = torch.arange(width) >= torch.tensor([width - len(p) for p in prompts])[:, None]
    positions = (real.cumsum(1) - 1).clamp(min=0)
    mask = (torch.ones(width, width, dtype=torch.bool).tril() & real[:, None, :]) | torch.eye(
        width, dtype=torch.bool
    )
    cache: list[Cache | None] = [None] * model.shape.num_hidden_layers
    answers: list[list[int]] = [[] for _ in prompts]
    live = torch.arange(len(prompts))
    for _ in range(limit):
        last = torch.zeros_like(tokens, dtype=torch.bool)
        last[:, -1] = True
        chosen = model(tokens, positions, mask[:, None], wanted=last, cache=cache).argmax(-1)
        for row, token in zip(live.tolist(), chosen.tolist(), strict=True):
            answers[row].append(token)
        going = chosen != eos
        if not going.any():
            break
        live, tokens = live[going], chosen[going, None]
        positions = positions[going, -1:] + 1
        real = torch.cat((real[going], torch.ones(len(live), 1, dtype=torch.bool)), 1)
        mask = real[:, None, :]
        cache = [(k[going], v[going]) for k, v in cache]
    return [a[:-1] if a and a[-1] == eos else a for a in answers]
