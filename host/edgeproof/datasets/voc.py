"""Data sets in the folders of PASCAL VOC: Annotations/*.xml, JPEGImages/, ImageSets/Main/SPLIT.txt."""

import xml.parsers.expat
from dataclasses import dataclass, field
from pathlib import Path

from edgeproof.datasets.labelled import LabelledDataSet, LabelledObject, numbered
from edgeproof.errors import DataSetError
from edgeproof.local_files.bounded_files import UnreadableError, read_bounded, readable
from edgeproof.local_files.inner_names import is_inner_name
from edgeproof.local_files.picture_files import PICTURE_SUFFIXES
from edgeproof.wording.counting import counted

ANNOTATIONS, PICTURES, SPLITS = "Annotations", "JPEGImages", "ImageSets/Main"
_USUAL_SPLITS = ("val", "test")
_MAX_BYTES, _MAX_LIST_BYTES = 4 << 20, 64 << 20
_MOST_PICTURES = 1_000_000
_MOST_OBJECTS = 100_000
_MAX_DEPTH, _MAX_TEXT = 20, 1000
_FARTHEST = 1e7
_EDGES = ("xmin", "ymin", "xmax", "ymax")


@dataclass
class _Read:
    """What one annotation file says."""

    size: tuple[int, int] | None = None
    objects: list[tuple[str, tuple[float, ...], bool]] = field(default_factory=list)
    """Name, edges as written, difficult."""


def read_voc(folder: Path, images_root: Path | None = None, split: str | None = None) -> LabelledDataSet:
    """`split` is a file of ImageSets/Main; without one, `val` or `test`, or all annotations where there is neither.

    Difficult objects are kept as such: detections there are neither right nor wrong. Raises `DataSetError`.
    """
    chosen, stems = _stems(folder, split)
    pictures = images_root or folder / PICTURES
    read = {}
    for stem in stems:
        path = folder / ANNOTATIONS / f"{stem}.xml"
        with readable(path, DataSetError):
            read[stem] = _parse(read_bounded(path, _MAX_BYTES))
    names = sorted({name for one in read.values() for name, _, _ in one.objects})
    ids = {name: number for number, name in enumerate(names, start=1)}
    from_one = all(min(edges) >= 1 for one in read.values() for _, edges, _ in one.objects)
    found = []
    for stem, one in read.items():
        objects = tuple(
            LabelledObject(ids[name], _box(edges, from_one), crowd=difficult) for name, edges, difficult in one.objects
        )
        path = _picture(pictures, stem)
        found.append((path, path.relative_to(pictures).as_posix(), objects, one.size))
    counting = "from 1, as VOC counts pixels" if from_one else "from 0, since some begin there"
    notes = (f"{counted(len(read), 'picture')} of {chosen}", f"edges of boxes are read {counting}")
    return LabelledDataSet(
        folder.absolute().name, "VOC", {number: name for name, number in ids.items()}, numbered(found), notes=notes
    )


def _stems(folder: Path, split: str | None) -> tuple[str, list[str]]:
    """What was chosen, and the names of its annotations without their suffix."""
    lists = folder / SPLITS
    usual = [name for name in _USUAL_SPLITS if (lists / f"{name}.txt").is_file()]
    name = split or (usual[0] if usual else None)
    if name is None:
        stems = [path.stem for path in sorted((folder / ANNOTATIONS).glob("*.xml"))]
        chosen = ANNOTATIONS
    else:
        if not is_inner_name(f"{name}.txt") or not (lists / f"{name}.txt").is_file():
            there = ", ".join(sorted(path.stem for path in lists.glob("*.txt"))[:20]) or "none"
            raise DataSetError(f"{lists}: there is no split {name!r}. There are: {there}.")
        chosen = f"{SPLITS}/{name}.txt"
        with readable(lists / f"{name}.txt", DataSetError):
            lines = read_bounded(lists / f"{name}.txt", _MAX_LIST_BYTES).decode("utf-8").splitlines()
        stems = list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))
    if not stems:
        raise DataSetError(f"{folder}: {chosen} names no picture.")
    if len(stems) > _MOST_PICTURES:
        raise DataSetError(f"{folder}: {chosen} names over {_MOST_PICTURES} pictures.")
    for stem in stems:
        if not is_inner_name(f"{stem}.xml"):
            raise DataSetError(f"{folder}: {chosen} names {stem!r}, which leads out of the folder.")
    return chosen, stems


