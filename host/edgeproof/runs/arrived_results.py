"""Results of a data set's pictures, written as they arrive, so that a run that was interrupted goes on where it was."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from edgeproof.errors import UsageError
from edgeproof.local_files.atomic_file import why_unwritten
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded
from edgeproof.record.detections import Detections, PictureResult
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_BYTES = 4 << 30
_MOST_DETECTIONS = 1_000_000
_MAX_SIDE = 1_000_000


class ArrivedResults:
    """One side's, a line a picture. Use it as a context."""

    def __init__(self, folder: Path, settled: Sequence[object]) -> None:
        """`settled` is all that the results depend on: where anything of it changes, none that were kept are taken."""
        key = hashlib.sha256(json.dumps(settled).encode()).hexdigest()[:32]
        self._path = folder / f"{key}.jsonl"
        self.known: dict[str, PictureResult] = {}

    def __enter__(self) -> "ArrivedResults":
        """Raises `UsageError` where the folder cannot be written to."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            whole = self._read()
            self._file = self._path.open("r+b" if self._path.exists() else "wb")
            self._file.truncate(whole)  # a line that was cut short
            self._file.seek(whole)
        except OSError as error:
            raise UsageError(f"{self._path}: {why_unwritten(error, 'choose another --out')}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, result: PictureResult) -> None:
        self._file.write(json.dumps(_to_json(result), ensure_ascii=True).encode() + b"\n")
        self._file.flush()
        self.known[result.name] = result

    def _read(self) -> int:
        """Fills `known`; returns how many bytes hold whole lines that mean something."""
        try:
            data = read_bounded(self._path, _MAX_BYTES)
        except (FileNotFoundError, UnreadableError):
            return 0
        whole = 0
        for line in data.splitlines(keepends=True):
            try:
                result = _from_json(json.loads(line)) if line.endswith(b"\n") else None
            except (ValueError, TypeError, OverflowError, RecursionError):  # FieldError among it
                result = None
            if result is None:
                break
            self.known[result.name] = result
            whole += len(line)
        return whole


def _to_json(result: PictureResult) -> dict[str, Any]:
    data: dict[str, Any] = {"name": result.name, "width": result.width, "height": result.height}
    if result.error is not None:
        data["error"] = result.error
    if result.detections is not None:
        found = result.detections
        data |= {"boxes": found.boxes.tolist(), "classes": found.classes.tolist(), "scores": found.scores.tolist()}
    return data


def _from_json(data: object) -> PictureResult:
    """Raises `ValueError`."""
    fields = Fields(data)
    detections = None
    if "boxes" in fields:
        classes = np.array(fields.integers("classes", _MOST_DETECTIONS, low=-(2**31), high=2**31 - 1), np.int32)
        scores = np.array(fields.items("scores", _MOST_DETECTIONS), np.float32)
        boxes = np.array(fields.items("boxes", _MOST_DETECTIONS), np.float32).reshape(-1, 4)
        if not len(boxes) == len(classes) == len(scores):
            raise FieldError("boxes, classes and scores do not go together")
        detections = Detections(boxes, classes, scores)
    return PictureResult(
        fields.text("name"),
        fields.integer("width", high=_MAX_SIDE),
        fields.integer("height", high=_MAX_SIDE),
        detections,
        error=fields.text("error", max_length=100_000) if "error" in fields else None,
    )
