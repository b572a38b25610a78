"""Where the history is: a file of this user's, unless a team's database is named."""

import os
from pathlib import Path

import msgspec
from platformdirs import user_data_path

from edgeproof.config.boards import read_config, require_known
from edgeproof.errors import ProfileError, UsageError

VARIABLE = "EDGEPROOF_HISTORY"


class _HistoryConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str | None = None


def history_url(config: Path | None) -> str:
    """A SQLAlchemy URL: that of `EDGEPROOF_HISTORY`, else of `[history]` in `config`, else of a SQLite file.

    Raises `ProfileError` for a `[history]` that is not right, `UsageError` when no folder can be told.
    """
    named = os.environ.get(VARIABLE) or (None if config is None else _configured(config))
    if named:
        return named if "://" in named else f"sqlite:///{Path(named).expanduser().absolute()}"
    try:
        folder = user_data_path("edgeproof")
    except RuntimeError as error:  # there is no home folder
        raise UsageError(f"There is no folder for the history ({error}). Name a file: {VARIABLE}=FILE") from error
    return f"sqlite:///{folder / 'history.sqlite3'}"


def _configured(path: Path) -> str | None:
    table = read_config(path).history
    if table is None:
        return None
    require_known(path, "[history] ", table, ("url",))
    try:
        return msgspec.convert(table, _HistoryConfig).url
    except msgspec.ValidationError:
        raise ProfileError(
            f"{path} is not right: [history] url must be a text: a file, or a URL like postgresql+psycopg://HOST/NAME"
        ) from None
