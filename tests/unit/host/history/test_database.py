"""What is kept is read back equal, by whoever asks, and a database that is not ours says so."""

import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from edgeproof.errors import HistoryError, UsageError
from edgeproof.history.database import History
from edgeproof.history.fitness import unfit
from edgeproof.history.kept_run import MapFigure
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.record.measured.latency import LatencySummary
from edgeproof.record.run import Report
from edgeproof.record.verdict.claims import Answer, Claim
from tests.support import sample_report
from tests.support.sample_accuracy import evaluated


def report(folder: Path, created: str = "2026-01-01T10:00:00Z") -> Report:
    return replace(sample_report.report(folder), created=created, command=("edgeproof", "check"))


def one_run(folder: Path) -> Report:
    """A quiet one, without gates."""
    whole = report(folder)
    run = replace(whole.runs[0], claims=(), error=None)
    return replace(whole, runs=(run,), comparisons=(), not_measured=())


def test_a_report_is_read_back_with_its_samples(history: History, tmp_path: Path) -> None:
    kept = report(tmp_path)
    read = history.report(history.keep(kept))
    assert read.created == kept.created
    assert read.command == kept.command
    assert read.verdict == kept.verdict
    assert len(read.runs) == len(kept.runs)
    for before, after in zip(kept.runs, read.runs, strict=True):
        assert after.claims == before.claims
        assert after.bundle == before.bundle
        assert after.board == before.board
        assert before.latency is not None
        assert after.latency is not None
        assert after.latency.stages == before.latency.stages
        for stage, samples in before.latency.samples_ns.items():
            assert (after.latency.samples_ns[stage] == samples).all()
    assert [comparison.to_json() for comparison in read.comparisons] == [
        comparison.to_json() for comparison in kept.comparisons
    ]


def test_runs_are_listed_in_the_order_they_were_kept_and_by_board_and_model(history: History, tmp_path: Path) -> None:
    first = one_run(tmp_path)
    other_board = replace(first.runs[0], board=replace(first.runs[0].board, name="other"))
    numbers = [history.keep(first), history.keep(replace(first, runs=(other_board,))), history.keep(report(tmp_path))]
    runs = history.runs()
    assert [run.report for run in runs] == [numbers[0], numbers[1], *[numbers[2]] * 4]
    assert runs[-1].number == f"{numbers[2]}.3"
    assert [run.report for run in history.runs(board="other")] == [numbers[1]]
    assert len(history.runs(limit=2)) == 2
    digest = first.runs[0].bundle.digest
    assert {run.digest for run in history.runs(model=digest[:8])} == {digest}
    assert history.runs(model="%") == []
    assert history.runs(model=first.runs[0].bundle.name)
    latency = first.runs[0].latency
    assert latency is not None
    total: LatencySummary = latency.stages["total"]
    assert runs[0].stages["total"].p50_ms == pytest.approx(total.p50_ms)
    assert runs[0].environment["machine"] == first.runs[0].board.machine


def test_a_baseline_moves_and_must_be_fit(history: History, tmp_path: Path) -> None:
    good = one_run(tmp_path)
    first, second = history.keep(good), history.keep(good)
    history.set_baseline("main", first)
    history.set_baseline("main", second)
    assert history.baselines() == {"main": second}
    claim = Claim("total p95 < 1 ms", Answer.FAIL, 1.0, "ms", 45.0, 44.0, 46.0, 200)
    failed = history.keep(replace(good, runs=(replace(good.runs[0], claims=(claim,)),)))
    with pytest.raises(UsageError, match="can be no baseline: it failed its own gates"):
        history.set_baseline("main", failed)
    ended = history.keep(replace(good, runs=(replace(good.runs[0], error="the board was gone"),)))
    with pytest.raises(UsageError, match="ended early"):
        history.set_baseline("main", ended)
    assert history.baselines() == {"main": second}
    with pytest.raises(UsageError, match="has no report 99"):
        history.set_baseline("main", 99)
    for name in ("", "a b", "1.2", "-x", "x" * 101):
        with pytest.raises(UsageError, match="is no name for a baseline"):
            history.set_baseline(name, first)


def test_a_void_run_is_unfit(tmp_path: Path) -> None:
    good = one_run(tmp_path)
    assert unfit(good) is None
    latency = good.runs[0].latency
    assert latency is not None
    assert latency.after is not None
    busy = replace(latency.after, busy_cpu_seconds=(latency.after.busy_cpu_seconds or 0) + 1000)
    void = replace(good.runs[0], latency=replace(latency, after=busy))
    assert "is void" in (unfit(replace(good, runs=(void,))) or "")
    assert unfit(replace(good, runs=())) == "it has no runs"
    assert "not all of it was measured" in (unfit(replace(good, not_measured=("a: b",))) or "")


_WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from edgeproof.history.opening import open_history
from tests.support import sample_report
report = sample_report.report()
history = open_history(sys.argv[1])
for number in range(8):
    history.keep(report)
