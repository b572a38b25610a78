"""`bundle.json` says all of a bundle, and whatever is wrong in it is refused by the field's name."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from edgeproof_agent.bundle.manifest import (
    ColourOrder,
    Coordinates,
    InputContract,
    InputType,
    Manifest,
    ManifestError,
    Quantization,
)
from edgeproof_agent.bundle.manifest_reader import parse_manifest
from tests.support.example_manifest import MANIFEST


def changed(path: str, value: object) -> dict[str, Any]:
    """The manifest's JSON with another value at a dotted path; `...` removes what is there."""
    data = copy.deepcopy(MANIFEST.to_json())
    *folders, last = path.split("/")
    place = data
    for folder in folders:
        place = place[folder]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize("dtype", InputType)
@pytest.mark.parametrize("coordinates", Coordinates)
def test_a_manifest_survives_json(dtype: InputType, coordinates: Coordinates) -> None:
    quantization = None if dtype is InputType.FLOAT32 else Quantization(1 / 3, -128 if dtype is InputType.INT8 else 255)
    contract = InputContract(
        1, 8192, ColourOrder.BGR, coordinates, (0.0, 0.5, 1.0), (1.0, 2.0, -3.0), dtype, quantization
    )
    manifest = Manifest("n", "v", MANIFEST.files, contract, MANIFEST.output, 0, 0, {})
    assert parse_manifest(json.loads(json.dumps(manifest.to_json()))) == manifest


def test_the_json_is_what_other_tools_may_rely_on() -> None:
    data = MANIFEST.to_json()
    assert data["schema"] == "edgeproof.bundle/1"
    assert data["input"]["quantization"] == {"scale": 0.0078125, "zero_point": 128}
    assert data["input"]["colour_order"] == "rgb"
    assert data["files"]["model.tflite"] == {"sha256": "a" * 64, "size_bytes": 1234}
    assert data["output"]["decoder"] == "in_graph"


def test_the_float_contract_prepares_alike_without_quantization() -> None:
    contract = MANIFEST.input.as_float()
    assert (contract.dtype, contract.quantization) == (InputType.FLOAT32, None)
    assert (contract.height, contract.width, contract.mean) == (300, 320, (127.5, 127.5, 127.5))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("schema", "edgeproof.bundle/2", "schema is 'edgeproof.bundle/2'; this version of edgeproof reads"),
        ("schema", ..., "schema is missing"),
        ("name", 7, "name must be a string"),
        ("name", "x" * 129, "name is 129 characters long"),
        ("variant", ..., "variant is missing"),
        ("files", [], "files must be a JSON object"),
        ("files/model.tflite", ..., "files.model.tflite is missing"),
        ("files/labels.txt", ..., "files.labels.txt is missing"),
        ("files/model.tflite", "a" * 64, "files.model.tflite must be a JSON object"),
        ("files/model.tflite/sha256", "A" * 64, "files.model.tflite.sha256 must be 64 hexadecimal digits"),
        ("files/model.tflite/sha256", "a" * 63, "files.model.tflite.sha256 must be 64 hexadecimal digits"),
        ("files/model.tflite/size_bytes", -1, "files.model.tflite.size_bytes must be between"),
        ("files/model.tflite/size_bytes", 1.5, "files.model.tflite.size_bytes must be an integer"),
        ("input", ..., "input is missing"),
        ("input/height", 0, "input.height must be between 1 and 8192, got 0"),
        ("input/width", 8193, "input.width must be between 1 and 8192, got 8193"),
        ("input/width", True, "input.width must be an integer, got a boolean"),
        ("input/colour_order", "yuv", "input.colour_order must be one of rgb, bgr, got 'yuv'"),
        ("input/coordinates", "nearest", "input.coordinates must be one of asymmetric, half_pixel, align_corners"),
        ("input/resize", "letterbox", "input.resize must be one of stretch"),
        ("input/interpolation", "bicubic", "input.interpolation must be one of bilinear"),
        ("input/dtype", "int16", "input.dtype must be one of float32, uint8, int8"),
        ("input/mean", [1.0, 2.0], "input.mean must have 3 to 3 items, got 2"),
        ("input/mean", [1.0, 2.0, float("nan")], "input.mean must be a finite number"),
        ("input/mean", [1.0, 2.0, 10**400], "input.mean must be a finite number"),
        ("input/std", [1.0, 0.0, 1.0], "input.std must not be zero"),
        ("input/std", [1.0, "2", 1.0], "input.std must be a number"),
        ("input/quantization", None, "input.quantization must be given for uint8 and int8, and for these alone"),
        ("input/dtype", "float32", "input.quantization must be given for uint8 and int8, and for these alone"),
        ("input/quantization/scale", 0.0, "input.quantization.scale must be a finite number between"),
        ("input/quantization/scale", -1.0, "input.quantization.scale must be a finite number between"),
        ("input/quantization/zero_point", 256, "input.quantization.zero_point must be between -128 and 255"),
        ("input/quantization/zero_point", 1.0, "input.quantization.zero_point must be an integer"),
        ("output/decoder", "host", "output.decoder must be one of in_graph"),
        ("output/boxes", 4, "output.boxes must be between 0 and 3"),
        ("output/scores", 0, "output: boxes, classes, scores and count must be four different outputs"),
        ("output/max_detections", 0, "output.max_detections must be between 1"),
        ("labels", ..., "labels is missing"),
        ("labels/label_offset", 2, "labels.label_offset must be between 0 and 1"),
        ("labels/category_offset", "1", "labels.category_offset must be an integer"),
        ("labels/category_ids", 5, "labels.category_ids must be a list"),
        ("labels/category_ids", [1, "2"], "labels.category_ids must hold integers between 0 and"),
        ("labels/category_ids", [1, -1], "labels.category_ids must hold integers between 0 and"),
        ("labels/category_ids", [True], "labels.category_ids must hold integers between 0 and"),
        ("variant", "../../etc/passwd", "variant must be letters, digits"),
        ("variant", "", "variant must be letters, digits"),
        ("variant", ".hidden", "variant must be letters, digits"),
        ("variant", "int8\n", "variant must be letters, digits"),
        ("provenance", ..., "provenance is missing"),
        ("provenance", "mine", "provenance must be a JSON object"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(path: str, value: object, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(changed(path, value))
    assert str(caught.value).startswith(f"bundle.json: {message}")


def test_category_ids_with_gaps_survive_json_and_go_before_the_offset() -> None:
    manifest = replace(MANIFEST, category_ids=(1, 3, 90))
    again = parse_manifest(json.loads(json.dumps(manifest.to_json())))
    assert again == manifest
    assert [again.category_id(index) for index in range(3)] == [1, 3, 90]
    # A board may answer with a class that no label has.
    assert [again.category_id(index) for index in (-1, 3)] == [0, 4]
    assert "category_ids" not in MANIFEST.to_json()["labels"]
    assert MANIFEST.category_id(5) == 5 + MANIFEST.category_offset


@pytest.mark.parametrize(
    "name", ["../escape", "/etc/passwd", "a/b", "", ".", "..", ".hidden", "a\n", "x" * 129, "bundle.json", "a\0b"]
)
def test_a_file_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ManifestError, match="is not a file name that a bundle may hold"):
        parse_manifest(changed(f"files/{name}" if "/" not in name else "files", {name: {}} if "/" in name else {}))


@pytest.mark.parametrize("data", [None, [], "text", 1])
def test_only_an_object_is_a_manifest(data: object) -> None:
    with pytest.raises(ManifestError, match="bundle.json: the message must be a JSON object"):
        parse_manifest(data)
