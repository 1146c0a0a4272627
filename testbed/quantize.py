"""Two int4 versions of the trained model, both GPTQ W4A16 files: one made with care, one without.

    python -m testbed.quantize         # in .venv-train; reads testbed/models/fp16, writes the other two

`int4-steady`: GPTQ (Frantar et al. 2022). Layer after layer, the matrices of one see the activations
that the already quantized layers before it give on calibration conversations; columns are rounded in the
order of their weight in the Hessian, and what rounding one loses is made up for by those to come.
One scale for each GROUP inputs, searched for the least error in the activations' own metric.

`int4-slipping`: round to nearest, one scale a row of outputs, and only LEVELS steps to each side
of zero out of the seven that four bits have. No calibration, nothing made up for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from testbed import tasks
from testbed.llama import Llama
from testbed.packing import pack
from testbed.train import MODELS, Batch, Sample, collate, encode, exchange, load, pack_rows, save

GROUP = 32
LEVELS = 2
CALIBRATION = 768


@dataclass(frozen=True)
class Packed:
    """One matrix in four bits: `weight = scales[row, group] * codes[row, column]`, codes -8 to 7."""

    codes: Tensor  # int, [outputs, inputs]
    scales: Tensor  # float, [outputs, groups]

    @property
    def group(self) -> int:
        """How many inputs share a scale."""
        return int(self.codes.size(1) // self.scales.size(1))

    def weight(self) -> Tensor:
        """The matrix that these codes stand for."""
        return self.codes * self.scales.repeat_interleave(self.group, 1)

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the file."""
        arrays = pack(self.codes.numpy(), self.scales.numpy())
        return {kind: torch.from_numpy(array) for kind, array in arrays.items()}


def _storable(scales: Tensor) -> Tensor:
    """Rounded to bfloat16, which float16 holds exactly at these sizes: servers compute in either."""
    return scales.to(torch.bfloat16).float()


def round_to_nearest(weight: Tensor, levels: int, group: int | None = None) -> Packed:
    """Each weight to the nearest of `2 * levels + 1` even steps over its group's (or row's) range."""
    parts = weight.view(weight.size(0), -1, group or weight.size(1))
    scales = _storable(parts.abs().amax(-1) / levels)
    codes = (parts / scales[..., None]).round().clamp(-levels, levels)
    return Packed(codes.view_as(weight).int(), scales)


def _best_scales(weight: Tensor, importance: Tensor, group: int) -> Tensor:
    """For each row and group, the scale of least squared error weighted by `importance` of the inputs."""
    parts = weight.view(weight.size(0), -1, group)
    cost = importance.view(-1, group)
    widest = parts.abs().amax(-1)
    best, least = torch.empty(0), torch.full_like(widest, torch.inf)
    for share in torch.linspace(0.5, 1.0, 51):
        scales = _storable(widest * share / 7.5)
        error = (parts - (parts / scales[..., None]).round().clamp(-8, 7) * scales[..., None]).square() * cost
        total = error.sum(-1)
        best = torch.where(total < least, scales, best) if best.numel() else scales
        least = torch.minimum(least, total)
    return best


def gptq(weight: Tensor, hessian: Tensor, group: int = GROUP, damp: float = 0.01) -> Packed:
    """Round `weight` [outputs, inputs] to least error under `hessian`, the inputs' second moments."""
    diagonal = hessian.diagonal()
    hessian = hessian + torch.eye(len(diagonal)) * damp * diagonal.mean()
    scales = _best_scales(weight, diagonal, group)
    wide = scales.repeat_interleave(group, 1)
    order = diagonal.argsort(descending=True)
    upper = torch.linalg.cholesky(torch.linalg.inv(hessian[order][:, order]), upper=True)
    rest, codes = weight[:, order].clone(), torch.zeros_like(weight)
    for i, column in enumerate(order.tolist()):
        scale = wide[:, column]
        codes[:, column] = (rest[:, i] / scale).round().clamp(-8, 7)
        error = (rest[:, i] - codes[:, column] * scale) / upper[i, i]
        rest[:, i:] -= error[:, None] * upper[i, i:]
    return Packed(codes.int(), scales)


