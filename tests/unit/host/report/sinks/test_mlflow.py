"""What MLflow's own client reads back of a report; its store is a folder here, as for one who has no server."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun

from edgeproof.cli.report import command as report_command
from edgeproof.errors import ReportError, UsageError
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report
from edgeproof.report.sinks.mlflow import log_report, require_uri
from tests.support import sample_report


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "1")


def with_gates() -> Report:
    report = sample_report.report()
    return replace(report, runs=tuple(replace(run, claims=sample_report.claims()) for run in report.runs))


def logged(report: Report, folder: Path) -> tuple[MlflowClient, MlflowRun, list[MlflowRun]]:
    """The run of the report, and those below it."""
    write_report(report, folder / "report.json")
    uri = (folder / "mlruns").as_uri()
    identity = log_report(report, folder / "report.json", uri)
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("edgeproof")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{identity}'")
    return client, client.get_run(identity), list(runs)


def test_figures_gates_and_the_report_itself_are_there(tmp_path: Path) -> None:
    report = with_gates()
    client, whole, runs = logged(report, tmp_path)
    assert report.verdict is not None
    assert whole.data.tags["verdict"] == report.verdict.value
    assert whole.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(whole.info.run_id)] == ["report.json"]
    assert len(runs) == len(report.runs)
    for run in report.runs:
        (found,) = [
            one
            for one in runs
            if one.data.params["bundle"] == run.bundle.digest
            and one.data.params["runtime_version"] == run.runtime.version
            and one.data.params["variant"] == run.bundle.variant
        ]
        assert run.latency is not None
        assert found.data.metrics["latency_milliseconds/total/0.5"] == run.latency.stages["total"].p50_ms
        assert found.data.metrics["bundle_bytes"] == run.bundle.size_bytes
        assert found.data.params["board"] == run.board.name
        gates = [text for key, text in found.data.tags.items() if key.startswith("gate ")]
        assert sorted(gates) == sorted(f"{claim.gate}: {claim.answer.value}" for claim in run.claims)
        passed = [value for key, value in found.data.metrics.items() if key.startswith("gate_passed/")]
        assert sorted(passed) == sorted(float(claim.answer.value == "pass") for claim in run.claims)


def test_a_run_that_ended_early_is_a_failed_one(tmp_path: Path) -> None:
    report = sample_report.report()
    broken = replace(report, runs=(replace(report.runs[0], error="the board went away"),), comparisons=())
    _, _, (run,) = logged(broken, tmp_path)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "the board went away"


def test_a_server_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    report = sample_report.report()
    write_report(report, tmp_path / "report.json")
    with pytest.raises(ReportError, match="http://127.0.0.1:1: MLflow did not take the report"):
        log_report(report, tmp_path / "report.json", "http://127.0.0.1:1")


def test_a_password_in_the_address_is_refused_because_reports_keep_commands() -> None:
    assert require_uri("https://team@mlflow.example") == "https://team@mlflow.example"
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_PASSWORD"):
        require_uri("https://team:secret@mlflow.example")


def test_the_command_logs_a_report_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "boards")
    write_report(with_gates(), tmp_path / "report.json")
    uri = (tmp_path / "mlruns").as_uri()
    result = CliRunner().invoke(report_command, [str(tmp_path), "--mlflow", uri])
    assert result.exit_code == 0, result.output
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("boards")
    assert experiment is not None
    (whole,) = client.search_runs([experiment.experiment_id], "tags.verdict != ''")
    assert f"MLflow run: {whole.info.run_id}" in result.output
