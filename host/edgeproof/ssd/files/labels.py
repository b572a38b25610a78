"""Labels of a detector's classes, and how class indices lead to them and to the data set's category ids."""

from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import UsageError
from edgeproof.ssd.files.label_files import LabelFile, LabelMap, NumberedLabels, read_label_file
from edgeproof.wording.counting import counted

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
    category_ids: tuple[int, ...] | None = None
    """The category id of each class, where an offset cannot tell."""
    made_up: bool = False
    """No labels were given."""

    @property
    def words(self) -> str:
        """How classes lead to category ids, where that was found out, or that there are no labels; else nothing."""
        if self.made_up:
            return f"no labels, so detections are called {self.names[0]} and so on (--labels names them)"
        if self.category_ids is None:
            return ""
        return f"classes in the order of their ids {self.category_ids[0]} to {self.category_ids[-1]}, which have gaps"


def read_labels(path: Path | None, num_classes: int) -> Labels:
    """Reads a label file of any kind, or makes labels up (`class 1`, ...) when `path` is None.

    Raises UsageError when the file cannot be read or does not fit `num_classes`.
    """
    if path is None:
        return Labels(tuple(f"class {number}" for number in range(1, num_classes + 1)), made_up=True)
    return fit_labels(read_label_file(path), num_classes, str(path))


def fit_labels(read: LabelFile, num_classes: int, path: str) -> Labels:
    """Labels for so many classes, of what was read from `path`. Raises UsageError when they do not fit."""
    if isinstance(read, LabelMap):
        return _from_map(read, num_classes, path)
    names = _in_places(read, num_classes, path) if isinstance(read, NumberedLabels) else read.names
    if len(names) == num_classes:
        return Labels(names)
    if len(names) == num_classes + 1 and names[0].lower() in _BACKGROUND:
        return Labels(names, label_offset=1)
    raise UsageError(
        f"{path}: it has {counted(len(names), 'label')}, and the model has {counted(num_classes, 'class', 'classes')}. "
        f"Give one label a line in the order of the classes; a first line {_BACKGROUND[0]!r} or {_BACKGROUND[1]!r} may "
        f"stand for the background, and {UNUSED!r} for a class that is not used."
    )


def _in_places(read: NumberedLabels, num_classes: int, path: str) -> tuple[str, ...]:
    """Each label at its class index; where none is numbered, the class is not used."""
    low, high = min(read.names), max(read.names)
    if low == 0 and high < num_classes:
        return tuple(read.names.get(index, UNUSED) for index in range(num_classes))
    background_first = low == 0 and high == num_classes and read.names[0].lower() in _BACKGROUND
    if background_first or (low == 1 and high == num_classes):
        labels = tuple(read.names.get(number, UNUSED) for number in range(1, num_classes + 1))
        return (UNUSED, *labels) if background_first else labels
    raise UsageError(
        f"{path}: its labels have the numbers {low} to {high}, and the model has "
        f"{counted(num_classes, 'class', 'classes')}. Number them from 0, as the model's classes are, or give one "
        "label a line in the order of the classes."
    )


def _from_map(read: LabelMap, num_classes: int, path: str) -> Labels:
    """Class indices are ids that begin with 1 (or 0), gaps and all; or a data set's ids in their order, whose gaps the
    classes have not.
    """
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
        ids = tuple(sorted(names))
        return Labels(tuple(names[number] for number in ids), category_ids=ids)
    else:
        raise UsageError(
            f"{path}: it names {counted(len(names), 'class', 'classes')} with ids {low} to {high}, and the model has "
            f"{counted(num_classes, 'class', 'classes')}. "
            "Give the label map that the model was trained with."
        )
    return Labels(tuple(names.get(first + index, UNUSED) for index in range(num_classes)), category_offset=first)
