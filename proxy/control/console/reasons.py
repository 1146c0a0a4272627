"""What an analyzer's label means, in words. The labels are each analyzer's own; docs/analyzers.md says more."""

from __future__ import annotations

from analyzers.finding import Outcome, Score

GOOD = "as it should be"
_WORDS = {
    "served": {
        "no_connection": "no connection could be made",
        "broken": "the answer broke off",
        "deadline": "unfinished at the deadline",
        "http_429": "turned away for load (429)",
        "http_503": "unavailable (503)",
        "http_5xx": "a server error",
        "http_4xx": "the request was rejected",
        "http_other": "no 2xx status",
        "unreadable": "not what the API promises",
    },
    "json": {
        "syntax": "does not parse as JSON",
        "fenced": "JSON wrapped in a code fence",
        "prose": "JSON wrapped in prose",
        "not_object": "no JSON object",
        "empty": "nothing was said",
        "refused": "a refusal in place of JSON",
        "truncated": "cut off by the token limit",
    },
    "tools": {
        "no_call": "a call was required, and none was made",
        "unparsed": "a call was written as text",
        "unknown_function": "calls a function that was not offered",
        "not_allowed": "calls what the request forbids",
        "parallel": "several calls where one was asked for",
        "repeated": "the same call twice",
        "not_json": "arguments that are no JSON",
        "not_object": "arguments that are no object",
        "truncated": "cut off by the token limit",
    },
    "refusal": {
        "refused": "refused",
        "complied": "complied, with a request that calls for refusal",
        "partial": "refused in part",
    },
    "math.checked": {
        "no_answer": "no final answer",
        "wrong_answer": "the final answer is wrong",
        "false_step": "a step of the arithmetic is false",
    },
    "math.consensus": {"differs": "another number than the baseline's majority", "no_number": "no number"},
    "degeneration": {
        "empty": "nothing was said",
        "loop": "says the same over and over",
        "repetition": "repeats itself",
        "garbage": "not text that anyone would write",
        "special_token": "a special token in plain sight",
        "mixed_scripts": "scripts mixed within words",
    },
    "truncation": {"length": "cut off by the token limit"},
    "language": {"script": "another script than asked for", "language": "another language than asked for"},
    "code": {
        "python": "Python that does not parse",
        "json": "JSON that does not parse",
        "toml": "TOML that does not parse",
        "unclosed": "a code block that is never closed",
    },
    "tools.called": {"called": "called a tool", "uncalled": "called no tool"},
    "tools.uncalled": {"called": "called a tool", "uncalled": "called no tool"},
}


def words(analyzer: str, score: Score) -> str:
    """What the analyzer says of one answer."""
    known = _WORDS.get(analyzer, {}).get(score.label)
    if known is not None:
        return known
    if score.label.startswith("schema_"):
        return f"against the schema: {score.label.removeprefix('schema_').replace('_', ' ')}"
    if score.outcome is Outcome.PASS and score.label == "ok":
        return GOOD
    return score.label.replace("_", " ")
