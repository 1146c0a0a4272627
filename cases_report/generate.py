"""Texts from a seed: private values in sentences, and what only looks like them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from cases_report.made import accounts, contacts, identities, machines, secrets
from cases_report.made.form import CLOSE, OPEN, Kind

SEED = 7
EACH = 12
"""Texts of each form."""
KINDS: tuple[Kind, ...] = (
    contacts.EMAIL,
    contacts.PHONE,
    accounts.CARD,
    accounts.IBAN,
    *identities.KINDS,
    *machines.KINDS,
    *secrets.KINDS,
)
SENTENCES = (
    "{}",
    "Please use {} for this.",
    "I wrote to them about it ({}), but nobody answered.",
    "Here it is: {}\nThanks!",
    "- {}\n- and nothing else",
    "Summarise this ticket. It says {} and asks for a refund of 40 euros.",
    "| value | {} |",
    "Is {} right?",
    "das ist {}, bitte ändern",
)


class Text(NamedTuple):
    """One generated text."""

    kind: str
    form: str
    text: str
    start: int
    end: int
    private: bool
    """Whether what stands from start to end must go; else it must stay."""


def texts(seed: int = SEED, each: int = EACH) -> Iterator[Text]:
    """All of them: `each` times every form and every look-alike of every kind."""
    rng = Random(seed)
    for kind in KINDS:
        for private, forms in ((True, kind.forms), (False, kind.look_alikes)):
            for form in forms:
                for _ in range(each):
                    cue = rng.choice(form.cue) if form.cue else ""
                    before, after = rng.choice(SENTENCES).split("{}")
                    yield _text(kind.name, form.name, before + cue, form.write(rng), after, private=private)


def _text(kind: str, form: str, before: str, value: str, after: str, *, private: bool) -> Text:
    if OPEN in value:
        lead, _, rest = value.partition(OPEN)
        value, _, tail = rest.partition(CLOSE)
        before, after = before + lead, tail + after
    return Text(kind, form, before + value + after, len(before), len(before) + len(value), private)
