"""The option of commands on a board's service."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def service_option(command: _Command) -> _Command:
    return click.option("--app", metavar="NAME", help="App whose service it is.  [default: the only one]")(command)
