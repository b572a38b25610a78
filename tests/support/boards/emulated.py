"""Emulated ARM boards: when they can be had, and what tests on them have in common."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from deploy.virtual_board.board import VirtualBoard, artefacts
from deploy.virtual_board.recipe import Suite
from deploy.virtual_board.tools import missing_packages
from edgeproof.board.provision import ProvisionedRuntime

VARIANTS = ("float32", "int8")
APP = "pedestrian"

Command = Callable[..., str]
"""Runs the command line; gives what it prints."""


@dataclass(frozen=True)
class ReadyBoard:
    virtual: VirtualBoard
    runtime: ProvisionedRuntime
    notes: tuple[str, ...]
    """What was said while it was provisioned."""


def require_emulator(suite: Suite) -> None:
    """Skips where the programs that build and run such a board are not installed."""
    built = all(artefact.folder.is_dir() for artefact in artefacts(suite))
    missing = missing_packages(suite.platform, to_build=not built)
    if missing:
        pytest.skip(f"nothing was tested on an emulated ARM board: sudo apt install {' '.join(missing)}")
