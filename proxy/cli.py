"""The `slipgauge` command. Exit codes: 0 good, 1 error, 2 usage, 3 `fail`, 4 `inconclusive` or `no_data`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import orjson

from proxy.admin_client import AdminError, AdminPort
from proxy.cases import moving
from proxy.config import Config
from proxy.config_channel import Nats
from proxy.config_file import ConfigError, load
from proxy.config_warnings import warnings as warnings_of

if TYPE_CHECKING:
    from proxy.handover import Handover

GOOD, ERROR, USAGE = 0, 1, 2
INTERRUPTED = 130
"""As a shell says that SIGINT ended a command."""
VERDICT_CODES = {"pass": GOOD, "fail": 3, "inconclusive": 4, "no_data": 4}
DOCTOR_CODES = {"ok": GOOD, "unfair": 3, "unknown": 4}

T = TypeVar("T")

_NO_SERVERS = {
    "baseline": {"url": "http://127.0.0.1:1"},
    "candidate": {"url": "http://127.0.0.1:2"},
    "models": {"any": {}},
}
"""A configuration for pairs that have their answers: nobody is asked anything."""

config_argument = click.argument("config", default="config.yaml", type=click.Path(path_type=Path))
admin_option = click.option("--admin", metavar="URL", help="The admin port, where it is not the one in CONFIG.")
push_option = click.option(
    "--push-gateway", metavar="URL", help="Push the metrics of this run to a Pushgateway at the end."
)
metrics_file_option = click.option(
    "--metrics-file",
    type=click.Path(path_type=Path),
    help="Write the metrics of this run here, as OpenMetrics text.",
)
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
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # it waits until there is somebody to heed it
    settings = _load(config)
    if settings.channel.nats is not None:
        _fail(
            "channel.nats: is for `slipgauge gateway` and `slipgauge control`, which are apart; leave it out", USAGE
        )
    # What serves is imported where it is needed: `check-config` and `--help` stay quick.
    from proxy import logs  # noqa: PLC0415
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.run import run as serve  # noqa: PLC0415

    logs.configure(settings.log)
    _await(serve(settings, config), StartError)


@main.command()
@config_argument
def gateway(config: Path) -> None:
    """Serve clients as CONFIG says, with a control that is elsewhere; see `slipgauge run` for the rest.

    The two meet on the NATS servers of `channel.nats`. CONFIG is config.yaml where left out.
    """
    settings, nats = _apart(config)
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.roles.gateway import run as serve  # noqa: PLC0415

    _await(serve(settings, nats, config), StartError)


@main.command()
@config_argument
def control(config: Path) -> None:
    """Lead the gateways that are elsewhere, or stand by while another control does.

    They meet on the NATS servers of `channel.nats`. CONFIG is config.yaml where left out.
    """
    settings, nats = _apart(config)
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.roles.control import run as serve  # noqa: PLC0415

    _await(serve(settings, nats, config), StartError)


@main.command("check-config")
@config_argument
@json_option
def check_config(config: Path, *, as_json: bool) -> None:
    """Say everything that is wrong with CONFIG (config.yaml where left out), and start nothing."""
    try:
        warnings = list(warnings_of(load(config)))
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
@config_argument
@json_option
def doctor(config: Path, *, as_json: bool) -> None:
    """Say what makes the comparison of CONFIG's servers unfair, and what to change.

    Asks each server about a hundred short questions. The exit code is 3 where anything is unfair, 4 where
    nothing is but something could not be seen, 1 where a server cannot be asked.
    """
    from proxy.doctor import checks, main, show  # noqa: PLC0415

    results = _await(main.examine(_load(config)), main.DoctorError)
    if as_json:
        _print_json(show.as_json(results))
    else:
        click.echo(show.as_text(results))
    sys.exit(DOCTOR_CODES[checks.overall(results)])


@main.command()
@click.option(
    "--candidate",
    type=click.Choice(("steady", "slipping", "same")),
    default="slipping",
    show_default=True,
    help="Which model stands behind the candidate: one of two in int4, or the baseline's own.",
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
@push_option
@metrics_file_option
@json_option
def demo(
    *,
    candidate: str,
    engine: str,
    requests: int,
    rate: float | None,
    seed: int,
    push_gateway: str | None,
    metrics_file: Path | None,
    stay: bool,
    as_json: bool,
) -> None:
    """Serve a real fp16/int4 pair behind the gateway, send traffic, show what slipped.

    The exit code is the verdict's.
    """
    from proxy.demo.arms import ArmError  # noqa: PLC0415
    from proxy.demo.main import rehearse  # noqa: PLC0415
    from proxy.demo.rehearsal import Plan  # noqa: PLC0415
    from proxy.processes.plane import StartError  # noqa: PLC0415

    plan = Plan(candidate=candidate, engine=engine, requests=requests, rate=rate, seed=seed)
    handover = _handover("slipgauge-demo", push_gateway, metrics_file)
    told = _await(rehearse(plan, stay=stay, tables=not as_json, handover=handover), ArmError, StartError)
    _conclude(told, as_json=as_json, handover=handover)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Whose servers, analyzers, margins and budgets are used; the defaults, and no server, if left out.",
)
@click.option("--baseline", metavar="URL", help="Send FILE's requests to this server, and to that of --candidate.")
@click.option("--candidate", metavar="URL", help="The server under test.")
@click.option("--baseline-model", metavar="NAME", help="What to ask the baseline for; read from it if left out.")
@click.option("--candidate-model", metavar="NAME", help="What to ask the candidate for; read from it if left out.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Send FILE's requests to both servers and keep the pairs here; those already here stay.",
)
@push_option
@metrics_file_option
@json_option
def replay(
    file: Path,
    *,
    config: Path | None,
    baseline: str | None,
    candidate: str | None,
    baseline_model: str | None,
    candidate_model: str | None,
    out: Path | None,
    push_gateway: str | None,
    metrics_file: Path | None,
    as_json: bool,
) -> None:
    """Run the analyzers over the recorded pairs in FILE, or over those its requests give when they are sent.

    FILE has one JSON object a line: a recorded pair, a request, or a case of `slipgauge cases export`. The exit
    code is the verdict's.
    """
    from proxy.replay.main import Plan, ReplayError, models  # noqa: PLC0415
    from proxy.replay.main import replay as play  # noqa: PLC0415
    from proxy.replay.servers import ServersError, configuration, part  # noqa: PLC0415

    if out is not None and config is None and baseline is None:
        raise click.UsageError(
            "--out sends requests, and needs --baseline and --candidate, or --config, to know where"
        )
    if (baseline is None) != (candidate is None) or (config and baseline):
        raise click.UsageError("the two servers are told by --baseline and --candidate together, or by --config")
    if baseline is not None and candidate is not None:
        urls, names = {"baseline": baseline, "candidate": candidate}, (baseline_model, candidate_model)

        async def settled() -> Config:
            return await configuration(models(file), urls, dict(zip(urls, names, strict=True)))

        settings = _await(settled(), ReplayError, ServersError)
    else:
        settings = _load(config) if config else Config.model_validate(_NO_SERVERS)
    passing = baseline is not None and out is None
    plan = Plan(settings, file, part(file, settings) if passing else out, passing=passing)
    handover = _handover("slipgauge-replay", push_gateway, metrics_file)
    _conclude(
        _await(play(plan, tables=not as_json, handover=handover), ReplayError), as_json=as_json, handover=handover
    )


@main.command()
@config_argument
@admin_option
@click.option("--watch", is_flag=True, help="Show it anew every two seconds, until Ctrl-C.")
@json_option
def verdict(config: Path, admin: str | None, *, watch: bool, as_json: bool) -> None:
    """Show each guardrail of the running deployment: sessions, rates, slip, evidence, and why.

    The admin port is the one in CONFIG (config.yaml where left out). The exit code is the verdict's.
    """
    from proxy.verdict_show import show  # noqa: PLC0415

    if watch and as_json:
        raise click.UsageError("--watch is for people; ask again for --json")
    port = _port(config, admin)
    try:
        told = show(port, watch=watch) if not as_json else port.get("/verdict")
    except AdminError as error:
        _fail(str(error), ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    _conclude(told, as_json=as_json)


def _stage_command(name: str, does: str) -> None:
    """Add `slipgauge NAME`, which has the admin port follow a command."""

    @main.command(name, help=f"{does}\n\nThe admin port is the one in CONFIG (config.yaml where left out).")
    @config_argument
    @admin_option
    @click.option("--reason", help="Why, for the audit log; who asks where left out.")
    @json_option
    def command(config: Path, admin: str | None, reason: str | None, *, as_json: bool) -> None:
        port = _port(config, admin)
        try:
            told = port.post(f"/stage/{name}", {"reason": reason or f"asked for by {_who()}"})
        except AdminError as error:
            _fail(str(error), ERROR)
        if as_json:
            _print_json(told)
            return
        for change in told["changes"]:
            click.echo(f"{change['action']}: {change['reason']}")
        click.echo(f"stage {told['stage']}, the candidate answers {told['candidate_weight']:.1%} of sessions")


_stage_command("promote", "Take the next step of the rollout, without waiting for its time and sessions.")
_stage_command("hold", "Take no step until `resume`. A guardrail that fails still rolls back.")
_stage_command("resume", "Go on with a rollout that is held.")
_stage_command("rollback", "Take all traffic from the candidate, until another revision is declared.")


main.add_command(moving.cases)


def _who() -> str:
    """Who asks; a container may run as a user without a name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def _port(config: Path, url: str | None) -> AdminPort:
    try:
        return AdminPort.of(config, url)
    except AdminError as error:
        _fail(str(error), USAGE)


