# ruff: noqa: INP001 (a module of its own, installed beside vLLM)
"""GPTQ int4 on x86 CPUs where vLLM's own matmul cannot run: a linear kernel in plain torch, as a vLLM plugin.

vLLM's CPU build holds its int4 matmul (`cpu_gemm_wna16`) only in its AVX-512 library. With AVX2 alone a GPTQ
model loads, and the engine dies on the first request. Here the weights are unpacked once after loading and
multiplied in float32, which on such a CPU is several times faster than torch's bfloat16. The weights are the
same int4 values times the same scales; only the rounding inside a sum differs. Memory is that of a float32
model, so this serves tests and demos of small models.

Where the CPU has AMX, that matmul uses its tiles. Linux wants to be asked for them first, by each process
(https://docs.kernel.org/arch/x86/xstate.html), and ends those that did not ask with an illegal instruction; the
matmul does not ask. So the plugin does. On any other CPU it does nothing.
"""

import os

import torch
from vllm import _custom_ops  # noqa: F401 (loads the compiled operators looked up below)
from vllm.model_executor.kernels.linear import register_linear_kernel
from vllm.model_executor.kernels.linear.mixed_precision.cpu import CPUWNA16LinearKernel
from vllm.model_executor.kernels.linear.mixed_precision.MPLinearKernel import MPLinearLayerConfig
from vllm.model_executor.layers.quantization.utils.quant_utils import unpack_quantized_values_into_int32
from vllm.platforms import PlatformEnum, current_platform
from vllm.scalar_type import scalar_types


def register() -> None:
    """Put the torch kernel in the place of vLLM's where that cannot run; called once in every vLLM process."""
    if current_platform.is_cpu() and not (hasattr(torch.ops._C, "cpu_gemm_wna16") and _may_use_tiles()):  # noqa: SLF001
        register_linear_kernel(TorchWNA16LinearKernel, PlatformEnum.CPU)
        disabled = os.environ.get("VLLM_DISABLED_KERNELS", "")
        os.environ["VLLM_DISABLED_KERNELS"] = ",".join(filter(None, [disabled, CPUWNA16LinearKernel.__name__]))


def _may_use_tiles() -> bool:
    """Whether AMX may be used from now on wherever the CPU has it."""
    return not torch.cpu._is_amx_tile_supported() or bool(torch.cpu._init_amx())  # noqa: SLF001 (torch has no other name)


class TorchWNA16LinearKernel(CPUWNA16LinearKernel):
    """Symmetric GPTQ weights (`uint4b8`), with or without groups, without act-order."""

    @classmethod
    def can_implement(cls, c: MPLinearLayerConfig) -> tuple[bool, str | None]:
        """Whether the layer is one of those, and the reason where it is not."""
        if c.weight_type != scalar_types.uint4b8 or c.zero_points:
            return False, "only symmetric 4-bit weights"
        return super().can_implement(c)

    def process_weights_after_loading(self, layer: torch.nn.Module) -> None:
        """Replace the packed weights, [in / 8, out], by float32 ones, [out, in]."""
        packed, scales, _ = self._get_weight_params(layer)
        if not packed.input_dim == packed.packed_dim == 0:
            raise ValueError("expected GPTQ's layout: packed along the input")
        kind = self.config.weight_type
        steps = unpack_quantized_values_into_int32(packed.data, kind, 0) - kind.bias
        per_input = scales.data.float().repeat_interleave(steps.shape[0] // scales.shape[0], dim=0)
        packed.data = (steps.float() * per_input).t().contiguous()

    def apply_weights(
        self, layer: torch.nn.Module, x: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The product in float32, in the type of `x`."""
        weight = self._get_weight_params(layer)[0]
        out = torch.nn.functional.linear(x.float(), weight, None if bias is None else bias.float())
        return out.to(x.dtype)
