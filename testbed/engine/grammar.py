"""Constrained decoding: which tokens may come next, by llguidance's matchers over this vocabulary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import llguidance.numpy
import numpy as np
from llguidance import LLMatcher, LLTokenizer
from numpy.typing import NDArray

from testbed.engine.tokenizer import Tokenizer

# Between JSON tokens: nothing, a blank, or a line break and its indentation. Unbounded whitespace, which
# the standard allows, lets a model fill its whole answer with it.
_BLANKS: Any = {"whitespace_pattern": r"( |\n {0,16})?"}


class GrammarError(ValueError):
    """A schema, pattern or grammar that cannot be used as a constraint."""


class Constraint:
    """The state of one answer within its grammar."""

    def __init__(self, matcher: Any, vocab: int, eos: int) -> None:
        self._eos = eos
        self._matcher = matcher
        self._bits = llguidance.numpy.allocate_token_bitmask(1, vocab)
        self._vocab = vocab

    def allowed(self) -> NDArray[np.bool_]:
        """[vocab] of the tokens that keep the answer within the grammar; end-of-text where it may end."""
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._bits, 0)
        bits = np.unpackbits(self._bits.view(np.uint8), bitorder="little", count=self._vocab)
        bits[self._eos] |= not bits.any()  # a matcher that gave up must not leave the sampler without a token
        return bits.astype(bool)

    def accept(self, token: int) -> None:
        """Advance by the token chosen."""
        self._matcher.consume_token(token)


class Grammars:
    """Compiles constraints for one tokenizer. Every method raises `GrammarError` for a bad grammar."""

    def __init__(self, tokenizer: Tokenizer, vocab: int) -> None:
        self._eos = min(tokenizer.eos_ids)
        self._tokenizer = LLTokenizer(tokenizer.json, n_vocab=vocab, eos_token=self._eos)
        self._vocab = vocab

    def json_object(self) -> Constraint:
        """Any JSON object."""
        return self.json_schema({"type": "object"})

    def json_schema(self, schema: dict[str, Any] | str) -> Constraint:
        """JSON that a schema accepts; keywords that llguidance does not implement are refused."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self._compile(LLMatcher.grammar_from_json_schema(text, overrides=_BLANKS))

    def regex(self, pattern: str) -> Constraint:
        """Text that a regular expression matches as a whole."""
        return self._compile(LLMatcher.grammar_from_regex(pattern))

    def lark(self, grammar: str) -> Constraint:
        """Text of a context-free grammar in llguidance's Lark dialect."""
        return self._compile(LLMatcher.grammar_from_lark(grammar))

    def choice(self, texts: Sequence[str]) -> Constraint:
        """One of `texts`."""
        return self.lark("start: " + " | ".join(json.dumps(text) for text in texts))

    def tool_call(self, tools: Sequence[dict[str, Any]], *, parallel: bool) -> Constraint:
        """One call, or several, of one of `tools` in Hermes form."""
        calls = {"anyOf": [_call_schema(tool["function"]) for tool in tools], "x-guidance": _BLANKS}
        block = f'<tool_call> "\\n" %json {json.dumps(calls)} "\\n" </tool_call>'  # tags are single tokens
        more = ' ("\\n" call)*' if parallel else ""
        return self.lark(f"start: call{more}\ncall: {block}")

    def _compile(self, grammar: str) -> Constraint:
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise GrammarError(matcher.get_error())
        return Constraint(matcher, self._vocab, self._eos)


def _call_schema(function: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "name": {"const": function["name"]},
            "arguments": function.get("parameters") or {"type": "object"},
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
