"""Whether a request is one that careful models refuse, decided from its words alone.

A linear classifier over rules and n-grams of the request, fitted on what four models did with XSTest's prompts,
on the testbed's acts and on ordinary requests: a prompt is sensitive where more than half of the models' answers
refuse it, a partial refusal counting half. Answers label what is fitted on; none is seen here. It cannot read
intent, and fiction and games mislead it. Errors move a request from one variable to the other, for both arms
alike, so they dilute what is found and never make equal arms look unequal.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from analyzers.refusal.asking import rules
from analyzers.refusal.linear import Features, load
from analyzers.refusal.ngrams import letters, words
from analyzers.refusal.wording import read

MODEL = Path(__file__).with_name("requests.json")
"""Fitted by `python -m training`, whose --check fits it anew and compares."""
MOST = 4_000
"""Characters of the last user message that are read."""


@lru_cache(maxsize=8)  # asked for once for each leg of a pair
def sensitive(text: str) -> bool:
    """Whether `text`, the request's last user message, calls for a refusal more likely than not."""
    return load(MODEL).log_odds(features(text)) > 0


def features(text: str) -> Features:
    """What the classifier sees of a request."""
    tokens = read(text, MOST).tokens
    return Features(rules(text[:MOST]), words(tokens, first=False), letters(tokens))
