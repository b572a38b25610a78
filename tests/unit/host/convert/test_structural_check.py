"""After converting: every way in which TensorFlow silently writes a dead or wrong model is found."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from edgeproof.convert.structural_check import check_structure, resolve_heads, resolve_outputs, structural_problems
from edgeproof.convert.variants import Variant, settings_of
from edgeproof.errors import ConversionError
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.tflite.file import Signature, TfliteFile, read_tflite
from edgeproof.tflite.output_map import DETECTIONS
from edgeproof_agent.bundle.manifest import InputContract, InputType

INT8, FLOAT32 = settings_of(Variant.INT8), settings_of(Variant.FLOAT32)
RAW = PostprocessOptions(in_graph=False)
OPERATOR = "TFLite_Detection_PostProcess"


@pytest.fixture
def file(tiny_bundles: dict[str, Path]) -> TfliteFile:
    return read_tflite((tiny_bundles["int8"] / "model.tflite").read_bytes())


@pytest.fixture
def contract(tiny_bundles: dict[str, Path]) -> InputContract:
    return open_bundle(tiny_bundles["int8"]).manifest.input.as_float()


def with_operators(file: TfliteFile, changes: Mapping[str, int]) -> TfliteFile:
    return replace(file, operators={name: n for name, n in {**file.operators, **changes}.items() if n})


@pytest.mark.parametrize("variant", Variant)
def test_good_files_pass(tiny_bundles: dict[str, Path], variant: Variant, contract: InputContract) -> None:
    file = read_tflite((tiny_bundles[variant.value] / "model.tflite").read_bytes())
    check_structure(file, settings_of(variant), contract)


@pytest.mark.parametrize("asked", Variant)
@pytest.mark.parametrize("written", Variant)
def test_a_file_of_another_variant_fails(
    tiny_bundles: dict[str, Path], contract: InputContract, asked: Variant, written: Variant
) -> None:
    file = read_tflite((tiny_bundles[written.value] / "model.tflite").read_bytes())
    assert bool(list(structural_problems(file, settings_of(asked), contract))) == (asked is not written)


def test_an_int8_file_with_another_input_type_fails(file: TfliteFile, contract: InputContract) -> None:
    problems = structural_problems(file, settings_of(Variant.INT8, InputType.INT8), contract)
    assert list(problems) == ["its input is uint8, expected int8"]


@pytest.mark.parametrize("variant", [Variant.FLOAT32, Variant.INT8])
def test_raw_heads_pass_where_they_were_asked_for(
    tiny_raw_bundles: dict[str, Path], file: TfliteFile, contract: InputContract, variant: Variant
) -> None:
    raw = read_tflite((tiny_raw_bundles[variant.value] / "model.tflite").read_bytes())
    check_structure(raw, settings_of(variant), contract, RAW)
    assert f"it has no {OPERATOR}" in list(structural_problems(raw, settings_of(variant), contract))
    (problem,) = structural_problems(file, INT8, contract, RAW)
    assert problem.startswith("its outputs are not named box_encodings, class_scores")
    assert resolve_heads(raw) == tuple(raw.signatures[0].outputs[name] for name in ("box_encodings", "class_scores"))


def test_a_float_model_that_was_asked_to_be_int8_fails(tiny_bundles: dict[str, Path], contract: InputContract) -> None:
    floats = read_tflite((tiny_bundles["float32"] / "model.tflite").read_bytes())
    assert list(structural_problems(floats, INT8, contract)) == [
        "its weights are float32, expected int8",
        "its layers read float32, expected int8",
        "its input is float32, expected uint8",
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({OPERATOR: 2}, f"it has 2 {OPERATOR} operators, expected one"),
        ({"VAR_HANDLE": 2}, "it holds VAR_HANDLE, so its weights are missing"),
        ({"READ_VARIABLE": 2}, "it holds READ_VARIABLE, so its weights are missing"),
        ({"FlexCombinedNonMaxSuppression": 1}, "it holds FlexCombinedNonMaxSuppression, which boards cannot run"),
    ],
)
def test_operators_that_make_a_dead_model_are_found(
    file: TfliteFile, contract: InputContract, changes: dict[str, int], problem: str
) -> None:
    assert list(structural_problems(with_operators(file, changes), INT8, contract)) == [problem]


def test_a_model_folded_to_nothing_is_found(file: TfliteFile, contract: InputContract) -> None:
    folded = replace(file, operators={}, weighted=(), postprocess=())
    with pytest.raises(ConversionError, match=r"it has no convolution; it has no TFLite_Detection_PostProcess"):
        check_structure(folded, INT8, contract)


def test_layers_without_weights_are_counted(file: TfliteFile, contract: InputContract) -> None:
    first, *others = file.weighted
    hollow = replace(first, weights=replace(first.weights, has_data=False))
    problems = list(structural_problems(replace(file, weighted=(hollow, *others)), INT8, contract))
    assert problems == ["1 of 3 layers have no weights"]


def test_another_batch_or_size_is_found(file: TfliteFile, contract: InputContract) -> None:
    batch = replace(file, inputs=(replace(file.inputs[0], shape=(8, 64, 64, 3)),))
    assert list(structural_problems(batch, INT8, contract)) == [
        "its input is a batch of 8 pictures ([8, 64, 64, 3]): export with batch 1",
        "its input has shape [8, 64, 64, 3], expected [1, 64, 64, 3]",
    ]
    assert list(structural_problems(replace(file, inputs=()), INT8, contract)) == ["it has 0 inputs, expected one"]


def test_quantized_outputs_are_refused(file: TfliteFile, contract: InputContract) -> None:
    outputs = tuple(replace(tensor, dtype="uint8") for tensor in file.outputs)
    assert list(structural_problems(replace(file, outputs=outputs), INT8, contract)) == [
        "its outputs are uint8, class ids and the count too: export with float32 outputs"
    ]


def test_outputs_are_found_by_name_in_any_order(file: TfliteFile) -> None:
    here = resolve_outputs(file)
    (signature,) = file.signatures
    turned = replace(
        file,
        outputs=file.outputs[::-1],
        signatures=(replace(signature, outputs={name: 3 - place for place, name in enumerate(DETECTIONS)}),),
    )
    there = resolve_outputs(turned)
    assert (there.boxes, there.classes, there.scores, there.count) == (
        3 - here.boxes,
        3 - here.classes,
        3 - here.scores,
        3 - here.count,
    )
    assert there.max_detections == here.max_detections == 10


def test_outputs_that_nothing_tells_apart_are_refused(file: TfliteFile) -> None:
    unnamed = tuple(replace(tensor, name=str(place)) for place, tensor in enumerate(file.outputs))
    with pytest.raises(ConversionError, match=r"nothing tells which output is which \(they are named none\)"):
        resolve_outputs(replace(file, signatures=(), postprocess=(), outputs=unnamed))
    foreign = Signature("serving_default", {"image": 0}, {f"out_{index}": index for index in range(4)})
    with pytest.raises(ConversionError, match=r"they are named out_0, out_1"):
        resolve_outputs(replace(file, signatures=(foreign,), postprocess=(), outputs=unnamed))


def test_outputs_of_another_shape_are_refused(file: TfliteFile) -> None:
    outputs = tuple(replace(tensor, shape=()) for tensor in file.outputs)
    with pytest.raises(ConversionError, match=r"expected \[1, N, 4\]"):
        resolve_outputs(replace(file, outputs=outputs))
