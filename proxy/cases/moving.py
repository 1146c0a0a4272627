"""`slipgauge cases export` and `import`: kept cases as files, and back."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click

from cases.case import Case
from cases.export import FORMATS, write
from cases.filter import MOST, Filter, cursor
from cases.incoming import incoming
from cases.pool import Pool
from cases.redaction import RedactorError, load
from proxy.cases.cli import cases, fail, filters, json_option, opened, print_json, wanted, where, who
from proxy.cases.opening import Opening
from proxy.cases.told import noted

__all__ = ["cases", "export_cases", "import_cases"]

ERROR = 1
AT_ONCE = 200
"""Cases imported in one transaction."""
NAMED = 20
"""Lines that are refused, of which each is named to whoever reads no JSON."""


@cases.command("export")
@where
@filters
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True, help="For which tool."
)
@click.option("--limit", type=click.IntRange(1), help="At most so many; all where left out.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder, or a ZIP archive by its name; for jsonl a file, or standard output where left out.",
)
@json_option
def export_cases(
    opening: Opening, *, form: str, limit: int | None, out: Path | None, as_json: bool, **asked: str | None
) -> None:
    """Write the cases that are wanted as files for an eval tool, which is noted in the access log."""
    plain = form == FORMATS[0]
    if out is None and (not plain or as_json):
        raise click.UsageError("say by --out where the files go")
    filter_ = wanted(asked)
    with opened(opening) as pool:
        found = list(_every(pool, filter_, limit))
        export = write(form, found)
        noted(pool, who(), "export", f"{export.cases} cases as {form}")
    if out is None:
        sys.stdout.buffer.write(export.single()[1])
    else:
        whole = {"": export.single()[1]} if plain or out.suffix == ".zip" else export.files
        _written(out, whole)
    if as_json:
        print_json({"cases": export.cases, "left_out": export.left_out, "format": form, "out": str(out)})
        return
    click.echo(f"{export.cases} cases exported" + (f" to {out}" if out else ""), err=True)
    for why, count in export.left_out.items():
        click.echo(f"  {count} left out: each {why}", err=True)


@cases.command("import")
@where
@click.argument("file", type=click.File("rb"))
@json_option
def import_cases(opening: Opening, file: BinaryIO, *, as_json: bool) -> None:
    """Offer FILE's cases, as `export --format jsonl` writes them, to the pool; - reads standard input.

    Each is redacted again, and its labels come along: nothing comes in that would not have been kept. A line that
    is no case is left out and named; the others come in, and the command ends with 1. The pool is made where there
    is none.
    """
    settings = opening.cases
    try:
        own = load(settings.redactor) if settings.redactor else None
    except RedactorError as error:
        fail(str(error), ERROR)
    excluded = frozenset(settings.exclude_subjects)
    offered, refused = incoming(file, own, store_text=settings.store_text, excluded=excluded)
    became = Counter[str]()
    with opened(opening, make=True) as pool:
        for start in range(0, len(offered), AT_ONCE):
            became.update(map(str, pool.add_all(offered[start : start + AT_ONCE])))
        for case in offered:
            for label in case.labels:
                pool.label(case.pair_id, label)
        noted(pool, who(), "import", f"{len(offered)} cases")
    if as_json:
        lines = [{"line": number, "why": why} for number, why in refused.items()]
        print_json({"cases": len(offered), "became": dict(became), "refused": lines})
    else:
        told = ", ".join(f"{count} {what}" for what, count in became.items()) or "none"
        click.echo(f"{len(offered)} cases offered: {told}")
        _name(refused)
    if refused:
        sys.exit(ERROR)


def _name(refused: Mapping[int, str]) -> None:
    for number, why in list(refused.items())[:NAMED]:
        click.echo(f"line {number} was left out: {why}", err=True)
    if len(refused) > NAMED:
        click.echo(f"and {len(refused) - NAMED} more; --json names them all", err=True)


def _every(pool: Pool, filter_: Filter, limit: int | None) -> Iterator[Case]:
    """All cases that are wanted, page by page."""
    left = limit
    while left is None or left > 0:
        size = MOST if left is None else min(MOST, left)
        page = pool.find(filter_._replace(limit=size))
        yield from page
        if len(page) < size:
            return
        filter_ = filter_._replace(before=cursor(page[-1], filter_.order))
        left = None if left is None else left - size


def _written(out: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, for the owner alone; what is there already is not written over."""
    paths = {out / name if name else out: body for name, body in files.items()}
    if there := [path for path in paths if path.exists()]:
        fail(f"{there[0]} is there already; name another place", ERROR)
    try:
        for path, body in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(body)
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}", ERROR)
