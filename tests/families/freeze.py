"""`python -m tests.families.freeze RECORDS OUT.json`: a few anchors of each record, which unit tests hold presets to.

RECORDS is a folder of what record_library.py wrote, named by the families.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.library_records import LibraryRecord

_ANCHORS = 6
_PATCH = 2
VERSIONS = {
    "torchvision": "torchvision 0.28.0",
    "keras-cv": "keras-cv 0.9.0",
    "keras-hub": "keras-hub 0.32.0",
    "keras-retinanet": "keras-retinanet 1.0.0",
    "efficientdet": "automl's efficientdet in tflite-model-maker 0.4.3",
    "model-maker": "tf-models-official 2.15.0, of which mediapipe-model-maker 0.2.1.4 is made",
    "odapi": "tf-models-research-object-detection 2.8.0.post1",
}


def main(records: Path, out: Path) -> None:
    frozen = {file.stem: _frozen(file) for file in sorted(records.glob("*.npz"))}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(kept)}" for name, kept in frozen.items())
    out.write_text(f"{{\n{lines}\n}}\n")


def _frozen(file: Path) -> dict[str, Any]:
    record = LibraryRecord.read(file)
    (version,) = (words for name, words in VERSIONS.items() if file.stem.startswith(name))
    # Of those that lie in the picture, in even steps.
    height, width = record.picture.shape[:2]
    inside = np.flatnonzero((record.anchors[:, 2:] < min(height, width)).all(axis=1))
    chosen = inside[np.linspace(0, len(inside) - 1, _ANCHORS).astype(int)]
    rows = {name: getattr(record, name)[chosen] for name in ("boxes", "logits", "anchors", "decoded", "scores")}
    patch = {name: getattr(record, name)[:_PATCH, :_PATCH] for name in ("picture", "input")}
    shown = {name: [[_short(item) for item in row] for row in values] for name, values in rows.items()}
    return {
        "library": version,
        "size": [height, width],
        "picture": patch["picture"].tolist(),
        "input": [[[_short(item) for item in pixel] for pixel in row] for row in patch["input"]],
        **shown,
    }


def _short(value: float) -> float:
    return float(f"{value:.7g}")


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:]))
