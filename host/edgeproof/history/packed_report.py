"""A report as packed files, which a database keeps and a report is read back from."""

import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from edgeproof.errors import HistoryError
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.record.writer import write_report

_MAX_FILE_BYTES = 512 << 20


def packed(report: Report) -> dict[str, bytes]:
    """report.json and its samples, without pictures, each packed by zlib: inner path -> content."""
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        write_report(_without_pictures(report), Path(folder) / "report.json")
        return {
            path.relative_to(folder).as_posix(): zlib.compress(path.read_bytes(), 6)
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }


def unpacked(files: Mapping[str, bytes], where: str) -> Report:
    """The report of such files. `where` names it in errors. Raises HistoryError when they are damaged."""
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        for name, content in files.items():
            path = Path(folder) / _inner(name, where)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_unpacked_file(content, where))
        return read_report(Path(folder) / "report.json")


def _inner(name: str, where: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not name:
        raise HistoryError(f"{where} holds a file {name!r}. Somebody has changed it.")
    return name


def _unpacked_file(content: bytes, where: str) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(content, _MAX_FILE_BYTES)
    except zlib.error as error:
        raise HistoryError(f"{where} is damaged ({error}).") from error
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise HistoryError(f"{where} is damaged: a file of it does not end.")
    return data


def _without_pictures(report: Report) -> Report:
    """A history of thousands of runs keeps figures; what was seen stays in the report's own folder."""
    runs = []
    for run in report.runs:
        parity = run.parity
        if parity is not None:
            parity = replace(parity, pictures=tuple(replace(item, sides=None) for item in parity.pictures))
        runs.append(replace(run, pictures=(), detections_file=None, stream=None, parity=parity))
    return replace(report, runs=tuple(runs), outputs=())
