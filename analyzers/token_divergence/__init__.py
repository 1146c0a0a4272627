"""How far the candidate's token probabilities are from the baseline's, on the baseline's own answer.

The baseline's answer is put into token ids and teacher-forced through both servers: each gives the probability of
every token of it, given all before. Nothing of this changes what the client asks or gets, since it is done by
requests of its own afterwards, so the tokens are those of the answer's text, which may be cut otherwise than they
were generated; both servers are asked for the same ones.

Measures, over the tokens y of the answer, p being the baseline's and q the candidate's probability:

- `log_likelihood_ratio`: sum of ln p(y) - ln q(y), in nats. Large where the candidate would not have said this.
- `kl`: mean over tokens of a lower bound of KL(p || q), in nats: both distributions reduced to the tokens whose
  probability is known of both, and the rest as one. It is tight where these hold most of p.
- `top1_disagreement`: share of tokens at which the two would choose another most probable token.
- `first_disagreement`: where the first of those is, as a share of the answer's length; 1 where there is none.
- `margin`: how much more probable the baseline's first token is than its second there; 0 where there is none. A
  small one is a near tie, which any rounding flips.

Cannot tell: what got worse, or whether anything did. Divergence has a volume and no direction: near the baseline it
says little of how tasks come out (https://arxiv.org/abs/2606.19558), while answers that flip do follow it
(https://arxiv.org/abs/2407.09141). So it ranks pairs and explains them, and decides nothing: use `math.checked` and
its like for that.

Not applicable, with the reason: answers that are no single plain text, more than MAX_TOKENS tokens with the prompt,
servers without `/tokenize` or `prompt_logprobs` (`unsupported`), and servers that cut texts or conversations into
other tokens (`other_tokens`), whose probabilities are of different things.

Source: vLLM's `/v1/completions` with token ids and `prompt_logprobs`
(https://docs.vllm.ai/en/stable/serving/openai_compatible_server/); the bound is the data-processing inequality.
"""

from __future__ import annotations

from typing import Any, ClassVar

from analyzers.finding import Measurement, Need, NotApplicable, Probe, Reply, Result
from analyzers.pair import Choice, Pair, Request
from analyzers.token_divergence.divergence import FIGURES, divergence, rows

MAX_TOKENS = 4_096
MAX_CHARS = 40_000
"""Most characters of an answer that is asked about."""
TOP = 5
"""Tokens at each place whose probability is asked for, beside the answer's own."""
ARMS = ("baseline", "candidate")
_CONVERSATION = ("messages", "tools", "chat_template", "chat_template_kwargs", "add_generation_prompt")
"""What of a chat request decides its tokens."""


class TokenDivergence:
    """See the module."""

    name: ClassVar[str] = "token_divergence"
    version: ClassVar[str] = "1"
    variables: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[str, ...]] = FIGURES
    labels: ClassVar[frozenset[str]] = frozenset(
        {"no_plain_text", "too_long", "unsupported", "other_tokens", "unreadable"}
    )
    scores_unserved: ClassVar[bool] = False

    def prepare(self) -> None:
        """Nothing is heavy."""
        return

    def applies(self, pair: Pair) -> bool:
        """Chat, and completions of one text, whose model is named."""
        body = pair.request.body
        if not isinstance(body.get("model"), str):
            return False
        if pair.request.path.endswith("/chat/completions"):
            return isinstance(body.get("messages"), list)
        return pair.request.path.endswith("/completions") and isinstance(body.get("prompt"), str)

    def score(self, pair: Pair, replies: tuple[Reply, ...] = ()) -> Result:
        """See `Analyzer.score`: token ids of both servers first, then their probabilities."""
        answer = _plain(pair.baseline.choices)
        if answer is None:
            return NotApplicable("no_plain_text")
        if len(answer) > MAX_CHARS:
            return NotApplicable("too_long")
        if not all(reply.good for reply in replies):
            return NotApplicable("unsupported")
        if replies:
            return self._told(pair.request, replies)
        return Need(tuple(_tokenized(pair.request, what, arm) for arm in ARMS for what in ("", answer)))

    def _told(self, request: Request, replies: tuple[Reply, ...]) -> Result:
        """What follows from the token ids of both servers, and from the probabilities where these are told."""
        ids = [_ids(reply) for reply in replies[:4]]
        if not all(ids):
            return NotApplicable("unreadable")
        if ids[:2] != ids[2:]:
            return NotApplicable("other_tokens")
        prompt, said = ids[:2]
        if len(prompt) + len(said) > MAX_TOKENS:
            return NotApplicable("too_long")
        if len(replies) == len(ids):
            return Need(tuple(_forced(request, prompt + said, arm) for arm in ARMS))
        baseline, candidate = (rows(reply.body, len(prompt), said) for reply in replies[4:])
        if baseline is None or candidate is None:
            return NotApplicable("unreadable")
        return Measurement(self.name, self.version, divergence(baseline, candidate))


def _plain(choices: tuple[Choice, ...]) -> str | None:
    """The one answer, where it is text alone."""
    if len(choices) != 1 or choices[0].tool_calls or choices[0].refusal or not choices[0].text:
        return None
    return choices[0].text


def _tokenized(request: Request, answer: str, arm: str) -> Probe:
    """Asks for the token ids of the answer's text; of what was asked, where that is empty."""
    body = request.body
    asked: dict[str, Any] = {"model": body["model"]}
    if answer:
        asked |= {"prompt": answer, "add_special_tokens": False}
    elif "messages" in body:
        asked |= {name: body[name] for name in _CONVERSATION if body.get(name) is not None}
    else:
        asked["prompt"] = body["prompt"]
    return Probe(arm, "/tokenize", asked)


def _ids(reply: Reply) -> list[int]:
    """Token ids; empty where the body is not what `/tokenize` promises."""
    ids = reply.body.get("tokens")
    sound = isinstance(ids, list) and all(type(each) is int and each >= 0 for each in ids)
    return ids if isinstance(ids, list) and sound else []


def _forced(request: Request, ids: list[int], arm: str) -> Probe:
    """Asks for the probability of each of these tokens given those before."""
    body = {
        "model": request.body["model"],
        "prompt": ids,
        "max_tokens": 1,
        "prompt_logprobs": TOP,
        "temperature": 0,
    }
    return Probe(arm, "/v1/completions", body)
