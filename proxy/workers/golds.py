"""A file of right answers by prompt, for clients that cannot send `X-Slipgauge-Gold` themselves.

One JSON object a line: `{"prompt_sha256": "<64 hex digits>", "gold": "72"}`, the hash being `prompt_hash` of the
request. The file is read when an analyzer process starts and holds no prompt, so it may lie where prompts may not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import orjson

from analyzers.asked import prompt_hash
from analyzers.math_checked.asked import GOLD_HEADER, supplied
from analyzers.pair import Pair

MAX_BYTES = 64 * 1024 * 1024
_HASH = re.compile(r"[0-9a-f]{64}")


class GoldsError(ValueError):
    """A file of golds that cannot be used; the message says where and what would be right."""


def load(path: str) -> dict[bytes, str]:
    """Golds by the prompt's digest. Raises GoldsError."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise GoldsError(f"{path} cannot be read: {error.strerror}") from None
    if len(text) > MAX_BYTES:
        raise GoldsError(f"{path} has more than {MAX_BYTES} bytes")
    golds: dict[bytes, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            digest, gold = _read(line, f"{path}, line {number}")
            golds[digest] = gold
    return golds


def _read(line: bytes, where: str) -> tuple[bytes, str]:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise GoldsError(f"{where}: is no JSON") from None
    digest, gold = (told.get("prompt_sha256"), told.get("gold")) if isinstance(told, dict) else (None, None)
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise GoldsError(f"{where}: prompt_sha256 should be 64 digits of lower-case hexadecimal")
    if not isinstance(gold, str) or supplied(gold) is None:
        raise GoldsError(
            f'{where}: gold should be a number or an expression as text, such as "72" or "\\\\frac{{3}}{{4}}"'
        )
    return bytes.fromhex(digest), gold


def with_gold(pair: Pair, golds: Mapping[bytes, str]) -> Pair:
    """The pair with its gold as if the client had sent it; a client's own comes first."""
    request = pair.request
    if not golds or GOLD_HEADER in request.headers:
        return pair
    gold = golds.get(prompt_hash(request))
    return (
        pair
        if gold is None
        else replace(pair, request=replace(request, headers={**request.headers, GOLD_HEADER: gold}))
    )
