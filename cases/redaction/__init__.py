"""What customers wrote, without what tells who they are: redaction of a pair before it is kept.

Pure, and linear in time. `pair` goes over every string of a pair; `spans` finds what is to be replaced, kind by
kind, in the texts that `view` gives; `pseudonyms` names it, the same value alike throughout a case. `own` is the
door for a user's own finder.

It lowers a risk and does not end it: names, street addresses and whatever has no form of its own stay.
docs/redaction.md says what is found and missed, as measured.
"""

from cases.redaction.own import Find, RedactorError, load
from cases.redaction.pair import Parts, redact, redact_again

__all__ = ["Find", "Parts", "RedactorError", "load", "redact", "redact_again"]
