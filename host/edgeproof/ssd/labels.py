"""Labels of a detector's classes, and how class indices lead to them and to the data set's category ids."""

from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import UsageError
from edgeproof.ssd.label_files import LabelLines, LabelMap, read_label_file

UNUSED = "???"
_BACKGROUND = (UNUSED, "background", "__background__", "bg")


@dataclass(frozen=True)
class Labels:
    """A class index is 0-based and does not count the background."""

    names: tuple[str, ...]
    label_offset: int = 0
    """Class index + this = position in `names`; 1 when `names` begins with the background."""
    category_offset: int = 1
    """Class index + this = the data set's category id. COCO's ids begin with 1."""


def read_labels(path: Path | None, num_classes: int) -> Labels:
    """Reads a label file of any kind, or makes labels up (`class 1`, ...) when `path` is None.

    Raises UsageError when the file cannot be read or does not fit `num_classes`.
    """
    if path is None:
        return Labels(tuple(f"class {number}" for number in range(1, num_classes + 1)))
    return fit_labels(read_label_file(path), num_classes, str(path))


def fit_labels(read: LabelLines | LabelMap, num_classes: int, path: str) -> Labels:
    """Labels for so many classes, of what was read from `path`. Raises UsageError when they do not fit."""
    if isinstance(read, LabelMap):
        return _from_map(read, num_classes, path)
    names = read.names
    if len(names) == num_classes:
        return Labels(names)
    if len(names) == num_classes + 1 and names[0].lower() in _BACKGROUND:
        return Labels(names, label_offset=1)
    raise UsageError(
        f"{path}: it has {len(names)} labels, and the model has {num_classes} classes. "
        f"Give one label a line in the order of the classes; a first line {_BACKGROUND[0]!r} or {_BACKGROUND[1]!r} may "
        f"stand for the background, and {UNUSED!r} for a class that is not used."
    )


def _from_map(read: LabelMap, num_classes: int, path: str) -> Labels:
    """Class indices are ids that begin with 1 (or 0), gaps and all; or a data set's ids without a gap."""
    names = dict(read.names)
    if 0 in names and names[0].lower() in _BACKGROUND:
        del names[0]
    low, high = min(names, default=1), max(names, default=0)
    without_gaps = high - low + 1 == len(names)
    if low >= 1 and high == num_classes:
        first = 1
    elif without_gaps and len(names) == num_classes:
        first = low
    elif len(names) == num_classes:
        raise UsageError(
            f"{path}: its {len(names)} ids reach {high}, with gaps, and the model has {num_classes} classes: class "
            "indices cannot be told from ids. Give a text file with one label a line, in the order of the classes."
        )
    else:
        raise UsageError(
            f"{path}: it names {len(names)} classes with ids {low} to {high}, and the model has {num_classes} classes. "
            "Give the label map that the model was trained with."
        )
    return Labels(tuple(names.get(first + index, UNUSED) for index in range(num_classes)), category_offset=first)
