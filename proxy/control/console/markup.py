"""HTML as values. What is not `Html` is text, and is escaped wherever it stands: there is no way to forget it.

A template language would escape as well, but leaves to each template what is quoted, what is an address and which
characters are seen. Here one function writes every text and one every attribute, and mypy reads the pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

from proxy.control.console.visible import UNSEEN, visible, written


class Html(str):
    """Markup. Made by this module alone: a string that is built from it is text again."""

    __slots__ = ()


Child: TypeAlias = "Html | str | int | Iterable[Child] | None"
"""What stands inside an element; nothing where it is None."""
Value: TypeAlias = "str | float | bool | None"
"""What an attribute says: True is the bare attribute, and False and None leave it out."""

NOTHING = Html()
_VOID = frozenset({"meta", "link", "input", "br", "col"})
_ADDRESSES = frozenset({"href", "src", "action", "formaction"})
_FORBIDDEN = frozenset({"style", "srcdoc"})


def text(value: str) -> Html:
    """Text as it may stand between tags."""
    return Html(UNSEEN.sub(_marked, escape(value, quote=False)))


def tag(name: str, /, *children: Child, **attributes: Value) -> Html:
    """An element. `class_` is written class, `aria_label` aria-label.

    Raises ValueError for an address that leads elsewhere, for scripts and styles within the page.
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{opening}>")
    return Html(f"<{name}{opening}>{join(children)}</{name}>")


def join(children: Child) -> Html:
    """These one after another."""
    match children:
        case Html():
            return children
        case None:
            return NOTHING
        case str():
            return text(children)
        case int():
            return Html(children)
        case _:
            return Html("".join(map(join, children)))


def _attribute(key: str, value: Value) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if name in _FORBIDDEN or name.startswith("on"):
        raise ValueError(f"{name}: the page's policy would refuse it")
    if value is True:
        return f" {name}"
    if name in _ADDRESSES and not _own(str(value)):
        raise ValueError(f"{name} leads elsewhere")
    return f' {name}="{escape(visible(str(value)))}"'


def _own(address: str) -> bool:
    """Whether an address stays with this server: a path, a query or a place within the page."""
    return address.startswith(("/", "?", "#")) and not address.startswith(("//", "/\\"))


def _marked(found: re.Match[str]) -> str:
    return f'<span class="unseen">{written(found.group())}</span>'
