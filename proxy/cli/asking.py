"""The commands that ask a running deployment: its verdict, and another stage."""

from __future__ import annotations

import os
import sys
from getpass import getuser
from pathlib import Path

import click

from proxy.admin_client import AdminError, AdminPort
from proxy.cli.ending import ERROR, INTERRUPTED, USAGE, conclude, fail, print_json
from proxy.cli.options import admin_option, config_argument, json_option


@click.command()
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
        fail(str(error), ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    conclude(told, as_json=as_json)


def _stage_command(name: str, does: str) -> click.Command:
    """`slipgauge NAME`, which has the admin port follow a command."""

    @click.command(name, help=f"{does}\n\nThe admin port is the one in CONFIG (config.yaml where left out).")
    @config_argument
    @admin_option
    @click.option("--reason", help="Why, for the audit log; who asks where left out.")
    @json_option
    def command(config: Path, admin: str | None, reason: str | None, *, as_json: bool) -> None:
        port = _port(config, admin)
        try:
            told = port.post(f"/stage/{name}", {"reason": reason or f"asked for by {_who()}"})
        except AdminError as error:
            fail(str(error), ERROR)
        if as_json:
            print_json(told)
            return
        for change in told["changes"]:
            click.echo(f"{change['action']}: {change['reason']}")
        click.echo(f"stage {told['stage']}, the candidate answers {told['candidate_weight']:.1%} of sessions")

    return command


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
        fail(str(error), USAGE)


STAGES = (
    _stage_command("promote", "Take the next step of the rollout, without waiting for its time and sessions."),
    _stage_command("hold", "Take no step until `resume`. A guardrail that fails still rolls back."),
    _stage_command("resume", "Go on with a rollout that is held."),
    _stage_command("rollback", "Take all traffic from the candidate, until another revision is declared."),
)
