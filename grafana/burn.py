"""The rules of the slip objective: each guardrail's margin as a budget, and alerts on how fast it is spent.

Multi-window, multi-burn-rate alerts as Google's SRE Workbook has them (chapter 5, Alerting on SLOs): a long window,
so that it matters, with a short one, so that it is still so. A burn of 1 is a slip of just the margin. Turns are
counted, not sessions, so no error rate is promised here; that the slip is no chance is asked of McNemar's test
(Psychometrika 12, 1947) over the long window: of the turns that flipped, far more were lost than won. A candidate
that was rolled back goes on slipping in the mirror, and nobody is to be told of it again.
"""

from __future__ import annotations

from typing import NamedTuple

Z = 3
"""Standard deviations by which lost turns must outnumber won ones."""
LEAST = 100
"""Scored turns in the long window below which nothing is said."""
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


class Burn(NamedTuple):
    """How often over a long and a short window the margin is exceeded, and how many times over."""

    long: str
    short: str
    times: float


PAGE = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6))
TICKET = (Burn("1d", "2h", 3), Burn("3d", "6h", 1))
HEAD = """\
# Written by `make boards` from grafana/burn.py; do not edit.
# The margin of each guardrail as a budget: 1 is a slip of just the margin, over every scored turn.
groups:
  - name: slipgauge-burn
    rules:
"""


def text() -> str:
    """The file of rules."""
    recorded = "".join(_recorded(window) for window in WINDOWS)
    fast = _alert(
        "SlipgaugeSlipBurnsFast",
        PAGE,
        "{severity: critical, slipgauge_action: rollback}",
        "slips by many times its margin",
    )
    slow = _alert(
        "SlipgaugeSlipBurnsSlowly",
        TICKET,
        "{severity: warning}",
        "slips beyond its margin, over a day or more",
    )
    return HEAD + recorded + fast + slow


def _recorded(window: str) -> str:
    lost, won = (
        _counted(f'baseline="{baseline}",candidate="{candidate}"', window)
        for baseline, candidate in (("pass", "fail"), ("fail", "pass"))
    )
    rules = {
        f"slipgauge:lost:increase{window}": lost,
        f"slipgauge:won:increase{window}": won,
        f"slipgauge:scored:increase{window}": _counted('baseline!="not_applicable"', window),
        f"slipgauge:slip_burn:ratio{window}": (
            f"(slipgauge:lost:increase{window} - slipgauge:won:increase{window})"
            f" / (slipgauge:scored:increase{window} > 0) / max by (job, guardrail) (slipgauge_margin_ratio > 0)"
        ),
    }
    return "".join(f"      - record: {name}\n        expr: {expr}\n" for name, expr in rules.items())


def _counted(matchers: str, window: str) -> str:
    """Turns by guardrail; `json.invalid` has several variables."""
    increase = f"increase(slipgauge_findings_total{{{matchers}}}[{window}])"
    named = f'label_replace({increase}, "guardrail", "$1", "analyzer", "(.+)")'
    joined = f'label_replace({named}, "guardrail", "json.invalid", "analyzer", "json[.].+")'
    return f"sum by (job, guardrail) ({joined})"


def _alert(name: str, burns: tuple[Burn, ...], labels: str, told: str) -> str:
    condition = "\n            or\n".join(f"            (\n{_condition(burn)}            )" for burn in burns)
    return f"""\
      - alert: {name}
        expr: |
          (
{condition}
          )
          unless on (job) slipgauge_stage{{stage="rolled_back"}} == 1
        labels: {labels}
        annotations:
          summary: "{{{{ $labels.guardrail }}}} {told}: {{{{ $value | printf \\"%.1f\\" }}}} times over."
          runbook: docs/runbooks/{name}.md
"""


def _condition(burn: Burn) -> str:
    lost, won = (f"slipgauge:{name}:increase{burn.long}" for name in ("lost", "won"))
    return f"""\
                  slipgauge:slip_burn:ratio{burn.long} > {burn.times:g}
              and slipgauge:slip_burn:ratio{burn.short} > {burn.times:g}
              and {lost} - {won} > {Z} * sqrt({lost} + {won})
              and slipgauge:scored:increase{burn.long} >= {LEAST}
"""
