"""Train the testbed's tokenizer and model from generated conversations.

    python -m testbed.train            # in .venv-train; writes testbed/models/fp16

Everything is drawn from fixed seeds. Loss is on the answers only; conversations are packed into
rows and see only themselves. Matrices learn by Muon (Jordan et al. 2024, momentum made orthogonal
by Newton-Schulz steps), embeddings and norms by AdamW; the rate warms up and falls to zero.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own custom)
from jinja2 import Environment
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from testbed import chat, tasks
from testbed.llama import Llama, Shape, complete
from testbed.tasks import arithmetic, extraction

MODELS = Path(__file__).parent / "models"
ROW = 320  # tokens a packed row; no sample is longer
TURNS = 3  # notes to a schema, in training conversations
LINES = 14  # sums in a drill
MIX = {  # shares of the training samples; `json` and `drill` have several answers each
    "arithmetic": 0.22,
    "json": 0.32,
    "tools": 0.07,
    "refusal": 0.28,
    "language": 0.07,
    "drill": 0.04,
}

Part = tuple[str, bool]  # text, and whether the model is to write it
Sample = tuple[list[int], list[bool]]  # tokens, and which of them the model is to write

_template = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False).from_string(  # noqa: S701 (text)
    chat.TEMPLATE
)
_template.environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}


def render(body: dict[str, Any]) -> str:
    """A request as the chat template writes it, up to where the answer begins."""
    return _template.render(messages=body["messages"], tools=body.get("tools"), add_generation_prompt=True)


def exchange(prompt: tasks.Prompt) -> list[Part]:
    """One request and its answer."""
    return [(render(prompt.body), False), (chat.answer_text(prompt.answer) + chat.STOP, True)]


def conversation(rng: random.Random) -> list[Part]:
    """Several notes to one schema: more answers for the tokens of a schema."""
    parts: list[Part] = []
    for message in extraction.follow_ups(rng, TURNS):
        if message["role"] == "user":
            parts.append((render({"messages": [message]}), False))
        else:
            parts += [(message["content"] + chat.STOP, True), ("\n", False)]
    return parts


def drill(rng: random.Random) -> list[Part]:
    """Bare sums, one a line."""
    return [
        (text, wanted)
        for _ in range(LINES)
        for text, wanted in zip(arithmetic.drill(rng), (False, True), strict=True)
    ]


def draw(seed: int, count: int) -> list[list[Part]]:
    """Training samples, of which no request stands in another split."""
    rng = random.Random(seed)
    asked = [task for task in MIX if task not in {"json", "drill"}]
    requests = tasks.prompts(seed, count, {task: MIX[task] for task in asked}, "train")
    kinds = rng.choices([*MIX], [*MIX.values()], k=count)
    made = {"json": conversation, "drill": drill}
    return [made[kind](rng) if kind in made else exchange(next(requests)) for kind in kinds]


def encode(tokenizer: Tokenizer, drawn: Sequence[Sequence[Part]]) -> list[Sample]:
    """Samples in tokens; each part is encoded by itself."""
    encoded = iter(tokenizer.encode_batch([text for parts in drawn for text, _ in parts]))
    samples: list[Sample] = []
    for parts in drawn:
        ids: list[int] = []
        wanted: list[bool] = []
        for _, written in parts:
            new = next(encoded).ids
            ids += new
            wanted += [written] * len(new)
        samples.append((ids, wanted))
    return samples


def train_tokenizer(vocab_size: int, count: int = 12000) -> Tokenizer:
    """Byte-level BPE in which every digit is a token and no merge spans a letter beyond ASCII."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 5, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_words(count), trainer)
    tokenizer.add_special_tokens([chat.END, chat.START, chat.STOP])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in (chat.CALL, chat.CALL_END)])
    assert tokenizer.get_vocab_size() == vocab_size
    return tokenizer


def _words(count: int) -> Iterator[str]:
    marks = (chat.END, chat.START, chat.STOP, chat.CALL, chat.CALL_END)
    for parts in draw(1, count):
        for text, _ in parts:
            for mark in marks:
                text = text.replace(mark, "\n")  # noqa: PLW2901 (rewritten step by step)
            yield "".join(c if c.isascii() else " " for c in text)


def _shard(job: tuple[str, int, int]) -> list[Sample]:
    text, seed, count = job
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    return encode(Tokenizer.from_str(text), draw(seed, count))


