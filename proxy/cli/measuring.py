"""The commands that measure two servers of their own accord: doctor, demo, replay."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from proxy.cli.ending import DOCTOR_CODES, awaited, conclude, handover_to, print_json
from proxy.cli.options import config_argument, json_option, loaded, metrics_file_option, push_option
from proxy.config import Config

_NO_SERVERS = {
    "baseline": {"url": "http://127.0.0.1:1"},
    "candidate": {"url": "http://127.0.0.1:2"},
    "models": {"any": {}},
}
"""A configuration for pairs that have their answers: nobody is asked anything."""


@click.command()
@config_argument
@json_option
def doctor(config: Path, *, as_json: bool) -> None:
    """Say what makes the comparison of CONFIG's servers unfair, and what to change.

    Asks each server about a hundred short questions. The exit code is 3 where anything is unfair, 4 where
    nothing is but something could not be seen, 1 where a server cannot be asked.
    """
    from proxy.doctor import checks, main, show  # noqa: PLC0415

    results = awaited(main.examine(loaded(config)), main.DoctorError)
    if as_json:
        print_json(show.as_json(results))
    else:
        click.echo(show.as_text(results))
    sys.exit(DOCTOR_CODES[checks.overall(results)])


@click.command()
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
    handover = handover_to("slipgauge-demo", push_gateway, metrics_file)
    told = awaited(rehearse(plan, stay=stay, tables=not as_json, handover=handover), ArmError, StartError)
    conclude(told, as_json=as_json, handover=handover)


@click.command()
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

        settings = awaited(settled(), ReplayError, ServersError)
    else:
        settings = loaded(config) if config else Config.model_validate(_NO_SERVERS)
    passing = baseline is not None and out is None
    plan = Plan(settings, file, part(file, settings) if passing else out, passing=passing)
    handover = handover_to("slipgauge-replay", push_gateway, metrics_file)
    conclude(
        awaited(play(plan, tables=not as_json, handover=handover), ReplayError), as_json=as_json, handover=handover
    )
