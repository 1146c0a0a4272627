"""One file for each analyzer that has more to show than made cases; `SECTIONS` is the page's order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from analyzers_report.made import SETS
from analyzers_report.section import Section
from analyzers_report.sections import constructed, math_checked, quoted, refusal

SECTIONS: Mapping[str, Callable[[], Section]] = {
    "refusal": refusal.section,
    "math.checked": math_checked.section,
    "math.consensus": quoted.consensus,
    "token_divergence": quoted.divergence,
    **{name: partial(constructed.section, name) for name in SETS},
}
"""By the analyzer's name."""
