"""`slipgauge cases`: what is kept. It opens the pool's file, whether a deployment runs or not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from getpass import getuser
from pathlib import Path
from typing import Any, NoReturn, ParamSpec

import click
import orjson

from cases.case import Judged, stamp
from cases.filter import UNLABELLED, Filter, FilterError, Order, cursor, read
from cases.pool import PoolError
from proxy.cases import show
from proxy.cases.opening import Opening, OpeningError
from proxy.cases.sqlite_pool import SqlitePool
from proxy.cases.told import LabelError, label_of, labelled, noted, summary, told

ERROR, USAGE = 1, 2
P = ParamSpec("P")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


@click.group("cases")
def cases() -> None:
    """Pairs kept as future eval cases: find, read, label, erase, export.

    The pool is the file that CONFIG's cases.path names, or --pool. Whoever reads texts is in its access log.
    """


def where(command: Callable[P, None]) -> Callable[..., None]:
    """Add the options that say where the pool is; the command gets an `Opening` first."""

    @click.option(
        "--config", default="config.yaml", type=click.Path(path_type=Path), help="Whose pool; config.yaml."
    )
    @click.option("--pool", type=click.Path(path_type=Path), help="The pool's file, where no CONFIG is at hand.")
    @wraps(command)
    def wrapped(config: Path, pool: Path | None, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            opening = Opening(config, pool)
        except OpeningError as error:
            fail(str(error), USAGE)
        command(opening, *args, **kwargs)  # type: ignore[arg-type]

    return wrapped


@contextmanager
def opened(opening: Opening, *, make: bool = False) -> Iterator[SqlitePool]:
    """The open pool, made where there is none and it may be; the command ends with 1 where it cannot be used."""
    try:
        with closing(opening.pool(make=make)) as pool:
            yield pool
    except OpeningError as error:
        fail(str(error), USAGE)
    except PoolError as error:
        fail(f"{opening.path}: {error}", ERROR)


def filters(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which cases are wanted, for `wanted`."""
    for option in reversed(
        (
            click.option("--analyzer", help="At which an answer failed."),
            click.option("--variable", help="By which an answer failed, such as json.prompted."),
            click.option("--label", help="With which an answer failed, such as syntax."),
            click.option(
                "--judged", type=click.Choice([*map(str, Judged), UNLABELLED]), help="What a reviewer said."
            ),
            click.option("--segment", help="Such as model=my-model."),
            click.option("--stratum", help="Such as uniform, divergent or json.prompted:syntax."),
            click.option(
                "--order",
                type=click.Choice(list(map(str, Order))),
                help="Which come first; the newest where left out.",
            ),
        )
    ):
        command = option(command)
    return command


def wanted(told: Mapping[str, str | int | None]) -> Filter:
    """The filter of such options; the command ends with 2 where there can be none."""
    try:
        return read({name: str(value) for name, value in told.items() if value is not None})
    except FilterError as error:
        raise click.UsageError(f"--{error}") from None


@cases.command("list")
@where
@filters
@click.option("--limit", type=int, help="How many; 50 where left out.")
@click.option("--before", help="The `next` of an earlier list, for those after it.")
@json_option
def list_cases(opening: Opening, *, as_json: bool, **asked: str | int | None) -> None:
    """List cases, without their texts."""
    filter_ = wanted(asked)
    with opened(opening) as pool:
        found = pool.find(filter_)
    following = cursor(found[-1], filter_.order) if len(found) == filter_.limit else None
    if as_json:
        print_json({"cases": [summary(case) for case in found], "next": following})
    else:
        show.listed(found, following)


@cases.command("show")
@where
@click.argument("pair_id")
@json_option
def show_case(opening: Opening, pair_id: str, *, as_json: bool) -> None:
    """Show one case with its texts, which is noted in the access log."""
    with opened(opening) as pool:
        case = pool.get(pair_id)
        if case is not None:
            noted(pool, who(), "read", f"case {pair_id}")
    if case is None:
        no_such(pair_id)
    if as_json:
        print_json(told(case))
    else:
        show.case(case)


@cases.command("label")
@where
@click.argument("pair_id")
@click.argument("judged", type=click.Choice(list(map(str, Judged))))
@click.option("--note", default="", help="Why.")
@click.option("--analyzer", default="", help="Which analyzer it is about; the pair as a whole where left out.")
@click.option("--by", default="", help="Whose judgement it is; yours where left out.")
@json_option
def label_case(opening: Opening, pair_id: str, judged: str, *, as_json: bool, **said: str) -> None:
    """Say what a case is: slip, noise, both_bad or analyzer_wrong, in place of what you said before."""
    try:
        label = label_of(judged, **said | {"by": said["by"] or getuser()})
        with opened(opening) as pool:
            case = labelled(pool, pair_id, label, who())
    except LabelError as error:
        raise click.UsageError(f"--{error}") from None
    if case is None:
        no_such(pair_id)
    if as_json:
        print_json({"pair_id": pair_id, "labels": [asdict(each) for each in case.labels]})
    else:
        click.echo(f"{pair_id}: {judged}")


@cases.command("stats")
@where
@json_option
def stats(opening: Opening, *, as_json: bool) -> None:
    """What is kept, the rates estimated from it, and what reviewers say of each analyzer."""
    with opened(opening) as pool:
        found = pool.stats()
    if as_json:
        print_json(show.stats_told(found))
    else:
        show.stats(found)


@cases.command("erase")
@where
@click.option("--subject", help="The client, by the hash that its cases show.")
@click.option(
    "--identity-file",
    type=click.File("rb"),
    help="The client, by what it identifies itself with: a file, or - for the input, that holds the value of its "
    "Authorization or X-Api-Key header, or its address.",
)
@json_option
def erase(opening: Opening, subject: str | None, identity_file: Any, *, as_json: bool) -> None:
    """Delete every case of one client, and overwrite what the file had of it.

    What the client has asked until now and is still on its way does not come in either, beside a deployment that
    runs as well.
    """
    if (subject is None) == (identity_file is None):
        raise click.UsageError("name the client by --subject or by --identity-file")
    try:
        client = subject or opening.subject(identity_file.read().strip())
    except OpeningError as error:
        fail(str(error), USAGE)
    with opened(opening) as pool:
        count = pool.erase(client, who(), stamp(datetime.now(UTC)))
    if as_json:
        print_json({"subject": client, "erased": count})
    else:
        click.echo(f"{count} cases of {client} erased; what it has asked until now comes in no more")


def who() -> str:
    """Who runs the command, for the access log."""
    return f"cli:{getuser()}"


def print_json(value: object) -> None:
    """One JSON object on standard output."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def fail(message: str, code: int) -> NoReturn:
    """End the command."""
    click.echo(message, err=True)
    sys.exit(code)


def no_such(pair_id: str) -> NoReturn:
    """End the command, since there is no such case."""
    fail(f"no case {pair_id[:80]!r} is kept; it may have made room for others, or been erased", ERROR)
