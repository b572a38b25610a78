"""The options that say which labelled data set, and how its classes are those of a model."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from edgeproof.cli.options.paths import PATH
from edgeproof.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def data_set_options(command: _Command) -> _Command:
    for option in (
        click.option("--common-classes", is_flag=True, help="Leave out classes that the model does not know."),
        click.option(
            "--map",
            "renames",
            multiple=True,
            metavar="CLASS=LABEL",
            help="A class of the data set is this label of the model.",
        ),
        click.option("--split", metavar="NAME", help="Part of a VOC or YOLO data set.  [default: val, else test]"),
        click.option("--images-root", type=PATH, help="Folder of the pictures, where they do not lie as usual."),
        click.option(
            "--data", required=True, type=PATH, metavar="DATASET", help="Labelled data set: COCO, VOC or YOLO."
        ),
    ):
        command = option(command)
    return command


def class_renames(texts: Sequence[str]) -> dict[str, str]:
    """`CLASS=LABEL` each. Raises `UsageError`."""
    renames: dict[str, str] = {}
    for text in texts:
        name, equals, label = text.partition("=")
        if not (equals and name.strip() and label.strip()):
            raise UsageError(f"--map {text!r} says nothing: it looks like --map motorbike=motorcycle.")
        renames[name.strip()] = label.strip()
    return renames
