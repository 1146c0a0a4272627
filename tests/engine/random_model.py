"""Writes a small model directory with random weights, in the formats that training writes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

HIDDEN, LAYERS, HEADS, KV_HEADS, INTER, VOCAB = 64, 2, 4, 2, 96, 384
CHAT_TEMPLATE = (
    "{% if tools %}<|im_start|>system\n# Tools\n"
    "{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content or '' }}"
    "{% for call in message.tool_calls or [] %}<tool_call>\n"
    '{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}'
    "\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CORPUS = ["What is twelve plus thirty?", "Grüße aus Zürich, äöü 你好", '{"name": "Ada", "age": 36}'] * 4


def write_model(path: Path, *, seed: int = 0, gptq_group: int | None = None, scale: float = 0.25) -> Path:
    """A model directory of random weights; `gptq_group` (-1, 32, …) packs its linear layers as W4A16."""
    rng = np.random.default_rng(seed)
    path.mkdir(parents=True, exist_ok=True)
    head_dim = HIDDEN // HEADS
    shapes = {
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (KV_HEADS * head_dim, HIDDEN),
        "self_attn.v_proj": (KV_HEADS * head_dim, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "mlp.gate_proj": (INTER, HIDDEN),
        "mlp.up_proj": (INTER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INTER),
    }
    tensors: dict[str, NDArray[Any]] = {
        "model.embed_tokens.weight": rng.normal(0, 1, (VOCAB, HIDDEN)).astype(np.float16),
        "model.norm.weight": rng.uniform(0.5, 1.5, HIDDEN).astype(np.float16),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}"
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}.{norm}.weight"] = rng.uniform(0.5, 1.5, HIDDEN).astype(np.float16)
        for name, shape in shapes.items():
            matrix = rng.normal(0, scale, shape)
            if gptq_group is None:
                tensors[f"{prefix}.{name}.weight"] = matrix.astype(np.float16)
            else:
                for kind, array in pack_gptq(matrix, gptq_group).items():
                    tensors[f"{prefix}.{name}.{kind}"] = array
    save_file(tensors, path / "model.safetensors")
    tokenizer = write_tokenizer(path)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "intermediate_size": INTER,
        "vocab_size": VOCAB,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
    }
    if gptq_group is not None:
        config["quantization_config"] = {
            "quant_method": "gptq",
            "bits": 4,
            "group_size": gptq_group,
            "sym": True,
            "desc_act": False,
            "checkpoint_format": "gptq",
        }
    (path / "config.json").write_text(json.dumps(config))
    eos = tokenizer.token_to_id("<|im_end|>")
    (path / "generation_config.json").write_text(json.dumps({"eos_token_id": eos}))
    return path


def write_tokenizer(path: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB - 5,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("<tool_call>", "</tool_call>")])
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "eos_token": "<|im_end|>",
                "pad_token": "<|endoftext|>",
                "chat_template": CHAT_TEMPLATE,
            }
        )
    )
    return tokenizer


def pack_gptq(matrix: NDArray[Any], group: int) -> dict[str, NDArray[Any]]:
    """Symmetric round-to-nearest 4-bit packing of [out, in], written the slow and obvious way."""
    outputs, inputs = matrix.shape
    group = inputs if group == -1 else group
    g_idx = np.arange(inputs) // group
    groups = inputs // group
    scales = np.zeros((groups, outputs), np.float16)
    qweight = np.zeros((inputs // 8, outputs), np.int64)
    for column in range(outputs):
        for g in range(groups):
            block = matrix[column, g * group : (g + 1) * group]
            scales[g, column] = np.abs(block).max() / 7
            for i, weight in enumerate(block, start=g * group):
                level = int(np.clip(round(float(weight) / float(scales[g, column])), -8, 7)) + 8
                qweight[i // 8, column] |= level << (4 * (i % 8))
    qzeros = np.full((groups, outputs // 8), sum(7 << (4 * i) for i in range(8)), np.int64)
    return {
        "qweight": qweight.astype(np.uint32).view(np.int32),
        "qzeros": qzeros.astype(np.uint32).view(np.int32),
        "scales": scales,
        "g_idx": g_idx.astype(np.int32),
    }
