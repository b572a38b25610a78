"""One small labelled data set in the files of COCO, VOC and YOLO: three pictures, two classes, one picture empty."""

import json
from pathlib import Path

import cv2
import numpy as np

NAMES = ("bike", "person")
WIDTH, HEIGHT = 100, 80
BOXES = {"a": [(0, 10.0, 20.0, 30.0, 40.0), (1, 50.0, 0.0, 50.0, 80.0)], "b": [], "c": [(1, 5.0, 5.0, 10.0, 20.0)]}
"""Picture to class, x, y, width, height in pixels."""


def write_pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(BOXES):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((HEIGHT, WIDTH, 3), 60 * number, np.uint8))


def write_coco(folder: Path) -> Path:
    write_pictures(folder / "images")
    images = [
        {"id": 10 * place, "file_name": f"{name}.jpg", "width": WIDTH, "height": HEIGHT}
        for place, name in enumerate(BOXES, start=1)
    ]
    annotations = [
        {"id": 7, "image_id": 10 * place, "category_id": 3 + 2 * number, "bbox": box, "area": box[2] * box[3] / 2}
        for place, objects in enumerate(BOXES.values(), start=1)
        for number, *box in objects
    ]
    categories = [{"id": 3 + 2 * number, "name": name} for number, name in enumerate(NAMES)]
    path = folder / "val.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def voc_object(name: str, box: tuple[float, ...], more: str = "") -> str:
    """Edges as VOC counts them: from 1, the last pixel among them."""
    x, y, width, height = box
    edges = {"xmin": x + 1, "ymin": y + 1, "xmax": x + width, "ymax": y + height}
    inside = "".join(f"<{edge}>{value:g}</{edge}>" for edge, value in edges.items())
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    return f"<object><name>{name}</name>{more}<bndbox>{inside}</bndbox>{part}</object>"


def voc_annotation(objects: str) -> str:
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><folder>VOC</folder><filename>elsewhere.jpg</filename>{size}{objects}</annotation>"


def write_voc(folder: Path, split: str | None = "val") -> Path:
    write_pictures(folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    for name, objects in BOXES.items():
        text = "".join(voc_object(NAMES[number], tuple(box)) for number, *box in objects)
        (folder / "Annotations" / f"{name}.xml").write_text(voc_annotation(text))
    if split is not None:
        lists = folder / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        (lists / f"{split}.txt").write_text("a\nb  -1\n\nc  1\n")
    return folder


def write_yolo(folder: Path) -> Path:
    write_pictures(folder / "images" / "val")
    (folder / "labels" / "val").mkdir(parents=True)
    for name, objects in BOXES.items():
        lines = [
            f"{number} {(x + width / 2) / WIDTH} {(y + height / 2) / HEIGHT} {width / WIDTH} {height / HEIGHT}"
            for number, x, y, width, height in objects
        ]
        if lines:
            (folder / "labels" / "val" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    path = folder / "data.yaml"
    path.write_text("path: /content/datasets/mine\nval: images/val\ntest:\nnames: [bike, person]\n")
    return path
