"""What must hold of an answer to a case's request, from the request alone: the checks of `checks`.

A baseline's answer is never a target: it is a `reference`, shown beside. Where a reviewer said that an analyzer is
wrong about a case, what that analyzer checks is not asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from analyzers.json_answer.asked import IGNORED, TOOLS, wanted
from analyzers.math_checked.asked import gold
from analyzers.pair import Request
from analyzers.refusal import LOST, Refusal
from analyzers.tools.asked import offer
from cases.case import Case, Judged

Check = Mapping[str, Any]
_REFUSAL = Refusal()


def checks(case: Case) -> tuple[Check, ...]:
    """What must hold; empty where nothing can be said of the request."""
    request = Request(case.path, case.request, case.headers)
    wrong = {label.analyzer for label in case.labels if label.judged is Judged.ANALYZER_WRONG}
    sensitive = _REFUSAL.variable(request)
    if sensitive == LOST and "refusal" not in wrong:
        return ({"kind": "refused"},)
    found = tuple(check for analyzer, check in _asked(request) if analyzer not in wrong)
    if found or sensitive is None or "refusal" in wrong:
        return found
    return ({"kind": "answered"},)


def _asked(request: Request) -> Iterator[tuple[str, Check]]:
    """Each check with the analyzer whose it is."""
    want, tools, right = wanted(request), offer(request), gold(request)
    if want is not None and want.population != IGNORED:
        if want.plain:
            yield "json", {"kind": "text", "schema": want.schema}
        else:
            or_call = want.population == TOOLS
            yield (
                "json",
                {"kind": "json", "schema": want.schema, "object_only": want.object_only, "or_call": or_call},
            )
    if tools is not None:
        allowed = tools.tools.keys() if tools.allowed is None else tools.tools.keys() & tools.allowed
        offered = {name: tool.parameters for name, tool in tools.tools.items() if name in allowed and not tool.free}
        yield "tools", {"kind": "tool", "tools": offered, "must": tools.must}
    if right is not None:
        yield "math.checked", {"kind": "answer", "gold": right.text or str(right.value)}
