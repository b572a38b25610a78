"""`--mlflow URI`, for commands that have a report."""

import click

from edgeproof.report.sinks.mlflow import require_uri


def _checked(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else require_uri(value)


mlflow_option = click.option(
    "--mlflow", metavar="URI", callback=_checked, help="Log it to this MLflow server, experiment 'edgeproof', too."
)
