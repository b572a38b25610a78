"""Opens a history, makes it where there is none, and brings it to this version's schema."""

import contextlib
from pathlib import Path
from typing import Any

from edgeproof.errors import HistoryError
from edgeproof.history.database import History
from edgeproof.history.failures import explained

_WAIT_SECONDS = 30.0
"""So long a writer waits for another one."""
_INSTALL = 'The history needs more packages. Install them with: pip install "edgeproof[history]"'


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
    with explained(shown):
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