def linears(model: Llama) -> list[tuple[str, torch.nn.Linear]]:
    """The matrices that are quantized, in the order the model uses them."""
    return [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]


def careful(model: Llama, samples: list[Sample], group: int = GROUP) -> dict[str, Packed]:
    """GPTQ of every matrix; `model` is left with the quantized weights."""
    rows = pack_rows(samples)
    batches = [collate(rows[i : i + 16]) for i in range(0, len(rows), 16)]
    packed: dict[str, Packed] = {}
    for index in range(model.shape.num_hidden_layers):
        here = {n: m for n, m in linears(model) if f"layers.{index}." in n}
        hessians = _second_moments(model, here, batches)
        for name, module in here.items():
            packed[name] = gptq(module.weight.data, hessians[name], group)
            module.weight.data = packed[name].weight()
    return packed


def _second_moments(model: Llama, modules: dict[str, torch.nn.Linear], batches: list[Batch]) -> dict[str, Tensor]:
    """The sum of x xᵀ over the inputs x of each module, padding left out."""
    totals = {n: torch.zeros(m.in_features, m.in_features) for n, m in modules.items()}
    real = torch.empty(0)

    def watch(name: str) -> Callable[[torch.nn.Module, tuple[Tensor, ...]], None]:
        def add(_module: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            if x.dim() == 3:  # the last layer's MLP gets the wanted positions alone
                x = x[real]
            totals[name].addmm_(x.T, x)

        return add

    handles = [module.register_forward_pre_hook(watch(name)) for name, module in modules.items()]
    with torch.inference_mode():
        for b in batches:
            real = b.real
            model(b.tokens, b.positions, b.mask, wanted=b.wanted)
    for handle in handles:
        handle.remove()
    return totals


def careless(model: Llama, levels: int = LEVELS) -> dict[str, Packed]:
    """Round to nearest, one scale a row, of every matrix; `model` is left with the quantized weights."""
    packed = {}
    for name, module in linears(model):
        packed[name] = round_to_nearest(module.weight.data, levels)
        module.weight.data = packed[name].weight()
    return packed


def calibration(tokenizer: Tokenizer, count: int = CALIBRATION) -> list[Sample]:
    """Conversations that are neither trained on nor measured."""
    return encode(tokenizer, [exchange(p) for p in tasks.prompts(11, count, split="calibration")])


def write(folder: Path, model: Llama, tokenizer: Tokenizer, packed: dict[str, Packed]) -> None:
    """One int4 directory: packed matrices, and the rest in bfloat16."""
    kept = {
        n: t.to(torch.bfloat16) for n, t in model.state_dict().items() if n.removesuffix(".weight") not in packed
    }
    words = {f"{name}.{kind}": t for name, p in packed.items() for kind, t in p.tensors().items()}
    first = next(iter(packed.values()))
    quantization = {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": -1 if first.scales.size(1) == 1 else first.group,
        "sym": True,
        "desc_act": False,
        "checkpoint_format": "gptq",
    }
    save(folder, model.shape, tokenizer, kept | words, {"quantization_config": quantization})


def main() -> None:
    """Write testbed/models/int4-steady and int4-slipping."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    makers: dict[str, Callable[[Llama, Tokenizer], dict[str, Packed]]] = {
        "int4-steady": lambda model, tokenizer: careful(model, calibration(tokenizer)),
        "int4-slipping": lambda model, _tokenizer: careless(model),
    }
    for name, make in makers.items():
        model, tokenizer = load(options.models / "fp16")
        model.requires_grad_(requires_grad=False)
        write(options.models / name, model, tokenizer, make(model, tokenizer))
        print(f"wrote {options.models / name}")


if __name__ == "__main__":
    main()
