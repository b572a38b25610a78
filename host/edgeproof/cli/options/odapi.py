"""The options of `edgeproof export` that have the Object Detection API's own exporter read a checkpoint."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from edgeproof.errors import UsageError
from edgeproof.odapi.source import OdapiOptions


def odapi_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options to a command."""
    python = click.option(
        "--odapi-python",
        metavar="PATH",
        help="Python 3.9 to 3.11 for the Object Detection API.  [default: found on the PATH, of pyenv or of uv]",
    )
    via = click.option(
        "--via-odapi",
        is_flag=True,
        help="Export a checkpoint with the Object Detection API first, in an environment of its own that is made once.",
    )
    return via(python(command))


def read_odapi_options(values: Mapping[str, Any]) -> OdapiOptions | None:
    """What the options of `odapi_options` gave, by their parameter names. Raises UsageError."""
    python = values["odapi_python"]
    if values["via_odapi"]:
        return OdapiOptions(python)
    if python is not None:
        raise UsageError("--odapi-python is the Python that --via-odapi runs on: add --via-odapi, or leave it out.")
    return None
