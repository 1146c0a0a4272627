"""The `slipgauge` command. Exit codes: 0 good, 1 error, 2 usage, 3 `fail`, 4 `inconclusive` or `no_data`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NoReturn

import click
import orjson

from proxy import tls
from proxy.config import Config
from proxy.config_file import ConfigError, load

GOOD, ERROR, USAGE = 0, 1, 2
VERDICT_CODES = {"pass": GOOD, "fail": 3, "inconclusive": 4, "no_data": 4}

config_argument = click.argument("config", default="config.yaml", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="slipgauge")
def main() -> None:
    """Measures on live traffic what a model loses when it is quantized.

    Exit codes: 0 good, 1 error, 2 usage or configuration, 3 verdict fail, 4 inconclusive or no data.
    """


@main.command()
@config_argument
def run(config: Path) -> None:
    """Serve as CONFIG says, until SIGTERM or Ctrl-C; then finish what was accepted.

    CONFIG is config.yaml where left out.
    """
    settings = _load(config)
    # What serves is imported where it is needed: `check-config` and `--help` stay quick.
    import uvloop  # noqa: PLC0415

    from proxy import logs  # noqa: PLC0415
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.run import run as serve  # noqa: PLC0415

    logs.configure(settings.log)
    try:
        uvloop.run(serve(settings, config))
    except StartError as error:
        _fail(str(error), ERROR)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)


@main.command("check-config")
@config_argument
@json_option
def check_config(config: Path, *, as_json: bool) -> None:
    """Say everything that is wrong with CONFIG (config.yaml where left out), and start nothing."""
    try:
        warnings = list(tls.warnings(load(config)))
    except ConfigError as error:
        if not as_json:
            _fail(str(error), USAGE)
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        _print_json({"valid": False, "problems": problems, "warnings": []})
        sys.exit(USAGE)
    if as_json:
        _print_json({"valid": True, "problems": [], "warnings": warnings})
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo(f"{config}: good")


@main.command()
@click.option(
    "--candidate",
    type=click.Choice(("steady", "slipping")),
    default="slipping",
    show_default=True,
    help="Which int4 model stands behind the candidate.",
)
@click.option(
    "--engine",
    type=click.Choice(("embedded", "vllm")),
    default="embedded",
    show_default=True,
    help="What serves the models; vllm after `make install-vllm`.",
)
@click.option(
    "--requests",
    type=click.IntRange(1, 100_000),
    default=2_000,
    show_default=True,
    help="How many requests are sent.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    help="Requests a second; as fast as they are answered if left out.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed gives other requests.")
@click.option("--stay", is_flag=True, help="Keep everything up after the tables, until Ctrl-C.")
@json_option
def demo(
    candidate: str, engine: str, requests: int, rate: float | None, seed: int, *, stay: bool, as_json: bool
) -> None:
    """Serve a real fp16/int4 pair behind the gateway, send traffic, show what slipped.

    The exit code is the verdict's.
    """
    import uvloop  # noqa: PLC0415

    from proxy.demo.arms import ArmError  # noqa: PLC0415
    from proxy.demo.main import rehearse  # noqa: PLC0415
    from proxy.demo.rehearsal import Plan  # noqa: PLC0415
    from proxy.processes.plane import StartError  # noqa: PLC0415

    plan = Plan(candidate=candidate, engine=engine, requests=requests, rate=rate, seed=seed)
    try:
        result = uvloop.run(rehearse(plan, stay=stay, tables=not as_json))
    except (ArmError, StartError) as error:
        _fail(str(error), ERROR)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    if as_json:
        _print_json(result)
    sys.exit(VERDICT_CODES[result["verdict"]])


def _load(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        _fail(str(error), USAGE)


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
