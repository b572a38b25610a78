"""The history: finished reports in a database, found again by board, model, number and baseline's name."""

import contextlib
import json
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from edgeproof.errors import HistoryError, UsageError
from edgeproof.history.environment import environment
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import combined
from edgeproof.record.writer import write_report
from edgeproof.verify.state import void_reasons

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_MAX_FILE_BYTES = 512 << 20
_WAIT_SECONDS = 30.0
"""So long a writer waits for another one."""
_INSTALL = 'The history needs more packages. Install them with: pip install "edgeproof[history]"'


@dataclass(frozen=True)
class StageFigures:
    samples: int
    p50_ms: float
    p95_ms: float | None
    """None when there were too few samples for it."""


@dataclass(frozen=True)
class KeptRun:
    """A run of a kept report, as a list shows it."""

    report: int
    place: int
    created: str
    board: str
    lineage: str
    variant: str
    digest: str
    runtime: str
    threads: int | None
    answer: str | None
    void: bool
    environment: Mapping[str, str]
    stages: Mapping[str, StageFigures]

    @property
    def number(self) -> str:
        """What a user types for it: the report's number, and the run's place in it where it is not the first."""
        return str(self.report) if self.place == 0 else f"{self.report}.{self.place}"


class History:
    """An open database. Two may write at once; each report is kept whole or not at all."""

    def __init__(self, engine: Any, shown: str) -> None:
        self._engine = engine
        self.shown = shown
        """Its file, or its URL without the password."""

    def keep(self, report: Report) -> int:
        """Stores a report with its samples, without pictures; returns its number. Raises HistoryError."""
        from edgeproof.history.tables import FILES, REPORTS, RUNS, STAGES

        report = _without_pictures(report)
        with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
            write_report(report, Path(folder) / "report.json")
            files = {
                path.relative_to(folder).as_posix(): zlib.compress(path.read_bytes(), 6)
                for path in sorted(Path(folder).rglob("*"))
                if path.is_file()
            }
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
                values = {"report_id": number, "place": place, **_columns(run, report)}
                identity = int(connection.execute(RUNS.insert().values(values)).inserted_primary_key[0])
                for stage, summary in ({} if run.latency is None else run.latency.stages).items():
                    if summary.p50_ms is None:
                        continue  # too few to say anything of
                    figures = {"samples": summary.runs, "p50_ms": summary.p50_ms, "p95_ms": summary.p95_ms}
                    connection.execute(STAGES.insert().values(run_id=identity, stage=stage, **figures))
            return number

    def runs(self, board: str | None = None, model: str | None = None, limit: int | None = None) -> list[KeptRun]:
        """The newest last; of one board, and of bundles whose name or digest begins with `model`, when named."""
        from sqlalchemy import or_, select

        from edgeproof.history.tables import REPORTS, RUNS, STAGES

        query = select(RUNS, REPORTS.c.created).join(REPORTS, RUNS.c.report_id == REPORTS.c.id)
        if board is not None:
            query = query.where(RUNS.c.board == board)
        if model is not None:
            query = query.where(or_(RUNS.c.lineage == model, RUNS.c.digest.startswith(model, autoescape=True)))
        query = query.order_by(RUNS.c.report_id.desc(), RUNS.c.place.desc())
        with self._transaction() as connection:
            rows = connection.execute(query if limit is None else query.limit(limit)).mappings().all()
            stages: dict[int, dict[str, StageFigures]] = {}
            wanted = [row["id"] for row in rows]
            for begin in range(0, len(wanted), 500):
                some = select(STAGES).where(STAGES.c.run_id.in_(wanted[begin : begin + 500]))
                for item in connection.execute(some).mappings():
                    figures = StageFigures(item["samples"], item["p50_ms"], item["p95_ms"])
                    stages.setdefault(item["run_id"], {})[item["stage"]] = figures
        return [_kept(row, stages.get(row["id"], {})) for row in reversed(rows)]

    def report(self, number: int) -> Report:
        """A kept report, with its samples. Raises UsageError when there is none, HistoryError when it is damaged."""
        from sqlalchemy import select

        from edgeproof.history.tables import FILES

        with self._transaction() as connection:
            rows = connection.execute(select(FILES).where(FILES.c.report_id == number)).mappings().all()
        if not rows:
            raise UsageError(f"The history at {self.shown} has no report {number}. List it: edgeproof history")
        with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
            for row in rows:
                (Path(folder) / self._inner(number, row["name"])).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / row["name"]).write_bytes(self._unpacked(number, row["content"]))
            return read_report(Path(folder) / "report.json")

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

    def _inner(self, number: int, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not name:
            raise HistoryError(f"{self.shown}: report {number} holds a file {name!r}. Somebody has changed it.")
        return name

    def _unpacked(self, number: int, content: bytes) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            data = unpacking.decompress(content, _MAX_FILE_BYTES)
        except zlib.error as error:
            raise HistoryError(f"{self.shown}: report {number} is damaged ({error}).") from error
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise HistoryError(f"{self.shown}: report {number} is damaged: a file of it does not end.")
        return data

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        with _explained(self.shown), self._engine.begin() as connection:
            yield connection


def _without_pictures(report: Report) -> Report:
    """A history of thousands of runs keeps figures; what was seen stays in the report's own folder."""
    runs = []
    for run in report.runs:
        parity = run.parity
        if parity is not None:
            parity = replace(parity, pictures=tuple(replace(item, sides=None) for item in parity.pictures))
        runs.append(replace(run, pictures=(), detections_file=None, stream=None, parity=parity))
    return replace(report, runs=tuple(runs), outputs=())


def unfit(report: Report) -> str | None:
    """Why nothing should be compared with a report: it failed, ended early, or its figures are void."""
    if report.verdict is not None and report.verdict.value == "fail":
        return "it failed its own gates"
    if report.not_measured:
        return f"not all of it was measured ({report.not_measured[0]})"
    for run in report.runs:
        if run.error is not None:
            return f"a run of it ended early ({run.error})"
        if _void(run):
            return f"a run of it is void: {'; '.join(void_reasons(*_states(run)))}"
    return None if report.runs else "it has no runs"


def open_history(url: str) -> History:
    """Opens, or makes, the database at a SQLAlchemy URL and brings it to this version's schema.

    Raises HistoryError: packages are missing, the URL names nothing that can be opened, or the schema is a newer one.
    """
    try:
        import sqlalchemy
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    except ImportError:
        raise HistoryError(_INSTALL) from None
    try:
        parsed = sqlalchemy.make_url(url)
        shown = parsed.render_as_string(hide_password=True)
        options: dict[str, Any] = {}
        if parsed.get_backend_name() == "sqlite":
            options["connect_args"] = {"timeout": _WAIT_SECONDS}
            shown = parsed.database or shown
            if parsed.database and parsed.database != ":memory:":
                with contextlib.suppress(OSError):  # the database says better why it cannot be opened
                    Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise HistoryError(
            "The history's URL is none that SQLAlchemy knows. Give a file, or one like "
            "postgresql+psycopg://USER@HOST/NAME (in [history] url, or EDGEPROOF_HISTORY)."
        ) from None
    except ImportError as error:
        driver = parsed.get_driver_name()
        extra = ' Install it with: pip install "edgeproof[postgresql]"' if driver == "psycopg" else ""
        raise HistoryError(
            f"The driver {driver} of the history's database is not installed ({error}).{extra}"
        ) from None
    if engine.dialect.name == "sqlite":
        _begin_at_once(engine)
    with _explained(shown):
        _upgrade(engine, shown)
    return History(engine, shown)


def _begin_at_once(engine: Any) -> None:
    """SQLite's driver begins a transaction late and not for changes of tables; two that upgrade would meet."""
    from sqlalchemy import event

    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


def _upgrade(engine: Any, shown: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import text

    config = Config()
    config.set_main_option("script_location", "edgeproof.history:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # one at a time; the number is any
            connection.execute(text("SELECT pg_advisory_xact_lock(7245169)"))
        there = MigrationContext.configure(connection, opts={"version_table": "edgeproof_schema"}).get_current_heads()
        if not set(there) <= known:
            raise HistoryError(
                f"{shown} was written by a newer edgeproof (its schema is {', '.join(there)}). "
                "Upgrade edgeproof, or name another history: EDGEPROOF_HISTORY=FILE"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextlib.contextmanager
def _explained(shown: str) -> Iterator[None]:
    """A database's own errors in one line, without what was sent to it."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
        raise HistoryError(
            f"The history at {shown} cannot be used: {reason[0]}. Put that right, or name another one: "
            "EDGEPROOF_HISTORY=FILE"
        ) from None


def _columns(run: Run, report: Report) -> dict[str, Any]:
    answer = combined(claim.answer for claim in run.claims).value if run.claims else None
    return {
        "board": run.board.name,
        "lineage": run.bundle.name,
        "variant": run.bundle.variant,
        "digest": run.bundle.digest,
        "runtime": run.runtime.name,
        "threads": None if run.load is None else run.load.threads,
        "answer": answer,
        "void": _void(run) or run.error is not None,
        "environment": json.dumps(environment(run, report.host)),
    }


def _void(run: Run) -> bool:
    return bool(void_reasons(*_states(run)))


def _states(run: Run) -> Sequence[Any]:
    threads = None if run.load is None else run.load.threads
    if run.latency is None:
        return None, None, threads
    return run.latency.before, run.latency.after, threads, run.latency.timeline


def _kept(row: Mapping[str, Any], stages: Mapping[str, StageFigures]) -> KeptRun:
    try:
        told = json.loads(row["environment"])
    except ValueError:
        told = {}
    facts = {str(fact): str(text) for fact, text in told.items()} if isinstance(told, dict) else {}
    return KeptRun(
        report=row["report_id"],
        place=row["place"],
        created=row["created"],
        board=row["board"],
        lineage=row["lineage"],
        variant=row["variant"],
        digest=row["digest"],
        runtime=row["runtime"],
        threads=row["threads"],
        answer=row["answer"],
        void=row["void"],
        environment=facts,
        stages=stages,
    )
