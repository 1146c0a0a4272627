"""What every page of the console has: head, navigation, one main part, and how to tell it apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from proxy.control.access import FORM, SIGNIN, SIGNOUT
from proxy.control.console.markup import NOTHING, Child, Html, tag

NAVIGATION = {"/": "Overview", "/cases": "Cases"}


class Frame(NamedTuple):
    """What stands around a page."""

    version: str
    revision: str
    form_token: str
    asks: bool = False
    """Whether there is a token to sign in with."""
    signed_in: bool = False
    """Whether there is somebody to sign out."""
    may_change: bool = True
    """Whether whoever reads this may label cases."""


def page(frame: Frame | None, title: str, here: str, *content: Child) -> str:
    """A whole document. `here` is the entry of the navigation to which it belongs.

    Without a frame it says nothing of the deployment, nor who reads it.
    """
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("title", f"{title} · Slipgauge"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", type="image/svg+xml", href="/assets/icon.svg"),
        tag("link", rel="stylesheet", href="/assets/console.css"),
        tag("script", src="/assets/console.js", defer=True),
    )
    main = tag("main", *content, id="main", tabindex="-1")
    skip = tag("a", "Skip to the content", href="#main", class_="skip")
    body = tag("body", skip, _header(frame, here), main, _footer(frame))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def form_token(frame: Frame) -> Html:
    """The field without which no form is accepted."""
    return tag("input", type="hidden", name=FORM, value=frame.form_token)


def table(
    caption: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[Child]],
    class_: str,
    scales: Mapping[str, Html] = MappingProxyType({}),
) -> Html:
    """A table whose rows become cards on a narrow screen, and stay a table for a screen reader.

    `columns` are headings by the class of their cells, and `scales` pictures below them; the first cell of each row
    is its heading.
    """
    headings = [
        tag("th", name, scales.get(kind), scope="col", role="columnheader", class_=kind)
        for kind, name in columns.items()
    ]
    head = tag("thead", tag("tr", headings, role="row"), role="rowgroup")
    body = tag("tbody", [_row(columns, cells) for cells in rows], role="rowgroup")
    told = tag("caption", caption, class_="hidden")
    return tag("table", told, head, body, role="table", class_=f"cards {class_}")


def when(at: str) -> Html:
    """A moment, given as ISO 8601 in UTC."""
    return tag("time", at[:19].replace("T", " "), " UTC", datetime=at)


def _row(columns: Mapping[str, str], cells: Sequence[Child]) -> Html:
    made = []
    for place, ((kind, name), cell) in enumerate(zip(columns.items(), cells, strict=True)):
        if place:
            made.append(tag("td", cell, role="cell", class_=kind, data_name=name))
        else:
            made.append(tag("th", cell, scope="row", role="rowheader", class_=kind))
    return tag("tr", made, role="row")


def _header(frame: Frame | None, here: str) -> Html:
    links = [
        tag("a", name, href=path, aria_current="page" if path == here else None)
        for path, name in NAVIGATION.items()
    ]
    return tag(
        "header",
        tag("a", tag("span", class_="mark", aria_hidden="true"), "Slipgauge", href="/", class_="brand"),
        tag("nav", links, aria_label="Main"),
        None if frame is None or here == SIGNIN else _session(frame),
    )


def _session(frame: Frame) -> Html:
    if not frame.signed_in:
        return tag("a", "Sign in", href=SIGNIN, class_="session") if frame.asks else NOTHING
    button = tag("button", "Sign out", type="submit", class_="quiet")
    return tag("form", form_token(frame), button, method="post", action=SIGNOUT, class_="session")


def _footer(frame: Frame | None) -> Html:
    said = None if frame is None else (" ", frame.version, " · candidate ", tag("b", frame.revision))
    return tag("footer", tag("p", "Slipgauge", said))


def sign_in_page(frame: Frame, back: str, problem: str | None = None) -> str:
    """Where a token is given."""
    field = tag(
        "input",
        type="password",
        name="token",
        id="token",
        required=True,
        autocomplete="current-password",
        autofocus=True,
        aria_describedby="about-token",
        aria_invalid="true" if problem else None,
    )
    form = tag(
        "form",
        form_token(frame),
        tag("input", type="hidden", name="next", value=back),
        tag("label", "Token", for_="token"),
        field,
        tag("p", "The viewer token reads; the operator token also labels.", id="about-token", class_="muted"),
        tag("p", problem, role="alert", class_="problem") if problem else None,
        tag("button", "Sign in", type="submit"),
        method="post",
        action=SIGNIN,
    )
    return page(frame, "Sign in", SIGNIN, tag("div", tag("h1", "Sign in"), form, class_="narrow"))
