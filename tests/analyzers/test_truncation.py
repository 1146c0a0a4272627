from __future__ import annotations

from typing import Any

import pytest

from analyzers.pair import Request
from analyzers.truncation import Truncation
from tests.analyzers.exchanges import ask, said


@pytest.mark.parametrize(
    ("request_", "measured"),
    [
        (ask("Hi"), True),
        (ask("Hi", max_tokens=17), True),
        (ask("Hi", max_completion_tokens=16), False),
        (ask("Hi", max_tokens=1), False),
        (ask("Hi", max_tokens=None), True),
        (ask("Hi", max_tokens="9"), True),
        (Request("/v1/completions", {"prompt": "Hi"}), False),
        (Request("/v1/completions", {"prompt": "Hi", "max_tokens": 100}), True),
        (Request("/v1/responses", {"input": "Hi", "max_output_tokens": 8}), False),
        (Request("/v1/messages", {"messages": [], "max_tokens": 1024}), True),
        (Request("/v1/embeddings", {"input": "Hi"}), False),
    ],
)
def test_a_limit_that_is_meant_to_cut_is_no_failure(request_: Request, measured: Any) -> None:
    assert Truncation().variable(request_) == ("truncation" if measured else None)


def test_an_answer_at_its_limit_is_cut() -> None:
    assert Truncation().failure(ask("Hi"), said("On and on", finish="length")).label == "length"
    for finish in ("stop", "tool_calls", "content_filter", ""):
        assert Truncation().failure(ask("Hi"), said("Done.", finish=finish)).failed == 0
