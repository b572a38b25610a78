"""Data sets as YOLO has them: data.yaml, folders images/ and labels/ (https://docs.ultralytics.com/datasets/detect/)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeproof.datasets.labelled import LabelledDataSet, LabelledObject, numbered
from edgeproof.errors import DataSetError, UsageError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.local_files.inner_names import is_inner_name
from edgeproof.local_files.picture_files import PICTURE_SUFFIXES, pictures_below
from edgeproof.wording.counting import counted

_MAX_YAML_BYTES, _MAX_LIST_BYTES, _MAX_LABEL_BYTES = 1 << 20, 64 << 20, 4 << 20
_MOST_OBJECTS, _MOST_CLASSES, _MOST_PLACES = 100_000, 100_000, 1000
_USUAL_SPLITS = ("val", "test")
_NAMES = ("data.yaml", "dataset.yaml")


def description_in(folder: Path) -> Path | None:
    """The file that describes the data set of a folder."""
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def read_yolo(path: Path, images_root: Path | None = None, split: str | None = None) -> LabelledDataSet:
    """`split` is a key of the file; without one `val`, or `test` where there is no `val`.

    Pictures lie below the file's folder, or below `images_root`: the absolute paths in it are those of another machine.
    A picture without a file of labels has no objects. Raises `DataSetError`; `UsageError` without PyYAML.
    """
    with readable(path, DataSetError):
        data = _yaml(path, read_bounded(path, _MAX_YAML_BYTES))
        categories = _categories(data)
    chosen = split or next((name for name in _USUAL_SPLITS if data.get(name)), _USUAL_SPLITS[0])
    root = images_root or _root(path, data)
    files = _files(path, root, chosen, data)
    pictures = []
    for name in files:
        labels = root / _labels_of(name)
        pictures.append((root / name, name, tuple(_objects(labels, categories)), None))
    labelled = sum(bool(objects) for _, _, objects, _ in pictures)
    notes = (f"{counted(len(pictures), 'picture')} of {chosen}, {labelled} with labels",)
    return LabelledDataSet(path.absolute().parent.name, "YOLO", categories, numbered(pictures), True, notes)


def _yaml(path: Path, data: bytes) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise UsageError(
            f'{path}: reading a YOLO data set needs PyYAML. Install it with: pip install "edgeproof[accuracy]"'
        ) from None
    loaded = yaml.load(data, Loader=yaml.SafeLoader)
    if not isinstance(loaded, dict):
        raise UnreadableError("it does not describe a data set: there are no names and no val in it")
    return loaded


def _categories(data: dict[str, Any]) -> dict[int, str]:
    """A list, or a map from the class's number."""
    names = data.get("names")
    pairs = (
        list(enumerate(names)) if isinstance(names, list) else list(names.items()) if isinstance(names, dict) else []
    )
    if not 0 < len(pairs) <= _MOST_CLASSES:
        raise UnreadableError("its names are neither a list of classes nor a map from their numbers")
    found: dict[int, str] = {}
    for number, name in pairs:
        if type(number) is not int or number < 0 or not isinstance(name, (str, int)) or isinstance(name, bool):
            raise UnreadableError(f"its names hold {_shown(number)}: {_shown(name)}, which names no class")
        found[number] = str(name)[:1000]
    return dict(sorted(found.items()))


def _shown(value: object) -> str:
    """A value of a stranger's YAML. One that holds others is not written out: aliases make few bytes endless text."""
    return repr(value)[:200] if isinstance(value, (str, int, float)) else type(value).__name__


def _root(path: Path, data: dict[str, Any]) -> Path:
    """`path` of the file, where it is a folder below the file's own; one of another machine says nothing here."""
    folder = path.absolute().parent
    stated = data.get("path")
    is_below = isinstance(stated, str) and is_inner_name(stated) and (folder / stated).is_dir()
    return folder / str(stated) if is_below else folder


