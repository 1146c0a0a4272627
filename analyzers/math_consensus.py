"""Whether a number differs from what the baseline says most often, where nobody knows what is right.

Detects, on questions that ask for a number and tell no right answer themselves: the two answers' final numbers
differ, and one of them is not the majority of SAMPLES fresh answers of the baseline, drawn with a seed of their
own. Answers that agree cost nothing: nothing is asked, and both pass.

Cannot tell: who is right; it measures departure from the baseline's consensus. It informs and never rolls back,
since it is a fair test only between arms that are the same model at the same temperature: a better candidate
departs too. Prefer `math.checked` wherever golds can be supplied.

Not applicable, with the reason: answers without a number (`no_number`), fresh answers without a majority
(`no_majority`), a server that gives no several answers at once (`unsupported`).

Source: self-consistency (https://arxiv.org/abs/2203.11171), used here to settle disagreements alone.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from hashlib import blake2b
from typing import Any, ClassVar

from analyzers.apis import chat
from analyzers.apis.answer import MalformedError
from analyzers.asked import last_user_text
from analyzers.finding import GOOD, Finding, Need, NotApplicable, Probe, Reply, Result, Score
from analyzers.math_checked import answers
from analyzers.math_checked.asked import gold
from analyzers.numbers import NUMBER
from analyzers.pair import Exchange, Pair

VARIABLE = "math.consensus"
SAMPLES = 5
WARM = 0.7
"""The samples' temperature where the request asks for none: several greedy answers are one."""
MAX_CHARS = 4_000
_NUMBERS = re.compile(rf"(?<!\w)(?:{NUMBER})")
_ASKS = re.compile(
    r"\b(?:how (?:many|much|old|long|far|fast|tall|big|often)|what(?:'s| is| are| was| will)|calculate|compute|find"
    r"|solve|evaluate|determine|in total|wie ?viele?|wie (?:alt|lange|weit)|berechne|combien|calcule|cuánt[oa]s?)\b"
)
_OWN = ("seed", "n", "stream", "stream_options", "logprobs", "top_logprobs", "prompt_logprobs", "echo", "best_of")
"""What the samples decide for themselves."""


class MathConsensus:
    """F = 1 where an answer's number is not the baseline's consensus, on disagreement."""

    name: ClassVar[str] = VARIABLE
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = (VARIABLE,)
    figures: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[frozenset[str]] = frozenset(
        {"ok", "differs", "no_number", "no_majority", "unsupported", "unreadable"}
    )
    scores_unserved: ClassVar[bool] = False

    def prepare(self) -> None:
        """Nothing is heavy."""
        return

    def applies(self, pair: Pair) -> bool:
        """A question for one number, by its words: at least two numbers given, and one asked for."""
        request = pair.request
        if not request.path.endswith("/completions") or request.body.get("n") not in (None, 1):
            return False
        if not isinstance(request.body.get("model"), str) or request.body.get("tools") or gold(request) is not None:
            return False
        text = last_user_text(request)
        return len(text) <= MAX_CHARS and len(_NUMBERS.findall(text)) >= 2 and bool(_ASKS.search(text.lower()))

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result:
        """See `Analyzer.score`: fresh samples are needed where the legs disagree."""
        legs = [leg for leg in (pair.baseline, pair.candidate, pair.repeat) if leg is not None]
        said = [_number(leg) for leg in legs]
        if not any(number is not None for number in said):
            return NotApplicable("no_number")
        if len(set(said)) == 1:
            return self._finding(said, said[0])
        if not replies:
            return Need((Probe("baseline", pair.request.path, _samples(pair)),))
        return self._settled(said, replies[0])

    def _settled(self, said: list[Fraction | None], reply: Reply) -> Result:
        if not reply.good:
            return NotApplicable("unsupported")
        try:
            samples = chat.read(reply.body).choices
        except MalformedError:
            return NotApplicable("unreadable")
        counted = Counter(value for value in (_final(choice.text) for choice in samples) if value is not None)
        most = counted.most_common(2)
        if not most or most[0][1] * 2 <= len(samples):
            return NotApplicable("no_majority")
        return self._finding(said, most[0][0])

    def _finding(self, said: list[Fraction | None], right: Fraction | None) -> Finding:
        baseline, candidate, *repeat = (GOOD if number == right else Score(1.0, "differs") for number in said)
        return Finding(self.name, self.version, VARIABLE, baseline, candidate, repeat[0] if repeat else None)


def _number(leg: Exchange) -> Fraction | None:
    return _final(leg.choices[0].text) if len(leg.choices) == 1 else None


def _final(text: str) -> Fraction | None:
    final = answers.final(answers.plain(text))
    return None if final is None else final.value


def _samples(pair: Pair) -> dict[str, Any]:
    """The request once more, for several answers with a seed that no leg of the pair has."""
    body = {name: value for name, value in pair.request.body.items() if name not in _OWN}
    if body.get("temperature") == 0:
        body["temperature"] = WARM
    seed = int.from_bytes(blake2b(pair.pair_id.encode(), digest_size=4).digest(), "little") >> 1
    return body | {"n": SAMPLES, "seed": seed}
