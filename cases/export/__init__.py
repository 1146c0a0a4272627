"""Kept cases as files that eval tools read. Pure.

`item` is a case as any of these tools sees it: a conversation, what must hold of an answer, and what goes along;
`targets` says what must hold. One module a format, each from items to files by name; `write` picks. `carried` has
the files that go along as they stand, the judge `slipgauge_checks` first: it imports nothing of Slipgauge.
"""

from cases.export.write import FORMATS, Export, ExportError, write

__all__ = ["FORMATS", "Export", "ExportError", "write"]
