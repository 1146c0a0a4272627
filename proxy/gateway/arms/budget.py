"""What extra legs may cost one arm: a token bucket that is paid afterwards. Pure.

Nobody knows beforehand how long an answer gets. So a leg may start while the balance is positive; at its start
the prompt is charged by an estimate, and at its end that is corrected to what it really took, into debt if need
be. In the long run the arm spends its rate, and never more than one burst beside it plus what is in flight.

The debt has an end, since much of it may be none: a body in megabytes is mostly images, whose bytes say little of
their tokens, or junk. Were it all to be paid, one client, or one candidate that babbles, could end the measuring of
all others for minutes. What is forgiven may have been spent: where single legs really take more than DEBT seconds
of the rate, an arm spends more than its rate, and what its servers say of their load is what holds legs back.
"""

from __future__ import annotations

import re

from analyzers.pair import STREAM
from proxy.gateway.capture import Recorder

BURST = 5.0
"""Seconds of the rate that may be saved up."""
DEBT = 30.0
"""Seconds of the rate that may be owed: at the default rate 300,000 tokens, more than a prompt usually holds."""
BYTES_A_TOKEN = 4
"""Of a request, or of an answer in one piece: English text has about four letters a token."""
EVENT_BYTES = 240
"""Of a streamed answer: vLLM sends a token in an event of about this size."""
_TAIL = 2_048
_USAGE = b'"usage":'
"""No text of a model holds these bytes: a quote within a JSON string is escaped."""
_TOTAL = b'"total_tokens":'
_NUMBER = re.compile(rb"\s*(\d{1,7})\b")
_PARTS = re.compile(rb'"(?:input|output)_tokens":\s*(\d{1,7})\b')
"""Where no total is told, as by /v1/messages."""


class TokenBudget:
    """`rate` tokens a second. `now` is seconds of one clock."""

    __slots__ = ("_at", "_balance", "_debt", "_most", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = self._balance = rate * BURST
        self._debt = rate * DEBT
        self._at = now

    def take(self, tokens: int, now: float) -> bool:
        """Charge for one more leg; False, and nothing charged, where none may start."""
        balance = min(self._most, self._balance + (now - self._at) * self._rate)
        self._at = now
        starts = balance > 0
        self._balance = balance - min(tokens, self._debt) if starts else balance
        return starts

    def settle(self, tokens: int, spent: int) -> None:
        """A leg for which `tokens` were to be charged took `spent`.

        No more is given back than was charged, so that a huge prompt that took little fills nothing up.
        """
        self._balance = max(self._balance + min(tokens, self._debt) - spent, -self._debt)


def prompt_tokens(size: int) -> int:
    """A request body's tokens, by its bytes."""
    return size // BYTES_A_TOKEN + 1


def spent_tokens(prompt: int, answer: Recorder) -> int:
    """What one leg took, prompt included, by what is kept of its answer.

    What the answer's last `usage` says counts. Where it says nothing, as in a stream whose client did not ask for
    usage, it is estimated: the `prompt` that was charged, and the answer by its bytes. A 4xx took nothing.
    """
    head = answer.head
    if head is not None and 400 <= head.status < 500:
        return 0
    end = answer.last(_TAIL)
    usage = end.rfind(_USAGE, -_TAIL)
    if usage >= 0:
        at = end.find(_TOTAL, usage)
        total = _NUMBER.match(end, at + len(_TOTAL)) if at >= 0 else None
        if total is not None:
            return int(total[1])
        parts = _PARTS.findall(end, usage)
        if len(parts) == 2:
            return int(parts[0]) + int(parts[1])
    streamed = head is not None and head.media_type == STREAM
    return prompt + answer.size // (EVENT_BYTES if streamed else BYTES_A_TOKEN)