"""


def test_processes_that_make_and_fill_it_at_once_lose_nothing(url: str, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, str(tmp_path / str(number))]) for number in range(3)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    history = open_history(url)
    runs = history.runs()
    assert len({run.report for run in runs}) == 24
    assert len(runs) == 24 * len(sample_report.report().runs)
    history.close()


def engine_of(url: str) -> Any:
    return sqlalchemy.create_engine(url)


def test_a_newer_schema_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    history = open_history(url)
    history.keep(report(tmp_path))
    history.close()
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE edgeproof_schema SET version_num = '9999'")
    with pytest.raises(HistoryError, match=r"written by a newer edgeproof .*9999.*\n?.*Upgrade edgeproof"):
        open_history(url)
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reports").scalar() == 1
    engine.dispose()


def test_the_tables_are_those_that_the_migrations_make(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from edgeproof.history.tables import METADATA

    open_history(url).close()
    engine = engine_of(url)
    with engine.connect() as connection:
        options = {"version_table": "edgeproof_schema", "compare_type": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
    engine.dispose()


def with_accuracy(folder: Path, failed: int = 0) -> Report:
    one = one_run(folder)
    return replace(
        one, runs=(replace(one.runs[0], accuracy=evaluated(failed=failed).accuracy), *report(folder).runs[1:])
    )


def test_an_accuracy_is_listed_with_its_data_set(history: History, tmp_path: Path) -> None:
    history.keep(with_accuracy(tmp_path, failed=2))
    first, *others = history.runs()
    accuracy = evaluated(failed=2).accuracy
    assert first.accuracy == MapFigure(accuracy.map, accuracy.data_set.sha256, accuracy.data_set.pictures, 2)
    assert [run.accuracy for run in others] == [None, None, None]


def test_accuracies_of_reports_that_were_kept_before_are_found(url: str, tmp_path: Path) -> None:
    """The first schema had no table of them; a report that is damaged does not stop the others."""
    history = open_history(url)
    for _ in range(3):
        history.keep(with_accuracy(tmp_path))
    before = history.runs()
    history.close()
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE accuracies")
        connection.exec_driver_sql("UPDATE edgeproof_schema SET version_num = '0001'")
        update = sqlalchemy.text("UPDATE report_files SET content = :bytes WHERE report_id = :number AND name = :name")
        damaged = [(1, b"garbage"), (2, zlib.compress(b'{"runs": [{"accuracy": {"map": 7}}]}'))]
        for number, content in damaged:
            connection.execute(update, {"bytes": content, "number": number, "name": "report.json"})
    engine.dispose()
    again = open_history(url)
    after = again.runs()
    again.close()
    assert [run for run in after if run.report == 3] == [run for run in before if run.report == 3]
    assert after[-4].accuracy is not None
    assert [run.accuracy for run in after if run.report < 3] == [None] * 8


def test_a_damaged_file_is_an_error_of_that_report(history: History, url: str, tmp_path: Path) -> None:
    first, second = history.keep(report(tmp_path)), history.keep(report(tmp_path))
    engine = engine_of(url)
    with engine.begin() as connection:
        update = sqlalchemy.text("UPDATE report_files SET content = :bytes WHERE report_id = :number")
        connection.execute(update, {"bytes": b"garbage", "number": first})
    with pytest.raises(HistoryError, match=f"report {first} is damaged"):
        history.report(first)
    assert history.report(second).runs
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE report_files SET name = '../../evil' WHERE name = 'report.json'"))
    with pytest.raises(HistoryError, match="Somebody has changed it"):
        history.report(second)
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense://x", "none that SQLAlchemy knows"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/none", "cannot be used"),
        ("sqlite:////proc/nowhere/history.sqlite3", "cannot be used"),
        ("://", "none that SQLAlchemy knows"),
    ],
)
def test_what_cannot_be_opened_is_one_error_without_the_password(url: str, words: str) -> None:
    with pytest.raises(HistoryError, match=words) as caught:
        open_history(url)
    assert "secret" not in str(caught.value)
    assert "EDGEPROOF_HISTORY" in str(caught.value)


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, and longer than a header of one hundred bytes " * 4)
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="cannot be used: file is not a database"):
        open_history(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_the_place_is_the_environments_then_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "edgeproof.toml"
    config.write_text('[history]\nurl = "postgresql+psycopg://team/db"\n')
    monkeypatch.delenv("EDGEPROOF_HISTORY", raising=False)
    assert history_url(config) == "postgresql+psycopg://team/db"
    monkeypatch.setenv("EDGEPROOF_HISTORY", str(tmp_path / "mine.sqlite3"))
    assert history_url(config) == f"sqlite:///{tmp_path / 'mine.sqlite3'}"
    monkeypatch.delenv("EDGEPROOF_HISTORY")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert history_url(None) == f"sqlite:///{tmp_path / 'data' / 'edgeproof' / 'history.sqlite3'}"
    config.write_text("[history]\nurl = 3\n")
    with pytest.raises(UsageError, match="url must be a text"):
        history_url(config)
    config.write_text('[history]\nurll = "x"\n')
    with pytest.raises(UsageError, match="url"):
        history_url(config)
