"""Cases as the files of a format."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from cases.case import Case
from cases.export import inspect_ai, lm_eval, openai_evals, plain, promptfoo
from cases.export.item import Item, UnfitError, item

PLAIN = "jsonl"
Row = Mapping[str, Any]
Files = Mapping[str, bytes]
_TOOLS: Mapping[str, tuple[Callable[[Item], Row], Callable[[Sequence[Row]], Files]]] = {
    "lm-eval": (lm_eval.row, lm_eval.files),
    "inspect": (inspect_ai.row, inspect_ai.files),
    "promptfoo": (promptfoo.row, promptfoo.files),
    "openai-evals": (openai_evals.row, openai_evals.files),
}
FORMATS = (PLAIN, *_TOOLS)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class ExportError(ValueError):
    """What was asked for cannot be written; the message says what would be right."""


class Export(NamedTuple):
    """Files by name, how many cases they hold, and how many were left out by why."""

    files: Mapping[str, bytes]
    cases: int
    left_out: Mapping[str, int]

    def single(self) -> tuple[str, bytes]:
        """All of it as one file with its name: itself where there is one, else a ZIP archive, alike each time."""
        if len(self.files) == 1:
            ((name, body),) = self.files.items()
            return name, body
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, body in self.files.items():
                packed.writestr(zipfile.ZipInfo(f"slipgauge-cases/{name}", _LONG_AGO), body, zipfile.ZIP_DEFLATED)
        return "slipgauge-cases.zip", archive.getvalue()


def write(name: str, cases: Iterable[Case]) -> Export:
    """The cases in the format of this name; those it cannot hold are counted. Raises ExportError."""
    if name == PLAIN:
        every = tuple(cases)
        return Export({"slipgauge-cases.jsonl": plain.lines(every)}, len(every), {})
    if name not in _TOOLS:
        raise ExportError(f"there is no format {name[:40]!r}; there are {', '.join(FORMATS)}")
    row, files = _TOOLS[name]
    rows, left_out = list[Row](), Counter[str]()
    for case in cases:
        try:
            rows.append(row(item(case)))
        except UnfitError as error:
            left_out[str(error)] += 1
    return Export(files(rows), len(rows), dict(left_out))
