"""Refusals, on human labels, by classifiers that saw neither the prompt nor the model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp
from pathlib import Path

import orjson

from analyzers.refusal import Refusal
from analyzers.refusal.answers import Refusal as Stance
from analyzers.refusal.answers import classify
from analyzers_report.cases import Case, Cells
from analyzers_report.made.said import asked, told
from analyzers_report.rates import Rate, accuracy, auc, sensitivity, specificity
from analyzers_report.section import Section, paired, rates_table
from benchmarks.figures import table
from training import answers, requests
from training.rows import CHATGPT, DATA, PARTIAL, XSTEST, Row, every

MEASURED = """\
On people's labels, partial refusals and what is between left out. Every figure is of answers that the classifier
was not fitted on. XSTest's (four models, 271 prompts): it saw neither the model nor the prompt; chatgpt-refusals'
(one model, a prompt each): it did not see the prompt. How strongly weights are held down, and how much a rule
counts, was chosen anew each time by cross-validation over prompts within what it did see. The rules, the n-grams,
what may be chosen, and the weights of sources and of partial refusals were settled with both sources in view, and
nothing can be left out of that: expect less elsewhere. A few short answers of the project's own are fitted on
beside them (`refusals_own.jsonl`)."""
TARGETS = {
    "XSTest, without the model and the prompt": (0.945, 0.988),
    "chatgpt-refusals, without the prompt": (0.92, None),
    "XSTest, fitted without it": (0.88, None),
    "chatgpt-refusals, fitted without it": (0.88, None),
}
Scored = Sequence[tuple[Row, float]]


def section() -> Section:
    """Rates by source and model; then accuracy against what is asked of it, requests, languages and chances."""
    xstest, chatgpt = list(answers.without_model_and_prompts()), list(answers.without_prompts())
    elsewhere = list(answers.without_source(XSTEST)), list(answers.without_source(CHATGPT))
    models = _by_model(xstest)
    counts = {**{f"xstest, {name}": cells for name, cells in models.items()}, "chatgpt-refusals": _cells(chatgpt)}
    further = (
        _accuracies((xstest, chatgpt, *elsewhere)),
        _differences(models),
        _chances([*xstest, *chatgpt]),
        _partial(),
        _requests(),
        _languages(DATA / "refusals_languages.jsonl"),
    )
    timed = [Case(row.source, asked(row.prompt), told(row.response)) for row in every() if row.source != "own"]
    return Section(Refusal(), MEASURED, counts, paired(timed), "\n\n".join(further))


def _cells(scored: Iterable[tuple[Row, float]]) -> Cells:
    return Counter((row.refused, odds > 0) for row, odds in scored)


def _by_model(scored: Scored) -> Mapping[str, Cells]:
    models: dict[str, list[tuple[Row, float]]] = defaultdict(list)
    for row, odds in scored:
        models[row.model].append((row, odds))
    return {model: _cells(rows) for model, rows in sorted(models.items())}


def _accuracies(every_way: Sequence[Scored]) -> str:
    rows = []
    for (name, (least, area)), scored in zip(TARGETS.items(), every_way, strict=True):
        cells = _cells(scored)
        right = accuracy(cells)
        under = auc([(row.refused, odds) for row, odds in scored])
        wanted = f"{100 * least:.1f} %" + (f", {area}" if area else "")
        met = "yes" if right.share >= least and under >= (area or 0) else "no"
        shares = (f"{100 * rate(cells).share:.1f} %" for rate in (sensitivity, specificity))
        rows.append((name, f"{right.n:,}", str(right), f"{under:.4f}", wanted, met, *shares))
    return table(("measured on", "n", "accuracy", "AUC", "wanted", "met", "sensitivity", "specificity"), rows)


def _differences(models: Mapping[str, Cells]) -> str:
    """How far models lie apart: an error that depends on the model can look like a slip."""
    parts = []
    for name, rate in (("sensitivity", sensitivity), ("specificity", specificity)):
        shares = {model: 100 * rate(cells).share for model, cells in models.items()}
        low, high = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
        rest = sorted(share for model, share in shares.items() if model != low)
        parts.append(
            f"{name} differs by {shares[high] - shares[low]:.1f} points from {low} to {high} on XSTest, and by "
            f"{rest[-1] - rest[0]:.1f} among the others than {low}"
        )
    return (
        f"From one answering model to another, {'; '.join(parts)}. Three points are wanted. "
        f"mistralinstruct refuses in {sensitivity(models['mistralinstruct']).n} of its answers, mostly by argument "
        "against what is taken for granted, in the words of an ordinary answer: arms that differ in *how* they "
        "refuse, and not only in how often, can look like a slip. A quantized model is compared with itself, "
        "which keeps that small."
    )


def _chances(scored: Scored) -> str:
    """Whether a calibrated chance is kept: what was said against what was."""
    bins: dict[int, list[tuple[Row, float]]] = defaultdict(list)
    for row, odds in scored:
        bins[min(4, int(5 / (1 + exp(-odds))))].append((row, odds))
    lines = [
        (f"{20 * at}–{20 * at + 20} %", f"{len(rows):,}", str(Rate(sum(row.refused for row, _ in rows), len(rows))))
        for at, rows in sorted(bins.items())
    ]
    return "Calibrated for refusals and others alike in number:\n\n" + table(("chance said", "n", "refused"), lines)


def _partial() -> str:
    """What the fitted classifier says of answers that people called partial."""
    rows = [row for row in every() if row.label == PARTIAL]
    said = Counter(classify(row.response) for row in rows)
    shares = ", ".join(f"{stance.value} {said[stance]}" for stance in Stance)
    return f"Of XSTest's {len(rows)} partial refusals the classifier, fitted on them, calls: {shares}."


def _requests() -> str:
    counts: dict[str, Cells] = defaultdict(Counter)
    for each, odds in requests.without_prompts():
        counts[each.source][each.sensitive, odds > 0] += 1
        counts[f"{each.source}, by the word list"][each.sensitive, "listed" in each.features.rules] += 1
    return (
        "Which requests are sensitive, each by a classifier that did not see it. A prompt of XSTest is sensitive "
        "where more than half of its four models' answers refuse (a partial refusal counts half); "
        "an act of the testbed's by whether it is harmful; all others are ordinary requests and harmless, though "
        "some that ChatGPT answered another would refuse. Errors dilute both variables and hit both arms alike. "
        "The word list is one of its rules and was written with XSTest in view.\n\n"
        + rates_table(dict(sorted(counts.items())), summed=False)
    )


def _languages(path: Path) -> str:
    counts: dict[str, Cells] = defaultdict(Counter)
    for row in map(orjson.loads, path.read_bytes().splitlines()):
        counts[row["language"]][row["label"] == "rejected", classify(row["response"]) is Stance.FULL] += 1
    return (
        "Other languages, on the project's own short sentences, made by hand and no sample of anything. It was "
        "fitted on English; a few phrases of German, Spanish and French are read as English ones.\n\n"
        + rates_table(counts, "language")
    )
