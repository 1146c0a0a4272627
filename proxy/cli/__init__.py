"""The `slipgauge` command. Exit codes: 0 good, 1 error, 2 usage, 3 `fail`, 4 `inconclusive` or `no_data`.

What a command does is imported where it is done: `check-config` and `--help` stay quick.
"""

from __future__ import annotations

import click

from proxy.cases import moving
from proxy.cli import asking, measuring, serving


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="slipgauge")
def main() -> None:
    """Measures on live traffic what a model loses when it is quantized.

    Exit codes: 0 good, 1 error, 2 usage or configuration, 3 verdict fail, 4 inconclusive or no data.
    """


for _command in (
    *(serving.run, serving.gateway, serving.control, serving.check_config),
    *(measuring.doctor, measuring.demo, measuring.replay),
    *(asking.verdict, *asking.STAGES),
    moving.cases,
):
    main.add_command(_command)
