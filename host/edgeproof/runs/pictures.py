"""The pictures that a run is for: files and folders as the user named them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import PictureFolderError, UsageError
from edgeproof.local_files.coco_dataset import coco_pictures
from edgeproof.local_files.output_folder import LIST_FILE, listed_outputs
from edgeproof.local_files.picture_files import PICTURE_KINDS, pictures_below
from edgeproof.wording.counting import counted

Note = Callable[[str], object]
_MAX_STEM_BYTES = 200
_NAMED = 3
_REMEDIES = {
    ".heic": "convert them to JPEG, on a Mac or with heif-convert",
    ".heif": "convert them to JPEG, on a Mac or with heif-convert",
    ".avif": "convert them to JPEG or PNG",
    ".gif": "save their frames as PNG",
    ".dng": "develop them to JPEG or TIFF",
    ".raw": "develop them to JPEG or TIFF",
    ".cr2": "develop them to JPEG or TIFF",
    ".nef": "develop them to JPEG or TIFF",
    ".arw": "develop them to JPEG or TIFF",
    ".svg": "render them to PNG",
    ".pdf": "render them to PNG",
    ".mp4": "name it by itself: it is streamed",
    ".mov": "name it by itself: it is streamed",
    ".avi": "name it by itself: it is streamed",
    ".mkv": "name it by itself: it is streamed",
    ".webm": "name it by itself: it is streamed",
}
"""What looks like a picture to people, and helps with it. Other files of a folder are nobody's pictures."""


@dataclass(frozen=True)
class PictureFile:
    path: Path
    name: str
    """What it is called in outputs: the file name, or the whole path where two files share a name."""
    annotated_name: str
    """A file name for the picture with its detections drawn, unique among a run's pictures."""
    image_id: int
    """In detections.json: the data set's own, or the picture's number in the run, from 1."""


def find_pictures(
    paths: Sequence[Path],
    note: Note = lambda _: None,
    images_root: Path | None = None,
    recursive: bool = True,
) -> list[PictureFile]:
    """Files as they are, folders with all pictures below them, a COCO JSON file with those it lists; each file once.

    Unless `recursive`, folders give those that lie in them alone.

    The pictures of a COCO file lie in `images_root`, or where they usually do: see `coco_pictures`.

    What an earlier run has drawn is no input: it is left out of folders, and `note` is told; so are files that only
    people take for pictures. Raises `PictureFolderError` for a folder without pictures, `UsageError` for a path that is
    not there and for a picture that an earlier run has listed as its output.
    """
    data_sets = [path for path in paths if path.suffix.lower() == ".json"]
    if data_sets:
        if len(paths) > 1:
            raise UsageError(f"{data_sets[0]}: a data set's image ids are its own, so give nothing beside it.")
        ids = coco_pictures(data_sets[0], images_root)
        return _named(list(ids), list(ids.values()))
    files: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            for file in _pictures_of(path, note, recursive):
                files.setdefault(file.resolve(), file)
        elif path.is_file():
            if path.resolve() in _outputs_near(path):
                raise UsageError(
                    f"{path}: an earlier run wrote this picture, and the next one into that folder replaces it. "
                    "Copy it elsewhere, and give the copy."
                )
            files.setdefault(path.resolve(), path)
        elif path.exists():
            raise UsageError(f"{path}: it is neither a file nor a folder.")
        else:
            raise UsageError(f"{path}: there is no such file or folder.")
    return _named(list(files.values()), range(1, len(files) + 1))


def _named(files: Sequence[Path], ids: Sequence[int]) -> list[PictureFile]:
    shared = Counter(file.name for file in files)
    names = [_text(file.name if shared[file.name] == 1 else file.as_posix()) for file in files]
    return list(map(PictureFile, files, names, _annotated_names(names), ids))


def _pictures_of(folder: Path, note: Note, recursive: bool) -> list[Path]:
    outputs = {file for listed in folder.rglob(LIST_FILE) for file in _listed_in(listed.parent)}
    outputs |= _outputs_near(folder)
    found = pictures_below(folder, recursive)
    kept = [file for file in found if file.resolve() not in outputs]
    if len(kept) < len(found):
        note(f"{folder}: {counted(len(found) - len(kept), 'picture')} of an earlier run's output left out")
    for text in _left_out(folder):
        note(text)
    if not kept:
        raise PictureFolderError(f"{folder}: the folder holds no picture ({PICTURE_KINDS}).")
    return kept


def _left_out(folder: Path) -> Iterator[str]:
    """A line for each kind of file that is not read here although people call it a picture."""
    kinds: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _REMEDIES and path.is_file():
            kinds.setdefault(path.suffix.lower(), []).append(path.relative_to(folder).as_posix())
    for suffix, names in kinds.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{folder}: left out {', '.join(names[:_NAMED])}{more}: {suffix} is not read, {_REMEDIES[suffix]}"


def _outputs_near(path: Path) -> set[Path]:
    """What the folders above a path list as their output."""
    return {file for folder in path.resolve().parents for file in _listed_in(folder)}


def _listed_in(folder: Path) -> Iterator[Path]:
    return ((folder / name).resolve() for name in listed_outputs(folder) or ())


def _annotated_names(names: Sequence[str]) -> Iterator[str]:
    """Names of files, none like another, also where upper and lower case are one."""
    taken: set[str] = set()
    for name in names:
        stem = _short(name.strip("/").replace("/", "_"))
        number = 1
        while (unique := stem if number == 1 else f"{stem}-{number}").casefold() in taken:
            number += 1
        taken.add(unique.casefold())
        yield f"{unique}.jpg"


def _short(stem: str) -> str:
    return stem.encode()[-_MAX_STEM_BYTES:].decode(errors="ignore")


def _text(name: str) -> str:
    """A file's name as one line of text: bytes that are no UTF-8, line breaks and the like are shown as escapes."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
