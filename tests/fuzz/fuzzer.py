"""The properties under a coverage-guided fuzzer, for as long as it is let: `make fuzz ARGS=-max_total_time=600`.

It starts from the tables of hostile requests and answers. What it finds is written to `.fuzz/`, and is shown again
by `make fuzz ARGS=.fuzz/crash-...`. https://github.com/google/atheris
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxy.gateway", "analyzers.sse"]):
    from proxy.gateway.ledger import Ledger
    from proxy.telemetry import Telemetry
    from tests.fuzz import properties
    from tests.fuzz.ledger_model import LedgerModel

from tests.gateway.hostile import CUT, PASSED, REFUSED
from tests.gateway.smuggling import ROWS

FOLDER = Path(".fuzz")
CUTS = 4
"""How many places an input is cut at; each is two bytes of it, behind the byte that picks the property."""
BODIES = (
    rb'{"model":"m","messages":[{"role":"user","content":"hi"}],"x":{"model":"m"}}',
    rb'{"mod\u0065l":"m","store":true,"metadata":{"model":"m"}}',
    rb'{"model":"a\/b","input":"\"model\":\"a/b\"","store":false}',
)
EVENTS = (
    "\ufeffevent: é\r\ndata: 😀\rdata:x\n\n: c\n\ndata\r\r".encode(),
    b"data: {}\n\ndata: [DONE]\n\n\xf0\x9f\ndata: \xff\n\n",
)
TOKENS = (
    *(
        "Host: a\\x0d\\x0a",
        "Content-Length: 3\\x0d\\x0a",
        "Transfer-Encoding: chunked\\x0d\\x0a",
        "\\x0d\\x0a\\x0d\\x0a",
    ),
    *("Connection: close\\x0d\\x0a", "Connection: x-a\\x0d\\x0a", "Expect: 100-continue\\x0d\\x0a", "X-Slipgauge-"),
    *(
        "0\\x0d\\x0a\\x0d\\x0a",
        "3\\x0d\\x0aabc\\x0d\\x0a",
        " HTTP/1.1\\x0d\\x0a",
        "HTTP/1.0",
        "POST /",
        "GET /",
        "http://",
    ),
    *(
        "HTTP/1.1 200 OK\\x0d\\x0a",
        "HTTP/1.1 103 E\\x0d\\x0a\\x0d\\x0a",
        "HTTP/1.1 204 N\\x0d\\x0a",
        "Upgrade: x\\x0d\\x0a",
    ),
    *("data: ", "event: ", "\\x0d", "\\x0a", '\\"model\\"', '\\"store\\"', "\\\\u00", "\\xef\\xbb\\xbf"),
)


LEDGER = Ledger(Telemetry())


def ledger_balances(script: bytes) -> None:
    """Any events of any requests, in any order, six bytes each."""
    model = LedgerModel(LEDGER)
    for at in range(0, len(script) - 5, 6):
        what, *numbers = script[at : at + 6]
        if what % 4 == 0:
            model.begin(numbers[0], sampled=numbers[1] % 4 != 0, repeat=numbers[2] % 2 == 0)
        elif what == 255:
            model.close_once_more(numbers[0])
        else:
            model.happen(*numbers[:4])
    model.balance()
    model.finish()
    model.balance()


def _halves(data: bytes, cut: int) -> tuple[bytes, bytes]:
    return data[: cut % (len(data) + 1)], data[cut % (len(data) + 1) :]


Property = Callable[[bytes, list[int]], None]
PROPERTIES: tuple[Property, ...] = (
    properties.requests_do_not_depend_on_arrival,
    lambda data, _: properties.requests_keep_to_the_grammar(data),
    lambda data, _: properties.a_forwarded_request_is_one_request(data),
    lambda data, cuts: properties.responses_do_not_depend_on_arrival(data, cuts[1:], to_head=cuts[0] % 4 == 0),
    lambda data, cuts: properties.responses_keep_to_the_grammar(data, to_head=cuts[0] % 4 == 0),
    properties.events_do_not_depend_on_arrival,
    lambda data, _: properties.a_renamed_body_asks_for_the_same_of_another_model(data),
    lambda data, _: ledger_balances(data),
    lambda data, cuts: properties.a_request_says_nothing_of_the_next(*_halves(data, cuts[0])),
    lambda data, cuts: properties.an_answer_says_nothing_of_the_next(*_halves(data, cuts[0])),
)


def check(data: bytes) -> None:
    """One input: the byte that picks the property, the cuts, and the bytes that it is about."""
    start = 1 + 2 * CUTS
    if len(data) < start:
        return
    cuts = [int.from_bytes(data[at : at + 2]) for at in range(1, start, 2)]
    PROPERTIES[data[0] % len(PROPERTIES)](data[start:], cuts)


def seeds() -> Iterator[bytes]:
    """Where the fuzzer begins."""
    answers = [*REFUSED.values(), *CUT.values(), *(passed.answer for passed in PASSED.values())]
    wires = {
        0: [row.sent for row in ROWS.values()],
        1: [row.sent for row in ROWS.values()],
        2: [row.sent for row in ROWS.values()],
        3: [answer.sent for answer in answers],
        4: [answer.sent for answer in answers],
        5: list(EVENTS),
        6: list(BODIES),
        7: [bytes(range(60)), b"\x00\x00\x01\x00\x00\x00" * 9],
    }
    for chosen, ends in ((8, wires[0]), (9, wires[3])):
        for first, second in pairwise([wire for wire in ends if len(wire) < 1_000]):
            yield bytes([chosen]) + len(first).to_bytes(2) + bytes(2 * CUTS - 2) + first + second
    for chosen, sent in wires.items():
        for number, wire in enumerate(sent):
            if len(wire) < 2_000:
                cuts = b"".join((7 * (number + 1) * step).to_bytes(2) for step in range(1, CUTS + 1))
                yield bytes([chosen]) + cuts + wire


def main() -> None:
    """Run until the time is over or something is found."""
    corpus = FOLDER / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    (FOLDER / "tokens").write_text("".join(f'"{token}"\n' for token in TOKENS))
    given = sys.argv[1:]
    options = [f"-artifact_prefix={FOLDER}/", f"-dict={FOLDER}/tokens", "-max_len=2048", "-timeout=10"]
    files = [each for each in given if not each.startswith("-")]
    arguments = [sys.argv[0], *options, *given, *([] if files else [str(corpus)])]
    atheris.Setup(arguments, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
