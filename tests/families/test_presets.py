"""A preset's numbers are the library's: its own network's heads under the preset give its own decoder's boxes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.ssd.families import Family
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of
from tests.support.library_records import LibraryRecord, require_detected_alike, require_read_alike

# The first of the tests installs the libraries.
pytestmark = [pytest.mark.network, pytest.mark.tensorflow, pytest.mark.timeout(1800)]
litert = pytest.importorskip("ai_edge_litert.interpreter")

FAMILIES = [
    Family.TORCHVISION_SSD300,
    Family.TORCHVISION_SSDLITE,
    Family.TORCHVISION_RETINANET,
    Family.KERAS_RETINANET,
    Family.KERAS_CV,
    Family.KERAS_HUB,
    Family.MODEL_MAKER,
    Family.EFFICIENTDET,
    Family.EFFICIENTDET_LITE,
    Family.ODAPI,
]
MANY = 300


@pytest.mark.parametrize("family", FAMILIES)
def test_under_the_preset_the_librarys_heads_give_the_librarys_input_boxes_and_scores(
    record: Callable[[str], LibraryRecord], tmp_path: Path, family: Family
) -> None:
    found = record(family.value)
    assert len(found.boxes) >= 50
    require_read_alike(found, family, tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_exported_under_the_preset_detects_the_librarys_boxes(
    record: Callable[[str], LibraryRecord], tmp_path: Path, family: Family
) -> None:
    found = record(family.value)
    # Without suppression every detection is an anchor's.
    rows = min(MANY, len(found.boxes))
    options = ExportOptions(
        source=found.options(family, tmp_path / "anchors.npy"),
        postprocess=PostprocessOptions(max_detections=rows, iou_threshold=1.0),
    )
    source = found.source(tmp_path / "network")
    (bundle,) = export(source, tmp_path / "out", [Variant.FLOAT32], options=replace(options, name="network"))
    interpreter = litert.Interpreter(str(bundle.model_path))
    interpreter.allocate_tensors()
    picture = np.ascontiguousarray(found.picture[:, :, ::-1])
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], prepare(picture, bundle.manifest.input))
    interpreter.invoke()
    outputs, contract = interpreter.get_output_details(), detections_of(bundle.manifest)
    boxes, classes, scores = (
        interpreter.get_tensor(outputs[at]["index"])[0] for at in (contract.boxes, contract.classes, contract.scores)
    )
    assert len(boxes) == rows
    require_detected_alike(found, boxes, classes, scores)