def _files(path: Path, root: Path, split: str, data: dict[str, Any]) -> list[str]:
    """Names of the split's pictures below the root, in their order."""
    stated = data.get(split)
    places = stated if isinstance(stated, list) else [stated]
    if not stated or len(places) > _MOST_PLACES:
        there = ", ".join(name for name in ("train", "val", "test") if data.get(name)) or "none"
        raise DataSetError(f"{path}: it has no {split!r}. Splits that it names: {there}.")
    files: dict[str, None] = {}
    for place in places:
        # Exports of some programs begin with ../ although the folder lies beside the file.
        name = place.removeprefix("../").removeprefix("./") if isinstance(place, str) else ""
        if not is_inner_name(name):
            raise DataSetError(
                f"{path}: its {split} is {_shown(place)}, which does not lie below {root}. Say where that is with "
                "--images-root, and name the folder from there."
            )
        files |= dict.fromkeys(_pictures(path, root, root / name))
    if not files:
        raise DataSetError(f"{path}: its {split} holds no picture.")
    return list(files)


def _pictures(path: Path, root: Path, place: Path) -> Iterator[str]:
    if place.is_dir():
        yield from (file.relative_to(root).as_posix() for file in pictures_below(place))
        return
    if place.suffix != ".txt" or not place.is_file():
        raise DataSetError(f"{path}: there is no {place}. Say where the pictures are with --images-root.")
    with readable(place, DataSetError):
        lines = read_bounded(place, _MAX_LIST_BYTES).decode("utf-8").splitlines()
    for line in map(str.strip, lines):
        name = line.removeprefix("./")
        if not name:
            continue
        if not is_inner_name(name) or not name.lower().endswith(PICTURE_SUFFIXES):
            raise DataSetError(f"{place}: {name[:200]!r} is no picture below {root}.")
        if not (root / name).is_file():
            raise DataSetError(f"{place}: there is no {root / name}. Say where the pictures are with --images-root.")
        yield name


def _labels_of(name: str) -> str:
    """images/val/a.jpg has its labels in labels/val/a.txt: the last folder `images` becomes `labels`."""
    parts = list(Path(name).with_suffix(".txt").parts)
    places = [place for place, part in enumerate(parts[:-1]) if part == "images"]
    if places:
        parts[places[-1]] = "labels"
    return "/".join(parts)


def _objects(path: Path, categories: dict[int, str]) -> Iterator[LabelledObject]:
    if not path.exists():
        return
    with readable(path, DataSetError):
        lines = read_bounded(path, _MAX_LABEL_BYTES).decode("utf-8").splitlines()
        if len(lines) > _MOST_OBJECTS:
            raise UnreadableError(f"it has over {_MOST_OBJECTS} lines")
        yield from [_object(number, line, categories) for number, line in enumerate(lines, start=1) if line.strip()]


def _object(number: int, line: str, categories: dict[int, str]) -> LabelledObject:
    """`class x y width height`, x and y of the middle; or `class` and the corners of an outline, in whose box it is."""
    try:
        values = [float(word) for word in line.split()]
    except ValueError:
        raise UnreadableError(f"line {number} is {line[:60]!r}, not numbers") from None
    category, numbers = int(values[0]), values[1:]
    if category != values[0] or category not in categories:
        raise UnreadableError(f"line {number} is of the class {values[0]:g}, which data.yaml does not name")
    if not all(-1.0 <= value <= 2.0 for value in numbers):
        raise UnreadableError(f"line {number} holds what is no share of a picture; pixels are not meant here")
    if len(numbers) == 4:
        x, y, width, height = numbers
        if min(width, height) < 0:
            raise UnreadableError(f"line {number} is no box: {width:g} x {height:g}")
        return LabelledObject(category, (x - width / 2, y - height / 2, width, height))
    if len(numbers) < 6 or len(numbers) % 2:
        raise UnreadableError(f"line {number} has {len(numbers)} numbers; a box has 4, an outline 6 or more")
    xs, ys = numbers[::2], numbers[1::2]
    return LabelledObject(category, (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)))
