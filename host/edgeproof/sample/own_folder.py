"""A sample's folder is edgeproof's own when it is new, or when its record says so: nothing else is written over."""

import json
from pathlib import Path
from typing import Any

from edgeproof.errors import SampleError


def begin_record(out: Path, record: str, schema: str) -> None:
    """Marks a folder as being filled. Raises `SampleError` when it holds something and no record of ours."""
    if not _is_record(out / record, schema) and out.is_dir() and any(out.iterdir()):
        raise SampleError(
            f"{out}: the folder is not empty, and it is no sample of edgeproof's. Choose another --out, or empty it."
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / record).write_text(json.dumps({"schema": schema, "files": {}}) + "\n", encoding="utf-8")


def _is_record(path: Path, schema: str) -> bool:
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        return bool(data["schema"] == schema)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
