"""Opens a labelled data set of any kind that is read here."""

from pathlib import Path

from edgeproof.datasets.coco import read_coco
from edgeproof.datasets.labelled import LabelledDataSet
from edgeproof.datasets.voc import ANNOTATIONS, read_voc
from edgeproof.datasets.yolo import description_in, read_yolo
from edgeproof.errors import DataSetError

_COCO_NAMES = ("annotations.json", "_annotations.coco.json", "instances.json")
_KINDS = "COCO's JSON file, a folder of PASCAL VOC (with Annotations/), or YOLO's data.yaml"


def open_data_set(path: Path, images_root: Path | None = None, split: str | None = None) -> LabelledDataSet:
    """COCO by its JSON file, VOC by its folder, YOLO by its data.yaml; or the folder that holds one of them.

    `images_root` is where the pictures lie when they do not lie where they usually do. `split` names the part of a VOC
    or YOLO data set. Raises `DataSetError`, `PictureFolderError`.
    """
    if not path.exists():
        raise DataSetError(f"{path}: there is no such file or folder. Give {_KINDS}.")
    if path.is_dir():
        return _open_folder(path, images_root, split)
    if path.suffix.lower() in (".yaml", ".yml"):
        return read_yolo(path, images_root, split)
    if path.suffix.lower() == ".json":
        return _coco(path, images_root, split)
    raise DataSetError(f"{path}: it is no data set that is read here. Give {_KINDS}.")


def _open_folder(folder: Path, images_root: Path | None, split: str | None) -> LabelledDataSet:
    if (folder / ANNOTATIONS).is_dir():
        return read_voc(folder, images_root, split)
    description = description_in(folder)
    if description is not None:
        return read_yolo(description, images_root, split)
    found = [folder / name for name in _COCO_NAMES if (folder / name).is_file()]
    if len(found) == 1:
        return _coco(found[0], images_root, split)
    raise DataSetError(f"{folder}: there is no data set in it. Give {_KINDS}.")


def _coco(path: Path, images_root: Path | None, split: str | None) -> LabelledDataSet:
    if split is not None:
        raise DataSetError(f"{path}: a COCO file is one split by itself. Give the file of {split!r}.")
    return read_coco(path, images_root)
