"""Files that a report names: they lie beside it."""

from pathlib import Path

from edgeproof.local_files.inner_names import is_inner_name
from edgeproof_agent.wire.fields import FieldError, Fields


def inner_file(fields: Fields, name: str, folder: Path) -> Path:
    """The file that a field names. Raises `FieldError` for one that lies elsewhere."""
    file = fields.text(name)
    if not is_inner_name(file):
        raise FieldError(f"{fields.path(name)} must name a file beside the report, not {file!r}")
    return folder / file