def _load(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        _fail(str(error), USAGE)


def _apart(path: Path) -> tuple[Config, Nats]:
    """The configuration of a role that is apart, and where it meets the others; its logs are set up."""
    from proxy import logs  # noqa: PLC0415

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    settings = _load(path)
    if settings.channel.nats is None:
        _fail("channel.nats: is missing: where gateways and control meet; `slipgauge run` is both in one", USAGE)
    logs.configure(settings.log)
    return settings, settings.channel.nats


def _await(running: Coroutine[Any, Any, T], *failures: type[Exception]) -> T:
    """What it comes to; the command ends where it is interrupted, or fails in one of these ways, in their words."""
    import uvloop  # noqa: PLC0415

    try:
        return uvloop.run(running)
    except failures as error:
        _fail(str(error), ERROR)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)


def _handover(job: str, gateway: str | None, file: Path | None) -> Handover:
    from proxy.handover import Handover  # noqa: PLC0415

    try:
        return Handover(job, gateway, file)
    except ValueError as error:
        raise click.UsageError(f"--push-gateway: {error}") from None


def _conclude(told: Mapping[str, Any], *, as_json: bool, handover: Handover | None = None) -> NoReturn:
    """End with the verdict's exit code; what was found is said first, and then handed over."""
    if as_json:
        _print_json(told)
    if handover is not None:
        from proxy.handover import HandoverError  # noqa: PLC0415

        try:
            handover.finish()
        except HandoverError as error:
            _fail(str(error), ERROR)
    sys.exit(VERDICT_CODES[told["verdict"]])


def _fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


def _print_json(value: object) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
