"""Logs a report to an MLflow tracking server: one run for the report, and below it one for each of its own runs."""

import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgeproof.errors import ReportError, UsageError
from edgeproof.record.run import Report, Run
from edgeproof.report.sinks.figures import figures_of, labels_of
from edgeproof.wording.printable import printable

EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"
_EXPERIMENT = "edgeproof"
_PARENT = "mlflow.parentRunId"
_SETTINGS = {
    # MLflow reports its own use to its makers unless it is told not to; what a user measures is theirs alone.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A server that is not there is said at once; MLflow's own seven tries take minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # `mlruns` folders still serve whoever has no server; MLflow 3 asks for this word.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
_WORDS = {"<": "below", ">": "above", "%": "percent"}
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
"""All that MLflow takes in a name (`mlflow.utils.validation`); slashes group charts."""


def require_uri(uri: str) -> str:
    """The address as it is. Raises `UsageError` for one that holds a password, which every report would then show."""
    try:
        password = urlsplit(uri).password
    except ValueError as error:
        raise UsageError(f"{uri!r} is no address of an MLflow server: {error}") from None
    if password is not None:
        raise UsageError(
            "The address of the MLflow server holds a password, and a report keeps the command that made it. "
            "Leave it out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
        )
    return uri


def log_report(report: Report, file: Path, uri: str) -> str:
    """Logs figures, gates and `file`, the report.json; returns the identity of the MLflow run that holds it all.

    The experiment is that of `MLFLOW_EXPERIMENT_NAME`, else `edgeproof`. Raises `ReportError` when MLflow is not
    installed or does not take it.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise ReportError(
            f'MLflow is not installed. Install it with: pip install "edgeproof[mlflow]" ({error})'
        ) from None
    try:
        client = MlflowClient(tracking_uri=uri)
        return _log(client, report, file)
    except Exception as error:  # of the server, of requests, of a database: each its own
        reason = printable(str(error)).strip().splitlines() or [type(error).__name__]
        raise ReportError(f"{uri}: MLflow did not take the report: {reason[0]}") from error


def _log(client: Any, report: Report, file: Path) -> str:
    name = os.environ.get(EXPERIMENT_VARIABLE) or _EXPERIMENT
    known = client.get_experiment_by_name(name)
    experiment = client.create_experiment(name) if known is None else known.experiment_id
    tags = {"edgeproof": report.host.edgeproof}
    if report.created is not None:
        tags["created"] = report.created
    if report.verdict is not None:
        tags["verdict"] = report.verdict.value
    whole: str = client.create_run(
        experiment, tags=tags, run_name=" ".join(report.command[:3]) or "edgeproof"
    ).info.run_id
    try:
        for run in report.runs:
            _log_run(client, experiment, whole, run)
        client.log_artifact(whole, str(file))
    except BaseException:
        client.set_terminated(whole, "FAILED")
        raise
    client.set_terminated(whole)
    return whole


def _log_run(client: Any, experiment: str, whole: str, run: Run) -> None:
    from mlflow.entities import Metric, Param, RunTag

    labels = labels_of(run)
    tags = {
        _PARENT: whole,
        **{f"gate {place}": f"{claim.gate}: {claim.answer.value}" for place, claim in enumerate(run.claims, 1)},
    }
    if run.error is not None:
        tags["error"] = run.error
    now_ms = int(time.time() * 1000)
    figures = {
        _metric_name("/".join((figure.name.removeprefix("edgeproof_"), *figure.labels.values()))): float(figure.value)
        for figure in figures_of(run)
    }
    parameters = {**labels, "runtime_version": run.runtime.version, "bundle": run.bundle.digest}
    identity = client.create_run(experiment, run_name=" ".join(labels.values())).info.run_id
    client.log_batch(
        identity,
        [Metric(key, value, now_ms, 0) for key, value in figures.items()],
        [Param(key, value) for key, value in parameters.items()],
        [RunTag(key, value) for key, value in tags.items()],
    )
    client.set_terminated(identity, "FINISHED" if run.error is None else "FAILED")


def _metric_name(text: str) -> str:
    for sign, word in _WORDS.items():
        text = text.replace(sign, word)
    return _NOT_IN_NAMES.sub("_", text)