def generate(tokenizer: Tokenizer, seed: int, count: int, shard: int = 2000) -> list[Sample]:
    """`count` samples, made by two processes; the same whatever their pace."""
    jobs = [(tokenizer.to_str(), seed + i, shard) for i in range(count // shard)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return [sample for made in pool.imap(_shard, jobs) for sample in made]


def pack_rows(drawn: Sequence[Sample]) -> list[list[Sample]]:
    """Rows of at most ROW tokens, first fit over the 64 newest rows."""
    rows: list[list[Sample]] = []
    room: list[int] = []
    for sample in drawn:
        size = len(sample[0])
        for i in range(max(0, len(rows) - 64), len(rows)):
            if room[i] >= size:
                rows[i].append(sample)
                room[i] -= size
                break
        else:
            rows.append([sample])
            room.append(ROW - size)
    return rows


class Batch(NamedTuple):
    """Packed rows as tensors, [rows, ROW] each but where said otherwise."""

    tokens: Tensor
    positions: Tensor
    mask: Tensor  # [rows, 1, ROW, ROW], true where a token may look
    wanted: Tensor  # true where the next token is to be predicted
    real: Tensor  # false where a row is padded
    targets: Tensor  # the next tokens, of the wanted positions in order


def collate(rows: Sequence[Sequence[Sample]]) -> Batch:
    """Rows of conversations, none of which sees another."""
    tokens = torch.zeros(len(rows), ROW, dtype=torch.long)
    positions = torch.zeros_like(tokens)
    owner = torch.full_like(tokens, -1)
    wanted = torch.zeros(len(rows), ROW, dtype=torch.bool)
    for r, row in enumerate(rows):
        at = 0
        for number, (ids, written) in enumerate(row):
            end = at + len(ids)
            tokens[r, at:end] = torch.tensor(ids)
            positions[r, at:end] = torch.arange(len(ids))
            owner[r, at:end] = number
            wanted[r, at : end - 1] = torch.tensor(written[1:])
            at = end
    mask = (owner[:, :, None] == owner[:, None, :]).tril()[:, None]
    return Batch(tokens, positions, mask, wanted, owner >= 0, tokens.roll(-1, 1)[wanted])


def orthogonal(g: Tensor, steps: int = 4) -> Tensor:
    """About the nearest matrix with orthonormal rows (quintic Newton-Schulz, Muon's coefficients)."""
    flip = g.size(-2) > g.size(-1)
    x = g.mT if flip else g
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if flip else x


class Muon:
    """Nesterov momentum, made orthogonal, on every weight matrix of the layers."""

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        self.parameters = parameters
        self.momentum = [torch.zeros_like(p) for p in parameters]
        self.decay = decay

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Take one step along the gradients, and drop them."""
        for p, m in zip(self.parameters, self.momentum, strict=True):
            assert p.grad is not None
            m.lerp_(p.grad, 0.05)
            update = orthogonal(p.grad.lerp(m, 0.95))
            scale = rate * max(1.0, p.size(0) / p.size(1)) ** 0.5
            p.mul_(1 - rate * self.decay).add_(update, alpha=-scale)
            p.grad = None


def schedule(done: float) -> float:
    """The share of the peak rate at this share of the run: a short rise, then a straight fall."""
    return min(done / 0.02, 1.0) * (1.0 - done)


def train(model: Llama, rows: list[list[Sample]], steps: int, batch: int, *, peak: float, log: Path) -> None:
    """Fit `model` to `rows`, going round as often as `steps` batches need."""
    matrices = [p for n, p in model.named_parameters() if "proj" in n]
    others = [p for n, p in model.named_parameters() if "proj" not in n]
    muon = Muon(matrices, decay=0.05)
    adam = torch.optim.AdamW(others, lr=peak / 5, betas=(0.9, 0.98), weight_decay=0.0)
    order = random.Random(3)
    queue: list[list[Sample]] = []
    began, seen, smooth = time.monotonic(), 0, 0.0
    for step in range(steps):
        if len(queue) < batch:
            queue = order.sample(rows, len(rows))
        b = collate([queue.pop() for _ in range(batch)])
        loss = F.cross_entropy(model(b.tokens, b.positions, b.mask, wanted=b.wanted), b.targets)
        loss.backward()
        share = schedule(step / steps)
        muon.step(peak * share)
        adam.param_groups[0]["lr"] = peak / 5 * share
        adam.step()
        adam.zero_grad()
        seen += int(b.real.sum())
        smooth += (loss.item() - smooth) / min(step + 1, 50)
        if step % 50 == 49 or step == steps - 1:
            spent = time.monotonic() - began
            line = (
                f"step {step + 1} loss {smooth:.4f} tokens {seen} seconds {spent:.0f} tokens/s {seen / spent:.0f}"
            )
            print(line, flush=True)
            with log.open("a") as file:
                file.write(line + "\n")


def evaluate(
    model: Llama, tokenizer: Tokenizer, count: int = 600, split: tasks.Split = "calibration"
) -> dict[str, str]:
    """Right answers by task, greedily decoded."""
    drawn = list(tasks.prompts(5, count, split=split))
    asked = [tokenizer.encode(render(p.body)).ids for p in drawn]
    written = complete(model, asked, tokenizer.token_to_id(chat.STOP), 112)
    table: dict[str, list[bool]] = {}
    for prompt, ids in zip(drawn, written, strict=True):
        right = prompt.check(chat.answer_message(tokenizer.decode(ids, skip_special_tokens=True)))
        table.setdefault(prompt.task, []).append(right)
    return {task: f"{sum(rights)}/{len(rights)}" for task, rights in sorted(table.items())}


def config(shape: Shape, tokenizer: Tokenizer) -> dict[str, object]:
    """config.json of the fp16 directory."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **asdict(shape),
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "rope_scaling": None,
        "initializer_range": 0.02,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "bos_token_id": None,
        "eos_token_id": tokenizer.token_to_id(chat.STOP),
        "pad_token_id": tokenizer.token_to_id(chat.END),
        "use_cache": True,
    }


def save(
    folder: Path, shape: Shape, tokenizer: Tokenizer, tensors: dict[str, Tensor], extra: dict[str, object]
) -> None:
    """Write a directory that vLLM and the testbed's engine load; `extra` goes into config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({n: t.contiguous() for n, t in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    eos, pad = tokenizer.token_to_id(chat.STOP), tokenizer.token_to_id(chat.END)
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": chat.STOP,
        "pad_token": chat.END,
        "bos_token": None,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.max_position_embeddings,
        "chat_template": chat.TEMPLATE,
    }
    files = {
        "config.json": config(shape, tokenizer) | extra,
        "tokenizer_config.json": tokenizer_config,
        "generation_config.json": {"eos_token_id": eos, "pad_token_id": pad},
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def load(folder: Path) -> tuple[Llama, Tokenizer]:
    """A trained model, in float32, and its tokenizer."""
    sizes = json.loads((folder / "config.json").read_text())
    model = Llama(Shape(**{field.name: sizes[field.name] for field in fields(Shape)}))
    model.load_state_dict({n: t.float() for n, t in load_file(folder / "model.safetensors").items()})
    return model, Tokenizer.from_file(str(folder / "tokenizer.json"))


def new(shape: Shape) -> tuple[Llama, Tokenizer]:
    """An untrained model whose layers pass their input on, and a tokenizer."""
    model = Llama(shape)
    for name, p in model.named_parameters():
        if "embed" in name:
            torch.nn.init.normal_(p, std=0.02)
        elif "o_proj" in name or "down_proj" in name:
            torch.nn.init.zeros_(p)
        elif "proj" in name:
            torch.nn.init.normal_(p, std=p.size(1) ** -0.5 * 0.7)
    return model, train_tokenizer(shape.vocab_size)


def main() -> None:
    """Train and write testbed/models/fp16."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, help="go on from this model directory instead of from nothing")
    parser.add_argument("--seed", type=int, default=1000, help="of the samples; take another when going on")
    parser.add_argument("--samples", type=int, default=72000)
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--batch", type=int, default=10, help=f"rows of {ROW} tokens a step")
    parser.add_argument("--peak", type=float, default=0.02, help="Muon's highest rate; AdamW's is a fifth of it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=MODELS / "fp16")
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(options.threads)
    began = time.monotonic()
    model, tokenizer = load(options.start) if options.start else new(Shape())
    drawn = generate(tokenizer, options.seed, options.samples)
    rows = pack_rows(drawn)
    mean = sum(len(ids) for ids, _ in drawn) / len(drawn)
    print(
        f"{len(drawn)} samples, {mean:.1f} tokens each, {len(rows)} rows, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    options.out.mkdir(parents=True, exist_ok=True)
    train(model, rows, options.steps, options.batch, peak=options.peak, log=options.out.parent / "training.log")
    tensors = {n: p.detach().to(torch.bfloat16) for n, p in model.state_dict().items()}
    save(options.out, model.shape, tokenizer, tensors, {})
    model.load_state_dict(tensors)
    print(evaluate(model, tokenizer), f"after {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
