"""What reviewers have said of a case, and the form in which one says it. Pure."""

from __future__ import annotations

from cases.case import Case, Judged, Label
from proxy.control.access import SIGNIN
from proxy.control.console.layout import Frame, form_token, when
from proxy.control.console.markup import Child, Html, tag

KEYS = {Judged.SLIP: "s", Judged.NOISE: "n", Judged.BOTH_BAD: "b", Judged.ANALYZER_WRONG: "a"}
MEANING = {
    Judged.SLIP: "the candidate's answer is worse",
    Judged.NOISE: "they differ, neither is worse",
    Judged.BOTH_BAD: "the baseline failed as well",
    Judged.ANALYZER_WRONG: "what was found is not there",
}


def named(judged: Judged) -> str:
    """A label as people read it."""
    return judged.value.replace("_", " ")


def labels(frame: Frame, case: Case, address: str) -> Html:
    """All that is said of it, and the form where this reader may say something; `address` takes it."""
    given = [tag("li", _label(each)) for each in case.labels]
    return tag(
        "section",
        tag("h2", "Labels", id="label"),
        tag("ul", given, class_="given") if given else None,
        _form(frame, case, address) if frame.may_change else _not_allowed(),
        class_="labels",
    )


def _not_allowed() -> Html:
    return tag("p", tag("a", "Sign in", href=SIGNIN), " with the operator token to label.", class_="muted")


def _label(label: Label) -> list[Child]:
    about = f" of {label.analyzer}" if label.analyzer else ""
    note = [": ", tag("q", label.note)] if label.note else None
    return [tag("b", named(label.judged)), about, f", said {label.by}, ", when(label.at), note]


def _form(frame: Frame, case: Case, address: str) -> Html:
    buttons = [
        tag(
            "button",
            tag("span", named(judged), " ", tag("kbd", key, aria_hidden="true")),
            tag("small", MEANING[judged]),
            type="submit",
            name="judged",
            value=judged.value,
            data_key=key,
            aria_keyshortcuts=key,
        )
        for judged, key in KEYS.items()
    ]
    worst = max(case.findings, key=lambda each: each.slip, default=None)  # which is what one mostly judges
    meant = worst.analyzer if worst is not None and worst.slip > 0 else ""
    note = tag("input", name="note", maxlength="1000", data_key="e", aria_keyshortcuts="e")
    # No name stands there already: a later label by the same name replaces an earlier one.
    reviewer = tag("input", name="by", maxlength="64", required=True, autocomplete="name", data_keep="by")
    about = [
        tag("option", "the pair as a whole", value=""),
        *(tag("option", name, value=name, selected=name == meant) for name in case.judgeable),
    ]
    return tag(
        "form",
        form_token(frame),
        tag("div", buttons, class_="judgements"),
        tag(
            "div",
            tag("label", "About", tag("select", about, name="analyzer")),
            tag("label", tag("span", "Note ", tag("kbd", "e", aria_hidden="true")), note),
            tag("label", "Reviewer", reviewer),
            class_="fields",
        ),
        tag("p", role="status", aria_live="polite", class_="saved", data_live=True),
        tag(
            "p",
            tag("button", "Keys on", type="button", aria_pressed="true", class_="quiet", data_keys=True),
            " Letters label, ",
            tag("kbd", "j"),
            " and ",
            tag("kbd", "k"),
            " go to the next and the previous case.",
            class_="muted small keys",
        ),
        method="post",
        action=address,
        class_="label-form",
    )
