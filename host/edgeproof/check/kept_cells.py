"""Keeps what was measured of a matrix, cell by cell, so that one that was interrupted goes on where it was."""

import contextlib
import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from edgeproof import __version__
from edgeproof.check.cell import Cell
from edgeproof.errors import ReportError
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report, Run
from edgeproof.record.writer import sample_names, write_report

_REPORT = "report.json"
_ARRIVED = "arrived"


class KeptCells:
    """Records in a folder of their own, one a cell, each a report of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, cell: Cell) -> Run | None:
        """What was measured of exactly this cell; None when nothing was, or it cannot be read."""
        try:
            runs = read_report(self._folder / cell_key(cell) / _REPORT).runs
        except ReportError:
            return None
        return runs[0] if len(runs) == 1 else None

    def keep(self, cell: Cell, run: Run) -> None:
        place = self._folder / cell_key(cell)
        report = Report.now((run,))
        for name in (_REPORT, *sample_names(report)):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
        write_report(report, place / _REPORT)

    @property
    def arrived(self) -> Path:
        """The folder for what has arrived of a cell that is not through yet."""
        return self._folder / _ARRIVED

    def drop(self, cells: list[Cell]) -> None:
        """Drops the records of these cells, and the folder when nothing else is in it."""
        for cell in cells:
            place = self._folder / cell_key(cell)
            if (place / _REPORT).is_file():
                shutil.rmtree(place)
        shutil.rmtree(self.arrived, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def cell_key(cell: Cell) -> str:
    """Names a cell: where anything of it changes, its gates among it, nothing that was kept is taken."""
    settled = {
        "edgeproof": __version__,
        "bundle": cell.bundle_digest,
        "board": [cell.board.name, cell.board.target],
        "runtime": cell.runtime or cell.board.runtime,
        "threads": cell.threads,
        "cores": cell.cores,
        "delegate": cell.delegate,
        "pictures": [[file.name, file.image_id, _state(file.path)] for file in cell.pictures],
        "data_set": None if cell.data_set is None else cell.data_set.digest,
        "classes": [sorted(cell.renames.items()), cell.common_classes],
        "picture": None if cell.picture is None else [str(cell.picture), _state(cell.picture)],
        "min_score": cell.min_score,
        "runs": cell.runs,
        "seconds": cell.seconds,
        "gates": [asdict(gate) for gate in cell.gates],
    }
    text = json.dumps(settled, sort_keys=True, default=lambda item: item.value)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _state(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