def _picture(folder: Path, stem: str) -> Path:
    """By the annotation's name: the file that it states is often that of another machine."""
    for suffix in (".jpg", *PICTURE_SUFFIXES):
        for spelled in (suffix, suffix.upper()):
            if (folder / f"{stem}{spelled}").is_file():
                return folder / f"{stem}{spelled}"
    raise DataSetError(
        f"{folder}: there is no picture {stem}.jpg (or .png ...), which is annotated. Say where the pictures are with "
        "--images-root."
    )


def _box(edges: tuple[float, ...], from_one: bool) -> tuple[float, float, float, float]:
    """Pixels that are counted from 1 and inclusive cover from xmin - 1 to xmax."""
    left, top, right, bottom = edges
    first = 1.0 if from_one else 0.0
    return left - first, top - first, right - left + first, bottom - top + first


def _parse(data: bytes) -> _Read:
    """Raises `UnreadableError`, `ExpatError`. Nothing that a document type declares is read, so nothing expands."""
    reading = _Reading()
    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = reading.begin
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    parser.Parse(data, True)
    return reading.read


def _refuse_document_type(*_: object) -> None:
    raise UnreadableError("it declares a document type, which annotations of VOC have no use for")


class _Reading:
    """Takes the elements of one file as they come."""

    def __init__(self) -> None:
        self.read = _Read()
        self._way: list[str] = []
        self._texts: dict[str, str] = {}
        """Of the object (or the size) that is under way, by the way within it."""

    def begin(self, name: str, _: dict[str, str]) -> None:
        if not self._way and name != "annotation":
            raise UnreadableError(f"it begins with <{name[:40]}>, not with <annotation>")
        self._way.append(name)
        if len(self._way) > _MAX_DEPTH:
            raise UnreadableError("it is nested too deep")
        if len(self._way) == 2:
            self._texts = {}

    def characters(self, text: str) -> None:
        key = "/".join(self._way[2:])
        whole = self._texts.get(key, "") + text
        if len(whole) > _MAX_TEXT:
            raise UnreadableError(f"a text of it is over {_MAX_TEXT} characters long")
        self._texts[key] = whole

    def end(self, name: str) -> None:
        if len(self._way) == 2:
            if name == "object":
                self._end_object()
            elif name == "size":
                self.read.size = (int(self._number("width")), int(self._number("height")))
        self._way.pop()

    def _end_object(self) -> None:
        if len(self.read.objects) >= _MOST_OBJECTS:
            raise UnreadableError(f"it has over {_MOST_OBJECTS} objects")
        name = self._texts.get("name", "").strip()
        if not name:
            raise UnreadableError("an object has no name")
        edges = tuple(self._number(f"bndbox/{edge}") for edge in _EDGES)
        left, top, right, bottom = edges
        if right < left or bottom < top:
            raise UnreadableError(f"the box of an object is inside out: {', '.join(f'{edge:g}' for edge in edges)}")
        self.read.objects.append((name, edges, self._texts.get("difficult", "0").strip() == "1"))

    def _number(self, key: str) -> float:
        text = self._texts.get(key, "").strip()
        try:
            number = float(text)
        except ValueError:
            raise UnreadableError(f"{key} is {text[:40]!r}, not a number") from None
        if not abs(number) <= _FARTHEST:
            raise UnreadableError(f"{key} is {text[:40]}, which no picture has")
        return number
