"""How Argo Rollouts reads a measurement and ends a metric, as far as its contract goes.

The semantics of `metricproviders/webmetric`, `metricproviders/prometheus`, `utils/evaluate` and `analysis` of Argo
Rollouts, told again in a few lines: an error is not a failure, both conditions unmet is inconclusive, limits are
exceeded and not reached, and a metric without `count` is successful when nobody has objected by the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Condition = Callable[[Any], bool]


def web(status: int, body: Mapping[str, Any], metric: Mapping[str, Any]) -> str:
    """One measurement of the web provider, whose `jsonPath` is `{$.data}`."""
    if not 200 <= status < 300 or "data" not in body:
        return "Error"
    return _evaluated(body["data"], metric)


def prometheus(vector: list[float], metric: Mapping[str, Any]) -> str:
    """One measurement of the Prometheus provider."""
    if not vector:
        return "Error"
    if any(map(math.isnan, vector)) and not ("successCondition" in metric and "failureCondition" in metric):
        return "Failed"
    return _evaluated(vector, metric)


def _evaluated(result: Any, metric: Mapping[str, Any]) -> str:
    success, failure = (_holds(metric.get(name), result) for name in ("successCondition", "failureCondition"))
    if failure:
        return "Failed"
    if success:
        return "Successful"
    if "failureCondition" not in metric:
        return "Failed"
    return "Successful" if "successCondition" not in metric else "Inconclusive"


def _holds(condition: str | None, result: Any) -> bool:
    """The few shapes of conditions that our manifests use, in the language of expr-lang."""
    if condition is None:
        return False
    left, right = condition.split(" == ")
    if left == "result.verdict":
        return bool(result["verdict"] == right.strip('"'))
    assert left == "result[0]"
    return bool(result[0] == float(right))


def ended(measurements: Iterable[str], metric: Mapping[str, Any]) -> str:
    """What becomes of a metric after these measurements; `Running` where it goes on."""
    counts = dict.fromkeys(("Successful", "Failed", "Error", "Inconclusive"), 0)
    errors = successes = 0
    for taken, each in enumerate(measurements, 1):
        counts[each] += 1
        errors = errors + 1 if each == "Error" else 0
        successes = successes + 1 if each == "Successful" else 0
        if counts["Failed"] > metric.get("failureLimit", 0):
            return "Failed"
        if counts["Inconclusive"] > metric.get("inconclusiveLimit", 0):
            return "Inconclusive"
        if errors > metric.get("consecutiveErrorLimit", 4):
            return "Error"
        if 0 < metric.get("consecutiveSuccessLimit", 0) <= successes:
            return "Successful"
        if taken == metric.get("count"):
            return "Successful"
    return "Running"
