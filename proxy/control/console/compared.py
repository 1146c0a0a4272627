"""Two answers side by side, with the words that differ marked. Pure, and bounded whatever a model has said."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.control.console import paths, words
from proxy.control.console.layout import table
from proxy.control.console.markup import NOTHING, Child, Html, tag

COMPARED = 100_000
"""Characters of each answer that are compared."""
SAME, DIFFERENT = 1_500, 6_000
"""Characters of one stretch that are shown: of one that is the same, of one that differs."""
SHOWN = 20_000
"""Characters of one answer that are shown in all."""


OURS, THEIRS = "ours", "theirs"
"""How words that only the first, or only the second, of two answers has are marked."""


class Column:
    """One answer as it is put together; `whose` words are marked."""

    def __init__(self, whose: str) -> None:
        self.parts: list[Child] = []
        self._whose = whose
        self._left = SHOWN

    def add(self, text: str, *, same: bool) -> None:
        """One more stretch, cut where it is long."""
        if not text or self._left <= 0:
            return
        most = min(self._left, SAME if same else DIFFERENT)
        self._left -= min(len(text), most)
        if len(text) <= most:
            self.parts.append(text if same else marked(text, self._whose))
            return
        tail = text[len(text) - most // 3 :]
        head = text[: most - len(tail)]
        left_out = f"{len(text) - most:,} characters{', the same on both sides,' if same else ''} left out"
        self.parts += [
            head if same else marked(head, self._whose),
            tag("span", f"⋯ {left_out} ⋯", class_="left-out"),
            tail if same else marked(tail, self._whose),
        ]


def compared(baseline: str, candidate: str) -> tuple[Html, Html]:
    """Both texts, with what only one of them has marked as its own."""
    ours, theirs = Column(OURS), Column(THEIRS)
    for piece in words.differences(baseline[:COMPARED], candidate[:COMPARED]):
        ours.add(piece.baseline, same=piece.same)
        theirs.add(piece.candidate, same=piece.same)
    return _column(ours.parts, len(baseline)), _column(theirs.parts, len(candidate))


def _column(parts: Iterable[Child], length: int) -> Html:
    if not length:
        return tag("p", "Nothing was said.", class_="muted")
    said = tag("div", parts, class_="said", dir="auto", tabindex="0", role="group", aria_label="Text")
    if length <= COMPARED:
        return said
    cut = f"The first {COMPARED:,} of {length:,} characters were compared."
    return tag("div", said, tag("p", cut, class_="muted"))


def by_path(baseline: str, candidate: str) -> Html:
    """Where two JSON answers differ; nothing where they are not both JSON."""
    found = paths.differences(baseline, candidate)
    if found is None:
        return NOTHING
    if not found:
        return tag("p", "As JSON, both say the same.", class_="muted")
    rows: list[list[Child]] = [
        [tag("code", each.path), _value(each.baseline, OURS), _value(each.candidate, THEIRS)] for each in found
    ]
    told = "1 place differs." if len(found) == 1 else f"{len(found)} places differ."
    more = f" No more than {paths.MOST} are looked for." if len(found) == paths.MOST else ""
    columns = {"name": "Path", "baseline": "Baseline", "candidate": "Candidate"}
    return tag(
        "section",
        tag("h3", "As JSON, by path"),
        tag("p", told, more, class_="muted"),
        table("Differences of the JSON answers by path", columns, rows, "paths"),
    )


def marked(said: Child, whose: str) -> Html:
    """What only one of two answers has."""
    return tag("mark", said, class_=whose)


def _value(value: str | None, whose: str) -> Child:
    return tag("span", "absent", class_="muted") if value is None else marked(tag("code", value), whose)
