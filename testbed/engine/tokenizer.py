"""Text to tokens and back for byte-level BPE vocabularies, and the chat template.

Decoding goes by bytes, so that a character whose bytes lie in several tokens appears only when it is
complete. The chat template is rendered as Hugging Face transformers renders it
(https://huggingface.co/docs/transformers/en/chat_templating): a sandboxed Jinja environment with
trimmed blocks and a `tojson` that escapes nothing for HTML.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import tokenizers
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Tokenizer:
    """The tokenizer of one model directory. Immutable, so that any thread may use it."""

    def __init__(self, path: Path, vocab: int) -> None:
        """Read `path/tokenizer.json` and its config files. Raises OSError or KeyError where one is missing."""
        self.json = (path / "tokenizer.json").read_text()
        self._tokenizer = tokenizers.Tokenizer.from_str(self.json)
        config = json.loads((path / "tokenizer_config.json").read_text())
        generation = json.loads((path / "generation_config.json").read_text())
        eos = generation["eos_token_id"]
        self.eos_ids = frozenset(eos if isinstance(eos, list) else [eos])
        added = self._tokenizer.get_added_tokens_decoder()
        self._special = frozenset(id_ for id_, token in added.items() if token.special)
        alphabet = _byte_alphabet()
        self._bytes = [b""] * vocab
        for text, id_ in self._tokenizer.get_vocab(with_added_tokens=True).items():
            self._bytes[id_] = text.encode() if id_ in added else bytes(alphabet[char] for char in text)
        self._template = _compile(path, config)
        self._template_names = {name: config.get(name) for name in ("bos_token", "eos_token", "pad_token")}

    def encode(self, text: str) -> list[int]:
        """The token ids of `text`; special tokens written out in it are recognised, none are added."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def bytes_of(self, token: int, *, skip_special: bool) -> bytes:
        """The bytes that a token stands for; none for special tokens where they are skipped."""
        return b"" if skip_special and token in self._special else self._bytes[token]

    def decode(self, tokens: Sequence[int], *, skip_special: bool = True) -> str:
        """The text of `tokens`, with U+FFFD for bytes that are no UTF-8."""
        return b"".join(self.bytes_of(t, skip_special=skip_special) for t in tokens).decode(errors="replace")

    def render(
        self,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] | None,
        **options: Any,
    ) -> str:
        """The prompt of a conversation. Raises `jinja2.TemplateError` for messages that the template refuses."""
        flat = [_plain_message(message) for message in messages]
        return self._template.render(messages=flat, tools=tools, **self._template_names, **options)


def _compile(path: Path, config: dict[str, Any]) -> jinja2.Template:
    beside = path / "chat_template.jinja"
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    return environment.from_string(beside.read_text() if beside.exists() else config["chat_template"])


def _tojson(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _plain_message(message: dict[str, Any]) -> dict[str, Any]:
    """Text parts joined, and tool arguments as objects: the form in which templates expect a message."""
    plain = dict(message)
    content = message.get("content")
    if isinstance(content, list):
        plain["content"] = "\n".join(part["text"] for part in content if "text" in part)
    if message.get("tool_calls"):
        plain["tool_calls"] = [_plain_call(call) for call in message["tool_calls"]]
    return plain


def _plain_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        arguments = json.loads(arguments or "{}")
    return {**call, "function": {**function, "arguments": arguments}}


def _byte_alphabet() -> dict[str, int]:
    """The printable stand-ins that byte-level BPE (GPT-2) uses for the 256 byte values."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [value for value in range(256) if value not in printable]
    return {chr(v): v for v in printable} | {chr(256 + i): v for i, v in enumerate(others)}
