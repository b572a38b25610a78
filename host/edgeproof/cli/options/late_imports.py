"""Modules that a command imports while it waits for something else, because they take as long as that."""

import importlib
from collections.abc import Callable


def importing(*modules: str) -> Callable[[], None]:
    """A function that imports these modules of edgeproof, named as in `cli.display.progress`."""

    def import_them() -> None:
        for module in modules:
            importlib.import_module(f"edgeproof.{module}")

    return import_them
