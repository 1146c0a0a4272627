from __future__ import annotations

import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.control.console.markup import Html, join, tag, text
from proxy.control.console.visible import UNSEEN, visible

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus x='",
    "</textarea></script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\u202eevil\u202c",
    "&lt;b&gt;",
    "a\x00b",
    "\ud800",
)


class Read(HTMLParser):
    """What a parser makes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.words = ""
        self.apart: list[str] = []
        """The same, element by element."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data
        self.apart.append(data)


def read(html: str) -> Read:
    parser = Read()
    parser.feed(html)
    parser.close()
    return parser


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_text_stays_text(said: str) -> None:
    found = read(tag("p", said, title=said))

    assert [name for name, _ in found.tags if name != "span"] == ["p"]
    assert [name for name, _ in found.tags[0][1]] == ["title"]
    assert found.words == UNSEEN.sub(lambda each: visible(each.group()).strip("[]"), said)


@given(st.text(), st.text())
def test_any_text_is_one_element_with_one_attribute(said: str, titled: str) -> None:
    found = read(tag("p", said, title=titled))

    assert found.tags[0] == ("p", (("title", visible(titled)),))
    assert {name for name, _ in found.tags[1:]} <= {"span"}
    tag("p", said).encode()  # halves of a pair are written out


def test_markup_is_kept_and_what_is_built_from_it_is_text_again() -> None:
    bold = tag("b", "x")

    assert tag("p", bold) == "<p><b>x</b></p>"
    assert tag("p", f"{bold}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"
    assert join(["a", None, 3, [bold, (text("<"),)]]) == "a3<b>x</b>&lt;"
    assert isinstance(join("x"), Html)


def test_attributes_are_named_as_python_cannot_and_left_out_where_false() -> None:
    made = tag("input", class_="x", aria_label="y", required=True, checked=False, value=None)

    assert made == '<input class="x" aria-label="y" required>'


@pytest.mark.parametrize(
    "attributes",
    [
        {"href": "javascript:alert(1)"},
        {"href": "//evil.example"},
        {"href": "/\\evil.example"},
        {"src": "https://evil.example/x.js"},
        {"action": "data:text/html,x"},
        {"style": "color: red"},
        {"onclick": "alert(1)"},
    ],
)
def test_what_leads_elsewhere_or_runs_is_refused(attributes: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        tag("a", "x", **attributes)


def test_every_character_that_is_not_seen_or_turns_the_direction_is_written_out() -> None:
    """By the Unicode database: controls, format characters, separators of lines, halves of pairs."""
    kept = "\n\t\u200c\u200d"  # line ends, tabs, and the joiners that scripts need
    shown = {chr(code) for code in range(sys.maxunicode + 1) if _unseen(chr(code))} - set(kept)
    missed = {each for each in shown if not UNSEEN.fullmatch(each)}

    assert {hex(ord(each)) for each in missed} <= {hex(ord(each)) for each in PREPENDED}
    assert visible("a\u202eb\x1b[0m") == "a[U+202E]b␛[0m"


PREPENDED = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd" + "".join(
    map(chr, (*range(0x13430, 0x13440), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)))
)
"""Format characters that are seen, or that only scripts of their own use: number signs, hieroglyphs, notes."""


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") or unicodedata.bidirectional(
        character
    ) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
