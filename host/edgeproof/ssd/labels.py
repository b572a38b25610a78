"""Labels of a detector's classes, and how class indices lead to them and to the data set's category ids."""

from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import UsageError

_BACKGROUND = ("???", "background", "__background__", "bg")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Labels:
    """A class index is 0-based and does not count the background."""

    names: tuple[str, ...]
    label_offset: int = 0
    """Class index + this = position in `names`; 1 when `names` begins with the background."""
    category_offset: int = 1
    """Class index + this = the data set's category id. COCO's ids begin with 1."""


def read_labels(path: Path | None, num_classes: int) -> Labels:
    """Reads a text file with one label a line, or makes labels up (`class 1`, ...) when `path` is None.

    Raises UsageError when the file cannot be read or its lines do not fit `num_classes`.
    """
    if path is None:
        return Labels(tuple(f"class {number}" for number in range(1, num_classes + 1)))
    names = _lines(path)
    if len(names) == num_classes:
        return Labels(names)
    if len(names) == num_classes + 1 and names[0].lower() in _BACKGROUND:
        return Labels(names, label_offset=1)
    raise UsageError(
        f"{path}: it has {len(names)} labels, and the model has {num_classes} classes. "
        f"Give one label a line in the order of the classes; a first line {_BACKGROUND[0]!r} or {_BACKGROUND[1]!r} may "
        "stand for the background, and '???' for a class that is not used."
    )


def _lines(path: Path) -> tuple[str, ...]:
    try:
        data = path.read_bytes()
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{path}: {len(data)} bytes are too many for labels. Give a text file, one label a line.")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Give a text file with --labels, one label a line.") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path}: it is not UTF-8 text. Give a text file with --labels, one label a line.") from None
    return tuple(line.strip() for line in text.rstrip().splitlines())
