"""The history: finished reports in a database, found again by board, model, number and baseline's name."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.history.failures import explained
from edgeproof.history.fitness import unfit
from edgeproof.history.kept_run import KeptRun, accuracy_columns, columns_of, kept_run, stage_columns
from edgeproof.history.packed_report import packed, unpacked
from edgeproof.record.run import Report

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_RUNS_AT_ONCE = 500
"""Databases bound how many values a query may name."""


class History:
    """An open database. Two may write at once; each report is kept whole or not at all."""

    def __init__(self, engine: Any, shown: str) -> None:
        self._engine = engine
        self.shown = shown
        """Its file, or its URL without the password."""

    def keep(self, report: Report) -> int:
        """Stores a report with its samples, without pictures; returns its number. Raises HistoryError."""
        from edgeproof.history.tables import ACCURACIES, FILES, REPORTS, RUNS, STAGES

        files = packed(report)
        with self._transaction() as connection:
            verdict = None if report.verdict is None else report.verdict.value
            row = {
                "created": report.created or "",
                "command": " ".join(report.command),
                "verdict": verdict,
                "edgeproof": report.host.edgeproof,
            }
            number = int(connection.execute(REPORTS.insert().values(row)).inserted_primary_key[0])
            for name, content in files.items():
                connection.execute(FILES.insert().values(report_id=number, name=name, content=content))
            for place, run in enumerate(report.runs):
                values = {"report_id": number, "place": place, **columns_of(run, report)}
                identity = int(connection.execute(RUNS.insert().values(values)).inserted_primary_key[0])
                for figures in stage_columns(run):
                    connection.execute(STAGES.insert().values(run_id=identity, **figures))
                accuracy = accuracy_columns(run)
                if accuracy is not None:
                    connection.execute(ACCURACIES.insert().values(run_id=identity, **accuracy))
            return number

    def runs(self, board: str | None = None, model: str | None = None, limit: int | None = None) -> list[KeptRun]:
        """The newest last; of one board, and of bundles whose name or digest begins with `model`, when named."""
        from sqlalchemy import or_, select

        from edgeproof.history.tables import ACCURACIES, REPORTS, RUNS, STAGES

        query = select(RUNS, REPORTS.c.created).join(REPORTS, RUNS.c.report_id == REPORTS.c.id)
        if board is not None:
            query = query.where(RUNS.c.board == board)
        if model is not None:
            query = query.where(or_(RUNS.c.lineage == model, RUNS.c.digest.startswith(model, autoescape=True)))
        query = query.order_by(RUNS.c.report_id.desc(), RUNS.c.place.desc())
        with self._transaction() as connection:
            rows = connection.execute(query if limit is None else query.limit(limit)).mappings().all()
            wanted = [row["id"] for row in rows]
            stages, accuracies = (_of_runs(connection, table, wanted) for table in (STAGES, ACCURACIES))
        return [
            kept_run(row, stages.get(row["id"], []), next(iter(accuracies.get(row["id"], [])), None))
            for row in reversed(rows)
        ]

    def report(self, number: int) -> Report:
        """A kept report, with its samples. Raises UsageError when there is none, HistoryError when it is damaged."""
        from sqlalchemy import select

        from edgeproof.history.tables import FILES

        with self._transaction() as connection:
            rows = connection.execute(select(FILES).where(FILES.c.report_id == number)).mappings().all()
        if not rows:
            raise UsageError(f"The history at {self.shown} has no report {number}. List it: edgeproof history")
        return unpacked({row["name"]: row["content"] for row in rows}, f"{self.shown}: report {number}")

    def set_baseline(self, name: str, number: int) -> None:
        """Gives a report a name; a name that is there moves. Raises UsageError for a report that can be none."""
        from sqlalchemy import delete

        from edgeproof.history.tables import BASELINES

        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name for a baseline: letters, digits, dot, dash, slash, 100 at most.")
        if name.replace(".", "", 1).isdigit():
            raise UsageError(f"{name!r} is no name for a baseline: a report's number looks like that.")
        report = self.report(number)
        reason = unfit(report)
        if reason:
            raise UsageError(f"Report {number} can be no baseline: {reason}. Measure again, and name that one.")
        with self._transaction() as connection:
            connection.execute(delete(BASELINES).where(BASELINES.c.name == name))
            connection.execute(BASELINES.insert().values(name=name, report_id=number))

    def baselines(self) -> dict[str, int]:
        """Name -> the report's number."""
        from sqlalchemy import select

        from edgeproof.history.tables import BASELINES

        with self._transaction() as connection:
            rows = connection.execute(select(BASELINES).order_by(BASELINES.c.name)).mappings()
            return {row["name"]: row["report_id"] for row in rows}

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        with explained(self.shown), self._engine.begin() as connection:
            yield connection


def _of_runs(connection: Any, table: Any, runs: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
    """The rows that a table has of each run."""
    from sqlalchemy import select

    found: dict[int, list[Mapping[str, Any]]] = {}
    for begin in range(0, len(runs), _RUNS_AT_ONCE):
        some = select(table).where(table.c.run_id.in_(runs[begin : begin + _RUNS_AT_ONCE]))
        for row in connection.execute(some).mappings():
            found.setdefault(row["run_id"], []).append(row)
    return found
