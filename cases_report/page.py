"""docs/redaction.md, from the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from cases.redaction.texts import MOST_TOLD
from cases_report.generate import EACH, SEED
from cases_report.measure import Counts, Tally

HEAD = f"""\
# What redaction finds, and what it misses

Written by `make redaction-report`; do not edit. A pair is redacted before it leaves the process that scored it;
every string of the request, the headers and each answer goes through the same patterns, and one value has one name,
such as `<email-1>`, throughout a case. What is measured here is `cases/redaction/` on generated texts whose private
part is known ({EACH} texts of each form, seed {SEED}), and on real texts that should stay as they are.

**Recall**: of the private values, the share of which no letter or digit stays. **Look-alikes**: harmless texts in
which something was replaced.

Read it with care:

- The forms are ours. They were written from the standards and from how people write, not from the patterns, and
  when first measured 46 of 168 were missed; the patterns were then widened where that cost no arithmetic. For forms
  that nobody thought of, that first share is the better guess.
- Every form counts alike. Traffic has its own mix.
- **Not looked for at all**: names of people, postal addresses, dates of birth, customer numbers, free descriptions
  that identify somebody. A finder of your own can add them, and a pool without texts keeps none.
- Numbers are left alone where they may as well be a sum: what a maths prompt asks must stay what it is.
- What only the words before it tell ("BSN 111222333") is looked for in the whole case, up to {MOST_TOLD} values.
"""
REAL = """\
## Real texts

Questions and answers of public data sets hold sums, prices, dates and quantities, and few private values: the
e-mail addresses and telephone numbers found in the second row are such, of companies and help lines.

| texts | how many | replaced |
|---|---|---|"""


def page(counts: Counts, real: Iterable[tuple[str, int, Mapping[str, int]]]) -> str:
    """The whole page."""
    return "\n".join((HEAD, _kinds(counts), _missed(counts), _alikes(counts), _real(real)))


def _kinds(counts: Counts) -> str:
    found, alike = _by_kind(counts.forms), _by_kind(counts.alikes)
    lines = [
        "## By kind",
        "",
        "| kind | forms | texts | found whole | recall | look-alikes | of them replaced |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, tally in found.items():
        forms = sum(name == kind for name, _ in counts.forms)
        lines.append(
            f"| `{kind}` | {forms} | {tally.texts} | {tally.whole} | {tally.whole / tally.texts:.0%} "
            f"| {alike[kind].texts} | {alike[kind].whole} |"
        )
    texts, whole = _sum(found.values())
    harmless, replaced = _sum(alike.values())
    lines.append(
        f"| all | {len(counts.forms)} | {texts} | {whole} | {whole / texts:.0%} | {harmless} | {replaced} |"
    )
    return "\n".join((*lines, ""))


def _missed(counts: Counts) -> str:
    lines = [
        "## Forms that are missed",
        "",
        "| kind | form | texts | found whole | found in part |",
        "|---|---|---|---|---|",
    ]
    for (kind, form), tally in counts.forms.items():
        if tally.whole < tally.texts:
            lines.append(f"| `{kind}` | {form} | {tally.texts} | {tally.whole} | {tally.part} |")
    return "\n".join((*lines, ""))


def _alikes(counts: Counts) -> str:
    lines = [
        "## Look-alikes that are replaced",
        "",
        "| beside kind | look-alike | texts | replaced |",
        "|---|---|---|---|",
    ]
    for (kind, form), tally in counts.alikes.items():
        if tally.whole:
            lines.append(f"| `{kind}` | {form} | {tally.texts} | {tally.whole} |")
    return "\n".join((*lines, ""))


def _real(real: Iterable[tuple[str, int, Mapping[str, int]]]) -> str:
    lines = [REAL]
    for name, number, found in real:
        told = ", ".join(f"{count} `{kind}`" for kind, count in sorted(found.items())) or "nothing"
        lines.append(f"| {name} | {number} | {told} |")
    return "\n".join((*lines, ""))


def _by_kind(forms: Mapping[tuple[str, str], Tally]) -> dict[str, Tally]:
    sums: dict[str, Tally] = {}
    for (kind, _), tally in forms.items():
        total = sums.setdefault(kind, Tally())
        total.texts += tally.texts
        total.whole += tally.whole
    return sums


def _sum(tallies: Iterable[Tally]) -> tuple[int, int]:
    total = Counter[str]()
    for tally in tallies:
        total.update(texts=tally.texts, whole=tally.whole)
    return total["texts"], total["whole"]
