"""The commands that serve until they are told to stop, and the one that looks at their configuration."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from proxy.cli.ending import USAGE, awaited, fail, print_json
from proxy.cli.options import config_argument, json_option, loaded
from proxy.config import Config
from proxy.config_channel import Nats
from proxy.config_file import ConfigError, load
from proxy.config_warnings import warnings as warnings_of


@click.command()
@config_argument
def run(config: Path) -> None:
    """Serve as CONFIG says, until SIGTERM or Ctrl-C; then finish what was accepted.

    CONFIG is config.yaml where left out.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # it waits until there is somebody to heed it
    settings = loaded(config)
    if settings.channel.nats is not None:
        fail(
            "channel.nats: is for `slipgauge gateway` and `slipgauge control`, which are apart; leave it out", USAGE
        )
    from proxy import logs  # noqa: PLC0415
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.run import run as serve  # noqa: PLC0415

    logs.configure(settings.log)
    awaited(serve(settings, config), StartError)


@click.command()
@config_argument
def gateway(config: Path) -> None:
    """Serve clients as CONFIG says, with a control that is elsewhere; see `slipgauge run` for the rest.

    The two meet on the NATS servers of `channel.nats`. CONFIG is config.yaml where left out.
    """
    settings, nats = _apart(config)
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.roles.gateway import run as serve  # noqa: PLC0415

    awaited(serve(settings, nats, config), StartError)


@click.command()
@config_argument
def control(config: Path) -> None:
    """Lead the gateways that are elsewhere, or stand by while another control does.

    They meet on the NATS servers of `channel.nats`. CONFIG is config.yaml where left out.
    """
    settings, nats = _apart(config)
    from proxy.processes.plane import StartError  # noqa: PLC0415
    from proxy.roles.control import run as serve  # noqa: PLC0415

    awaited(serve(settings, nats, config), StartError)


@click.command("check-config")
@config_argument
@json_option
def check_config(config: Path, *, as_json: bool) -> None:
    """Say everything that is wrong with CONFIG (config.yaml where left out), and start nothing."""
    try:
        warnings = list(warnings_of(load(config)))
    except ConfigError as error:
        if not as_json:
            fail(str(error), USAGE)
        problems = [{"path": problem.path, "message": problem.message} for problem in error.problems]
        print_json({"valid": False, "problems": problems, "warnings": []})
        sys.exit(USAGE)
    if as_json:
        print_json({"valid": True, "problems": [], "warnings": warnings})
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        click.echo(f"{config}: good")


def _apart(path: Path) -> tuple[Config, Nats]:
    """The configuration of a role that is apart, and where it meets the others; its logs are set up."""
    from proxy import logs  # noqa: PLC0415

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    settings = loaded(path)
    if settings.channel.nats is None:
        fail("channel.nats: is missing: where gateways and control meet; `slipgauge run` is both in one", USAGE)
    logs.configure(settings.log)
    return settings, settings.channel.nats
