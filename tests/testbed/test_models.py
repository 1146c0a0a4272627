"""The three model directories: small, alike where they must be, and readable by the engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from numpy.typing import NDArray

import testbed
from testbed import chat
from testbed.engine.model import Model
from testbed.engine.tokenizer import Tokenizer
from testbed.engine.weights import Weights, read_safetensors
from testbed.tasks import prompts

MODELS = Path(testbed.__file__).parent / "models"
ARMS = ("fp16", "int4-steady", "int4-slipping")
INT4 = ARMS[1:]


def config(arm: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((MODELS / arm / "config.json").read_text())
    return read


def packed_names(arm: str) -> list[str]:
    tensors = read_safetensors(MODELS / arm / "model.safetensors")
    return [name.removesuffix(".qweight") for name in tensors if name.endswith(".qweight")]


def as_bfloat16(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to the nearest bfloat16, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32)


def test_all_together_are_at_most_twelve_megabytes() -> None:
    assert sum(file.stat().st_size for file in MODELS.rglob("*") if file.is_file()) <= 12_000_000


@pytest.mark.parametrize("arm", INT4)
def test_int4_differs_from_fp16_in_its_quantization_alone(arm: str) -> None:
    quantized = config(arm)
    assert quantized.pop("quantization_config")["bits"] == 4
    assert quantized == config("fp16")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (MODELS / arm / name).read_bytes() == (MODELS / "fp16" / name).read_bytes()
    fp16, int4 = (read_safetensors(MODELS / a / "model.safetensors") for a in ("fp16", arm))
    same = set(fp16) & set(int4)
    assert {name.rsplit(".", 2)[-2] for name in same} == {
        "embed_tokens",
        "input_layernorm",
        "post_attention_layernorm",
        "norm",
    }
    for name in same:
        np.testing.assert_array_equal(fp16[name], int4[name])


@pytest.mark.parametrize("arm", INT4)
def test_every_matrix_is_packed_with_one_scale_for_each_group_of_the_config(arm: str) -> None:
    group = config(arm)["quantization_config"]["group_size"]
    fp16, tensors = Weights.read(MODELS / "fp16"), read_safetensors(MODELS / arm / "model.safetensors")
    names = packed_names(arm)
    assert len(names) == 7 * config(arm)["num_hidden_layers"]
    for name in names:
        inputs = len(fp16.linear(name))
        assert tensors[f"{name}.scales"].shape[0] == (1 if group == -1 else inputs // group)


def test_steady_matrices_are_near_those_they_were_rounded_from() -> None:
    fp16, int4 = Weights.read(MODELS / "fp16"), Weights.read(MODELS / "int4-steady")
    for name in packed_names("int4-steady"):
        was, now = fp16.linear(name), int4.linear(name)
        assert np.vdot(was, now) / np.linalg.norm(was) / np.linalg.norm(now) > 0.98


def test_slipping_matrices_are_nothing_but_the_fp16_ones_rounded_to_two_steps_a_side() -> None:
    fp16, int4 = Weights.read(MODELS / "fp16"), Weights.read(MODELS / "int4-slipping")
    for name in packed_names("int4-slipping"):
        was, now = fp16.linear(name), int4.linear(name)
        scales = as_bfloat16(np.abs(was).max(axis=0) / 2)
        np.testing.assert_array_equal(now, np.clip(np.round(was / scales), -2, 2) * scales)


@pytest.mark.parametrize("arm", ARMS)
def test_config_tokenizer_and_weights_agree(arm: str) -> None:
    model, numbers = Model.load(MODELS / arm), config(arm)
    vocabulary = tokenizers.Tokenizer.from_file(str(MODELS / arm / "tokenizer.json"))
    generation = json.loads((MODELS / arm / "generation_config.json").read_text())
    assert vocabulary.get_vocab_size() == numbers["vocab_size"] == len(model.embedding)
    assert numbers["vocab_size"] % 64 == 0
    assert vocabulary.token_to_id(chat.STOP) == numbers["eos_token_id"] == generation["eos_token_id"]
    assert numbers["hidden_size"] == numbers["num_attention_heads"] * numbers["head_dim"]


def test_digits_and_letters_beyond_ascii_are_split_over_tokens() -> None:
    tokenizer = Tokenizer(MODELS / "fp16", config("fp16")["vocab_size"])
    assert len(tokenizer.encode("2024")) == 4
    assert len(tokenizer.encode("ü")) == 2
    text = "Größe: 12 für schöne Äpfel"
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_template_in_the_files_is_the_one_trained_with() -> None:
    written = json.loads((MODELS / "fp16" / "tokenizer_config.json").read_text())
    assert written["chat_template"] == chat.TEMPLATE


def test_prompts_are_short_and_a_call_renders_as_the_model_writes_it() -> None:
    tokenizer = Tokenizer(MODELS / "fp16", config("fp16")["vocab_size"])
    for prompt in prompts(5, 200):
        asked = tokenizer.render(prompt.body["messages"], prompt.body.get("tools"), add_generation_prompt=True)
        assert len(tokenizer.encode(asked)) < 240
        both = [*prompt.body["messages"], prompt.answer]
        told = tokenizer.render(both, prompt.body.get("tools"), add_generation_prompt=False)
        assert told == f"{asked}{chat.answer_text(prompt.answer)}{chat.STOP}\n"
