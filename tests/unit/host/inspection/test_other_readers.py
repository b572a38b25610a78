"""Exported files are read rightly by the rules of other programs, and `--for` says what would stop a file there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgeproof.bundle import open_bundle
from edgeproof.cli.inspect import command
from edgeproof.inspection.inspection import Inspection, inspect
from edgeproof.inspection.other_readers import READERS
from edgeproof.tflite.output_arrangement import ORDER, SIGNATURE_KEYS, TENSOR_NAMES, arrange_outputs
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture
from tests.support.other_readers import RULES

litert = pytest.importorskip("ai_edge_litert.interpreter")


def problems(reader: str, inspection: Inspection) -> str:
    return "; ".join(READERS[reader].problems(inspection))


def run(bundle: Path, picture: Path) -> Any:
    opened = open_bundle(bundle)
    interpreter = litert.Interpreter(str(opened.model_path))
    interpreter.allocate_tensors()
    tensor = prepare(decode_picture(picture.read_bytes()), opened.manifest.input)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
    interpreter.invoke()
    return interpreter


@pytest.mark.parametrize("variant", ["float32", "int8"])
@pytest.mark.parametrize("rule", RULES)
def test_each_reads_what_the_agent_reads(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, variant: str, rule: str
) -> None:
    picture = sorted(tiny_pictures.iterdir())[0]
    found = load_detector(tiny_bundles[variant], import_runtime("ai-edge-litert"), threads=1).detect_encoded(
        picture.read_bytes()
    )
    boxes, classes, scores = RULES[rule](run(tiny_bundles[variant], picture))
    assert len(found.scores) > 1
    # The scripts know no count; the rows behind it are no detections.
    np.testing.assert_array_equal(boxes[: len(found.scores)], found.boxes)
    np.testing.assert_array_equal(classes[: len(found.scores)], found.classes)
    np.testing.assert_array_equal(scores[: len(found.scores)], found.scores)


def test_outputs_have_the_order_and_the_names_that_are_read(tiny_bundles: dict[str, Path]) -> None:
    for path in tiny_bundles.values():
        file = inspect(path).file
        assert [tensor.name for tensor in file.outputs] == [TENSOR_NAMES[meaning] for meaning in ORDER]
        (signature,) = file.signatures
        assert {signature.outputs[key]: meaning for meaning, key in SIGNATURE_KEYS.items()} == dict(enumerate(ORDER))


def test_arranging_twice_changes_nothing_but_unused_names_and_others_are_left_alone(
    tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path]
) -> None:
    raw = open_bundle(tiny_raw_bundles["float32"]).model_path.read_bytes()
    assert arrange_outputs(raw) == raw
    data = open_bundle(tiny_bundles["float32"]).model_path.read_bytes()
    interpreters = [litert.Interpreter(model_content=content) for content in (data, arrange_outputs(data))]
    first, second = ([one["name"] for one in item.get_output_details()] for item in interpreters)
    assert first == second


def test_int8_stops_nowhere_but_in_opencv(tiny_bundles: dict[str, Path]) -> None:
    inspection = inspect(tiny_bundles["int8"])
    stopped = {name for name in READERS if problems(name, inspection)}
    assert stopped == {"opencv"}


def test_float32_is_told_what_integers_need(tiny_bundles: dict[str, Path]) -> None:
    inspection = inspect(tiny_bundles["float32"])
    assert "8-bit integers alone, and its layers have float32" in problems("edgetpu", inspection)
    assert "it is given bytes, and its input is float32: export it with --variant int8" in problems(
        "frigate", inspection
    )
    assert not problems("task-library", inspection)


def test_raw_heads_another_order_and_other_keys_are_told(
    tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path]
) -> None:
    raw = inspect(tiny_raw_bundles["int8"])
    assert "--post graph" in problems("script", raw)
    assert "it has 2 outputs, expected four" in problems("task-library", raw)
    inspection = inspect(tiny_bundles["int8"])
    assert inspection.outputs is not None
    turned = {name: 3 - place for name, place in inspection.outputs.positions.items()}
    (signature,) = inspection.file.signatures
    changed = replace(
        inspection,
        outputs=replace(inspection.outputs, positions=turned),
        file=replace(inspection.file, signatures=(replace(signature, outputs=turned),)),
    )
    assert "its outputs come as num_detections, detection_scores" in problems("android", changed)
    assert "PyCoral 2 reads the signature's output_0 (num_detections)" in problems("pycoral", changed)
    twice = replace(changed, file=replace(changed.file, signatures=(signature, signature)))
    assert "PyCoral 2 refuses a file with 2 signatures" in problems("pycoral", twice)


def test_the_command_says_it_and_ends_with_2(tiny_bundles: dict[str, Path]) -> None:
    done = CliRunner().invoke(command, [str(tiny_bundles["float32"]), "--for", "frigate"], obj={})
    assert done.exit_code == 2
    assert "for frigate: it is given bytes" in done.output
    done = CliRunner().invoke(command, [str(tiny_bundles["int8"]), "--for", "pycoral", "--json"], obj={})
    assert done.exit_code == 0
    assert json.loads(done.output)["for"] == {"reader": "pycoral", "problems": []}
