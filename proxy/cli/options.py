"""Arguments and options that several commands take, and the file that CONFIG names."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.cli.ending import USAGE, fail
from proxy.config import Config
from proxy.config_file import ConfigError, load

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


def loaded(path: Path) -> Config:
    """The configuration of this file; the command ends where it is not good."""
    try:
        return load(path)
    except ConfigError as error:
        fail(str(error), USAGE)
