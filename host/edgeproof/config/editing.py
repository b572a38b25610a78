"""Adds a board or a table to edgeproof.toml, takes a board out again; what the user wrote there stays as it is."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import tomlkit
import tomlkit.exceptions
import tomlkit.items

from edgeproof.config.boards import CONFIG_FILE, BoardProfile, all_boards, find_config, parse_target, read_config
from edgeproof.errors import ProfileError
from edgeproof.local_files.atomic_file import why_unwritten, write_atomically
from edgeproof.local_files.bounded_files import why_unreadable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TABLE = "boards"
_WHERE = ("host", "user", "port")


def config_to_write() -> Path:
    """The edgeproof.toml that counts here, or the one to be made in this folder."""
    return find_config() or Path.cwd() / CONFIG_FILE


def add_board(path: Path, name: str, settings: Mapping[str, str | int], replace: bool = False) -> BoardProfile:
    """Writes `[boards.NAME]` with `settings` (fields of `BoardProfile`); makes the file if need be.

    A board that is replaced keeps what `settings` do not have, but for where it was: host, user and port.

    Raises `ProfileError` when the name is taken (unless `replace`), the settings cannot be meant, or the file is
    broken; the file is then as it was.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(f"{name!r} is not a name for a board: take letters, digits, dot, dash, underscore")
    if parse_target(str(settings["host"])).port is not None and "port" in settings:
        raise ProfileError(f"the port is given twice: {settings['host']} and {settings['port']}")
    boards = all_boards(path) if path.exists() else {}
    if name in boards and not replace:
        raise ProfileError(
            f"{path} has a board {name} already ({boards[name].target}). Give another name, or --replace to put this "
            "one in its place."
        )

    before = read_config(path).boards if path.exists() else {}
    kept = {key: value for key, value in before.get(name, {}).items() if key not in _WHERE}
    written = {**kept, **settings}

    def change(document: tomlkit.TOMLDocument) -> None:
        if _TABLE not in document:
            document[_TABLE] = tomlkit.table(is_super_table=True)
        inline = isinstance(document[_TABLE], tomlkit.items.InlineTable)
        table = tomlkit.inline_table() if inline else tomlkit.table()
        table.update(written)
        document[_TABLE][name] = table

    _rewrite(path, change, {**before, name: written})
    return all_boards(path)[name]


def remove_board(path: Path, name: str) -> None:
    """Takes `[boards.NAME]` out. Raises `ProfileError` when there is none, or the file is broken."""
    boards = read_config(path).boards
    if name not in boards:
        raise ProfileError(f"{path} has no board {name}: it has {', '.join(boards) or 'none'}")

    def change(document: tomlkit.TOMLDocument) -> None:
        del document[_TABLE][name]

    _rewrite(path, change, {board: fields for board, fields in boards.items() if board != name})


def add_table(path: Path, name: str, table: tomlkit.items.Table) -> None:
    """Adds a table at the end of the file; makes the file if need be. Raises `ProfileError` when it has one already."""
    boards = read_config(path).boards if path.exists() else {}

    def change(document: tomlkit.TOMLDocument) -> None:
        if name in document:
            raise ProfileError(f"{path} has a [{name}] already: edit it there, or take it out first")
        document.add(name, table)

    _rewrite(path, change, boards)


def path_for_config(path: Path, config: Path) -> str:
    """A file as edgeproof.toml names it: from its own folder where it lies below that, else in full."""
    full, folder = Path(os.path.abspath(path.expanduser())), Path(os.path.abspath(config.parent))
    return str(full.relative_to(folder)) if full.is_relative_to(folder) else str(full)


def _rewrite(
    path: Path, change: Callable[[tomlkit.TOMLDocument], None], expected: Mapping[str, Mapping[str, object]]
) -> None:
    """Changes the file's text and makes sure, ahead of writing, that it says what is expected and nothing else."""
    path = path.resolve()
    try:
        document = tomlkit.parse(path.read_bytes() if path.exists() else b"")
        change(document)
        text = tomlkit.dumps(document)
        understood = tomlkit.parse(text).unwrap().get(_TABLE, {})
    except OSError as error:
        raise ProfileError(f"{path}: {why_unreadable(error)}.") from error
    except (tomlkit.exceptions.TOMLKitError, ValueError) as error:
        raise ProfileError(f"{path} is not right: {error}") from error
    if understood != expected:
        raise ProfileError(f"{path} is written in a way that cannot be changed safely: edit it by hand")
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ProfileError(f"{path}: {why_unwritten(error, 'name another file in EDGEPROOF_CONFIG')}") from error
