"""Paths on the command line."""

import tempfile
from pathlib import Path
from typing import Any

import click

from edgeproof.errors import UsageError


class _Path(click.Path):
    """A path as `pathlib.Path`. An empty one would silently mean the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("a path cannot be empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path()


def require_output_folder(out: Path) -> None:
    """Makes the folder that results go to, ahead of the work. Raises `UsageError` when nothing can be written there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(f"{out}: cannot be written to ({error.strerror}). Choose another --out.") from error
