import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from testbed.engine.generate import generate
from testbed.engine.model import KVSlots, Model
from testbed.engine.weights import dequantize, read_safetensors
from tests.engine.random_model import pack_gptq, write_model

PROMPTS = [[5, 77, 31], [9, 9, 200, 14, 3, 250, 8], [300], [41, 42, 43, 44, 45]]


def textbook_logits(path: Path, tokens: list[int]) -> Any:
    """Llama written out per position and per head, with rotate-half, in float64."""
    config = json.loads((path / "config.json").read_text())
    weights = {
        name: array.astype(np.float64) for name, array in read_safetensors(path / "model.safetensors").items()
    }
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    dim = config["hidden_size"] // heads

    def norm(x: Any, name: str) -> Any:
        return x / np.sqrt((x * x).mean() + config["rms_norm_eps"]) * weights[name]

    def rotate(x: Any, position: int) -> Any:
        angles = position / config["rope_theta"] ** (np.arange(0, dim, 2) / dim)
        cos, sin = np.cos(np.tile(angles, 2)), np.sin(np.tile(angles, 2))
        return x * cos + np.concatenate([-x[dim // 2 :], x[: dim // 2]]) * sin

    xs = [weights["model.embed_tokens.weight"][token] for token in tokens]
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        normed = [norm(x, f"{name}.input_layernorm.weight") for x in xs]
        project = {p: [weights[f"{name}.self_attn.{p}_proj.weight"] @ x for x in normed] for p in "qkv"}
        for t in range(len(xs)):
            mixed = []
            for head in range(heads):
                query = rotate(project["q"][t][head * dim :][:dim], t)
                at = head * kv_heads // heads * dim
                scores = np.array([query @ rotate(project["k"][s][at:][:dim], s) for s in range(t + 1)]) / dim**0.5
                share = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
                mixed.append(sum(p * project["v"][s][at:][:dim] for s, p in enumerate(share)))
            x = xs[t] + weights[f"{name}.self_attn.o_proj.weight"] @ np.concatenate(mixed)
            h = norm(x, f"{name}.post_attention_layernorm.weight")
            gate = weights[f"{name}.mlp.gate_proj.weight"] @ h
            up = weights[f"{name}.mlp.up_proj.weight"] @ h
            xs[t] = x + weights[f"{name}.mlp.down_proj.weight"] @ (gate / (1 + np.exp(-gate)) * up)
    return np.stack([weights["model.embed_tokens.weight"] @ norm(x, "model.norm.weight") for x in xs])


def test_every_position_has_the_logits_of_a_textbook_implementation(model_dir: Path, model: Model) -> None:
    prompt = PROMPTS[1]
    kv = KVSlots(model.config, 2)
    logits = model.logits(model.step(kv, [], [prompt], every_row=[True]))
    np.testing.assert_allclose(logits, textbook_logits(model_dir, prompt), rtol=1e-3, atol=1e-3)


def test_decoding_beside_a_new_prompt_equals_reading_everything_at_once(model_dir: Path, model: Model) -> None:
    kv = KVSlots(model.config, 4)
    model.step(kv, [], [PROMPTS[0], PROMPTS[1]])
    mixed = model.logits(model.step(kv, [17, 18], [PROMPTS[3]]))
    wholes = [[*PROMPTS[0], 17], [*PROMPTS[1], 18], PROMPTS[3]]
    for row, whole in zip(mixed, wholes, strict=True):
        np.testing.assert_allclose(row, textbook_logits(model_dir, whole)[-1], rtol=1e-3, atol=1e-3)


def test_a_released_slot_leaves_the_other_sequences_as_they_were(model_dir: Path, model: Model) -> None:
    kv = KVSlots(model.config, 3)
    model.step(kv, [], PROMPTS[:3])
    assert kv.release(0) == 2
    rows = model.logits(model.step(kv, [17, 18]))
    np.testing.assert_allclose(rows[0], textbook_logits(model_dir, [*PROMPTS[2], 17])[-1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(rows[1], textbook_logits(model_dir, [*PROMPTS[1], 18])[-1], rtol=1e-3, atol=1e-3)


def test_a_batch_generates_what_each_prompt_generates_alone(model: Model) -> None:
    together = generate(model, PROMPTS, 24, slots=3)
    assert together == [generate(model, [prompt], 24)[0] for prompt in PROMPTS]
    assert all(len(answer) == 24 for answer in together)


def test_generation_ends_before_a_stop_token_and_at_the_end_of_the_context(model: Model) -> None:
    (free,) = generate(model, [PROMPTS[0]], 20)
    stop = free[7]
    assert generate(model, [PROMPTS[0]], 20, stop_ids=[stop]) == [free[: free.index(stop)]]
    (whole,) = generate(model, [PROMPTS[0]], 10_000)
    assert len(whole) + len(PROMPTS[0]) == model.config.max_len + 1
    with pytest.raises(ValueError, match="every prompt"):
        generate(model, [[]], 5)


@pytest.mark.parametrize("group", [-1, 32, 64])
def test_gptq_values_are_scale_times_level_minus_eight(group: int) -> None:
    matrix = np.random.default_rng(3).normal(0, 1, (16, 64))
    packed = pack_gptq(matrix, group)
    values = dequantize(packed["qweight"], packed["qzeros"], packed["scales"], packed["g_idx"])
    size = 64 if group == -1 else group
    for output, source in ((0, 0), (5, 13), (15, 63)):
        word = int(packed["qweight"][source // 8, output]) & 0xFFFFFFFF
        level = (word >> (4 * (source % 8))) & 15
        assert values[source, output] == np.float32(packed["scales"][source // size, output]) * (level - 8)
    assert np.abs(values.T - matrix).max() <= np.float32(packed["scales"]).max() * 0.51


def test_a_quantized_model_is_near_its_source_but_not_equal(model_dir: Path, gptq_dir: Path) -> None:
    kvs = [(m, KVSlots(m.config, 1)) for m in (Model.load(model_dir), Model.load(gptq_dir))]
    plain, packed = (m.logits(m.step(kv, [], [PROMPTS[1]])) for m, kv in kvs)
    assert not np.allclose(plain, packed)
    assert np.corrcoef(plain.ravel(), packed.ravel())[0, 1] > 0.8


def test_other_architectures_are_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**config, "architectures": ["Qwen3ForCausalLM"]}))
    with pytest.raises(ValueError, match="LlamaForCausalLM"):
        Model.load(path)
