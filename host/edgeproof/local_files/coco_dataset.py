"""The pictures that a COCO JSON file lists, with the data set's own ids: to calibrate with, or to detect on."""

import json
from pathlib import Path
from typing import Any

from edgeproof.errors import PictureFolderError
from edgeproof.local_files.bounded_files import read_bounded, readable
from edgeproof.local_files.inner_names import is_inner_name
from edgeproof.wording.counting import counted

_MAX_BYTES = 1 << 30
_GIVE = "Give a folder of pictures, or a COCO JSON file."


def coco_pictures(annotations: Path, root: Path | None = None) -> dict[Path, int]:
    """The files of the data set in the order of their names, each once, with their image ids.

    They lie in `root`; without one, where any of them is found: beside the JSON file, in `images/` there, or in a
    neighbour of its folder that is called like the end of its name, as COCO itself has it (`annotations/
    instances_val2017.json` and `val2017/`). Raises PictureFolderError when nothing is listed, or files are missing.
    """
    ids = _image_ids(annotations)
    names = sorted(ids)
    if not names:
        raise PictureFolderError(f'{annotations}: its "images" are empty.')
    places = [root] if root is not None else _usual_places(annotations)
    holding = (place for place in places if any((place / name).is_file() for name in names))
    folder = next(holding, places[0])
    files = [folder / name for name in names]
    missing = [file for file in files if not file.is_file()]
    if missing:
        looked = "" if len(missing) < len(files) or root is not None else f" (nor in {_listed(places[1:])})"
        raise PictureFolderError(
            f"{annotations}: of its {counted(len(files), 'picture')} {counted(len(missing), 'is', 'are')} not in "
            f"{folder}{looked}; the first is {missing[0].relative_to(folder)}. "
            "Say where the pictures are with --images-root."
        )
    return {file: ids[name] for file, name in zip(files, names, strict=True)}


def _image_ids(path: Path) -> dict[str, int]:
    """File name to image id. A name leads to a file below the pictures' folder, whoever wrote it."""
    with readable(path, PictureFolderError, _GIVE):
        data: Any = json.loads(read_bounded(path, _MAX_BYTES))
    images = data.get("images") if isinstance(data, dict) else None
    if not isinstance(images, list):
        raise PictureFolderError(f'{path}: it has no list of "images". {_GIVE}')
    ids: dict[str, int] = {}
    for image in images:
        name, number = (image.get("file_name"), image.get("id")) if isinstance(image, dict) else (None, None)
        if not isinstance(name, str) or type(number) is not int:
            raise PictureFolderError(
                f'{path}: an image of it has no "file_name" that is a text, or no "id" that is a whole number. {_GIVE}'
            )
        if not is_inner_name(name):
            raise PictureFolderError(f"{path}: the file_name {name!r} leads out of the pictures' folder, or is none.")
        if ids.setdefault(name, number) != number:
            raise PictureFolderError(f"{path}: {name} has two ids, {ids[name]} and {number}.")
    if len(set(ids.values())) < len(ids):
        raise PictureFolderError(f"{path}: two of its pictures have the same id.")
    return ids


def _usual_places(annotations: Path) -> list[Path]:
    here = annotations.absolute().parent
    split = annotations.stem.rsplit("_", 1)[-1]
    return [here, here / "images", here.parent / split, here.parent / "images", here.parent / "images" / split]


def _listed(places: list[Path]) -> str:
    return ", ".join(str(place) for place in places)
