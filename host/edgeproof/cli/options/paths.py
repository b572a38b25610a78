"""Paths on the command line."""

from pathlib import Path
from typing import Any

import click


class _Path(click.Path):
    """A path as `pathlib.Path`. An empty one would silently mean the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("a path cannot be empty", param, ctx)
        return super().convert(value, param, ctx)


PATH = _Path()
