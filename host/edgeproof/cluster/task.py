"""A cell of a check as a task that another machine carries out, and what it gives back: plain data, both ways.

The board travels by its name alone: how it is reached and which key opens it is known to the worker near it.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from edgeproof.bundle import open_bundle
from edgeproof.check.cell import Cell, measure
from edgeproof.check.kept_cells import cell_key
from edgeproof.config.boards import BoardProfile, find_config
from edgeproof.errors import EdgeproofError, UsageError
from edgeproof.fleet.inventory.selection import Selection
from edgeproof.fleet.reasons import Reason, reason_of
from edgeproof.record.run import Run
from edgeproof_agent.bundle.manifest import MANIFEST_FILE

LOST_HOST_SECONDS = 90.0
"""A board is leased by a worker that was lost for as long as its connection seems to live."""


@dataclass(frozen=True)
class CellTask:
    cell: Cell
    """Its board has a name and nothing else."""
    bundle_files: Mapping[str, bytes]

    @classmethod
    def of(cls, cell: Cell) -> "CellTask":
        """Raises `UsageError` for a cell whose pictures or data set lie on this machine alone."""
        if cell.pictures or cell.data_set is not None or cell.picture is not None:
            raise UsageError(
                "pictures and data sets do not travel to a cluster: leave the gates on parity and accuracy out, "
                "or check without --on."
            )
        bundle = open_bundle(cell.bundle)
        files = {name: (bundle.path / name).read_bytes() for name in (MANIFEST_FILE, *bundle.manifest.files)}
        board = BoardProfile(host=cell.board.name, name=cell.board.name, runtime=cell.board.runtime)
        wait = max(cell.wait_seconds, LOST_HOST_SECONDS)
        return cls(replace(cell, board=board, bundle=Path(), arrived=None, wait_seconds=wait), files)

    @property
    def key(self) -> str:
        """Names the task: the same cell again is the same task."""
        return f"cell-{cell_key(self.cell)}"


@dataclass(frozen=True)
class CellResult:
    run: Run | None
    reason: Reason | None = None
    message: str = ""


def carry_out(task: CellTask) -> CellResult:
    """On the worker: writes the bundle down, finds the board in the worker's own inventory and measures."""
    try:
        board = _own_board(task.cell.board.name)
        if board.runtime is None and task.cell.board.runtime is not None:
            board = msgspec.structs.replace(board, runtime=task.cell.board.runtime)
        with tempfile.TemporaryDirectory() as scratch:
            folder = _written(task, Path(scratch))
            return CellResult(measure(replace(task.cell, board=board, bundle=folder)))
    except (EdgeproofError, OSError) as error:
        return CellResult(None, reason_of(error), str(error))


def _own_board(name: str) -> BoardProfile:
    boards = Selection(find_config()).choose(["all"]).boards
    found = next((board for board in boards if board.name == name), None)
    if found is None:
        raise UsageError(f"this worker knows no board {name}: its edgeproof.toml has changed since it was started.")
    return found


def _written(task: CellTask, folder: Path) -> Path:
    for name, content in task.bundle_files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"a bundle has no file {name!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    digest = hashlib.sha256((folder / MANIFEST_FILE).read_bytes()).hexdigest()
    if digest != task.cell.bundle_digest:
        raise UsageError("the bundle that arrived is not the one that was meant")
    return folder
