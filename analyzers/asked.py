"""What a request asks, in words: the same question over the four APIs' request bodies.

Only text is taken; images and files are passed over. Bodies are whatever a client sent, so nothing is assumed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from analyzers.pair import Request

MAX_CHARS = 65_536
"""Rules look at this much of one message: a longer one is a document."""
COMPLETION_TOKENS = 16
"""The limit that /v1/completions has by itself, at OpenAI and in vLLM."""


def last_user_text(request: Request) -> str:
    """The text of the last user message, or of a completion's prompt; empty where there is none."""
    turns = request.body.get("messages") or request.body.get("input")
    if isinstance(turns, list):
        users = [turn for turn in turns if isinstance(turn, dict) and turn.get("role") == "user"]
        return _text(users[-1].get("content")) if users else ""
    return _text(turns or request.body.get("prompt"))


def prompt_hash(request: Request) -> bytes:
    """SHA-256 of the last user text without blanks around it, in UTF-8: what files of right answers go by."""
    return sha256(last_user_text(request).strip().encode("utf-8", "surrogatepass")).digest()


def system_text(request: Request) -> str:
    """The texts of the system and developer messages, joined by line ends."""
    parts = [_text(request.body.get("system")), _text(request.body.get("instructions"))]
    turns = request.body.get("messages") or request.body.get("input")
    if isinstance(turns, list):
        parts += [
            _text(turn.get("content"))
            for turn in turns
            if isinstance(turn, dict) and turn.get("role") in ("system", "developer")
        ]
    return "\n".join(part for part in parts if part)[:MAX_CHARS]


def generates_text(request: Request) -> bool:
    """Whether the path is one whose answer is generated text."""
    return request.path.endswith(("/completions", "/responses", "/messages"))


def token_limit(request: Request) -> int | None:
    """The most tokens that the answer may have; None where the request sets no limit."""
    for key in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        limit = request.body.get(key)
        if isinstance(limit, int) and not isinstance(limit, bool):
            return limit
    return COMPLETION_TOKENS if request.path.endswith("/v1/completions") else None


def _text(content: Any) -> str:
    """A string, or the text parts of a list, joined by line ends."""
    if isinstance(content, str):
        return content[:MAX_CHARS]
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "\n".join(part for part in parts if isinstance(part, str))[:MAX_CHARS]
