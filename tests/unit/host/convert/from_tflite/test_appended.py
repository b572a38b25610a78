"""What is put behind the heads of a finished file leads to the same detections as the file's own heads."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.contracts import detections_of, heads_of
from tests.support.networks import tiny_ssd

pytest.importorskip("ai_edge_litert.interpreter")

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.variants import Variant
from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.inspection.inspection import inspect
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.postprocess import OPERATOR, PostprocessOptions
from edgeproof.ssd.source_options import AnchorFormat, InputRange, SourceOptions
from edgeproof.tflite.editing import EditableModel
from edgeproof.tflite.file import read_tflite
from edgeproof_agent.bundle.manifest import ColourOrder
from edgeproof_agent.detection.detector import Detection, load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.networks.plain_tflite import packed, schema, without_metadata

SCALES = (tiny_ssd.SCALE_Y, tiny_ssd.SCALE_X, tiny_ssd.SCALE_HEIGHT, tiny_ssd.SCALE_WIDTH)
RAW = PostprocessOptions(in_graph=False)


def heads_file(bundle: Path) -> bytes:
    """The raw heads of a bundle: boxes, then scores, and nothing said of them."""
    manifest = open_bundle(bundle).manifest
    model = EditableModel(without_metadata((bundle / "model.tflite").read_bytes()))
    model.keep_outputs([heads_of(manifest).box_encodings, heads_of(manifest).class_scores])
    model.name(["picture"], ["locations", "classes"])
    return model.to_bytes()


def pack(
    data: bytes,
    folder: Path,
    postprocess: PostprocessOptions = RAW,
    variants: Sequence[Variant] = (Variant.FLOAT32,),
    anchors: np.ndarray | None = None,
    images: Path | None = None,
    **said: Any,
) -> list[Bundle]:
    folder.mkdir(exist_ok=True)
    (folder / "heads.tflite").write_bytes(data)
    np.save(folder / "anchors.npy", tiny_ssd.anchors() if anchors is None else anchors)
    source = {"box_scales": SCALES, "background": True, "anchors": str(folder / "anchors.npy"), **said}
    options = ExportOptions(name="tiny", source=SourceOptions(**source), postprocess=postprocess)
    return export(folder / "heads.tflite", folder / "out", variants, images, options)


def detect(bundle: Bundle) -> Detection:
    return load_detector(bundle.path, import_runtime("ai-edge-litert"), 1).detect(tiny_ssd.draw_square("red", 3, 5, 64))


def require_alike(bundle: Bundle, other: Bundle, tolerance: float = 1e-6) -> None:
    found, wanted = detect(bundle), detect(other)
    assert len(wanted.scores) > 1
    np.testing.assert_array_equal(found.classes, wanted.classes)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=tolerance)
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=tolerance)


def outputs(data: bytes) -> list[np.ndarray]:
    interpreter = import_runtime("ai-edge-litert").module.Interpreter(model_content=data)
    interpreter.allocate_tensors()
    detail = interpreter.get_input_details()[0]
    values = np.random.default_rng(0).uniform(-1, 1, detail["shape"]).astype(np.float32)
    interpreter.set_tensor(detail["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()]


@pytest.mark.parametrize(
    "options",
    [
        PostprocessOptions(max_detections=7, score_threshold=0.01),
        PostprocessOptions(max_detections=7, score_threshold=0.01, iou_threshold=0.3, use_regular_nms=True),
        PostprocessOptions(max_detections=4, max_classes_per_detection=2, score_threshold=0.01),
    ],
    ids=["fast", "regular", "two-classes"],
)
def test_the_operator_detects_what_the_agent_makes_of_the_heads(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, options: PostprocessOptions
) -> None:
    data = heads_file(tiny_raw_bundles["float32"])
    (ended,) = pack(data, tmp_path / "operator", options)
    (raw,) = pack(data, tmp_path / "raw", PostprocessOptions(**{**vars(options), "in_graph": False}))
    require_alike(ended, raw)
    assert not (ended.path / "anchors.npy").exists()
    assert inspect(ended.path).sound


def test_outputs_stand_as_most_readers_expect_them(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    (bundle,) = pack(heads_file(tiny_raw_bundles["float32"]), tmp_path / "it", PostprocessOptions())
    file = read_tflite(bundle.model_path.read_bytes())
    assert [tensor.name for tensor in file.outputs] == [OPERATOR, f"{OPERATOR}:1", f"{OPERATOR}:2", f"{OPERATOR}:3"]
    contract = detections_of(bundle.manifest)
    assert (contract.boxes, contract.classes, contract.scores, contract.count) == (0, 1, 2, 3)


@pytest.mark.parametrize("variant", [Variant.FLOAT16, Variant.DYNAMIC])
def test_quantized_variants_end_in_the_operator_too(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path, variant: Variant
) -> None:
    pytest.importorskip("ai_edge_quantizer")
    data = heads_file(tiny_raw_bundles["float32"])
    (ended,) = pack(data, tmp_path / "operator", PostprocessOptions(), [variant])
    (raw,) = pack(data, tmp_path / "raw", RAW, [variant])
    assert detections_of(ended.manifest).count == 3
    require_alike(ended, raw)


def integers_out(data: bytes) -> bytes:
    """Its heads as the integers that stood before the last DEQUANTIZE."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    ends = {
        int(item.outputs[0]): item
        for item in graph.operators
        if codes[item.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE
    }
    for output in graph.outputs:
        graph.operators.remove(ends[int(output)])
    before = {output: int(ends[int(output)].inputs[0]) for output in graph.outputs}
    graph.outputs = [before[output] for output in graph.outputs]
    for entry in model.signatureDefs[0].outputs:
        entry.tensorIndex = before[entry.tensorIndex]
    return packed(model)


def test_heads_of_integers_become_real_numbers(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    data = heads_file(tiny_raw_bundles["int8"])
    integers = integers_out(data)
    assert {tensor.dtype for tensor in read_tflite(integers).outputs} == {"int8"}
    (bundle,) = pack(integers, tmp_path / "integers", RAW, [Variant.INT8])
    (raw,) = pack(data, tmp_path / "raw", RAW, [Variant.INT8])
    require_alike(bundle, raw)


def edited(data: bytes, edit: Callable[[EditableModel], None]) -> bytes:
    model = EditableModel(data)
    edit(model)
    return model.to_bytes()


def test_x_first_boxes_and_anchors_and_a_last_background_are_brought_to_their_places(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path
) -> None:
    data = heads_file(tiny_raw_bundles["float32"])

    def turn(model: EditableModel) -> None:
        model.reorder(0, [1, 0, 3, 2])
        model.reorder(1, [1, 2, 0])

    turned = edited(data, turn)
    (boxes, scores), (turned_boxes, turned_scores) = outputs(data), outputs(turned)
    np.testing.assert_array_equal(turned_boxes, boxes[:, :, [1, 0, 3, 2]])
    np.testing.assert_array_equal(turned_scores, scores[:, :, [1, 2, 0]])
    corners = tiny_ssd.anchors()[:, [1, 0, 3, 2]] * 64
    (bundle,) = pack(
        turned,
        tmp_path / "turned",
        RAW,
        anchors=corners.astype(np.float32),
        box_order=CoordinateOrder.XY,
        anchor_order=CoordinateOrder.XY,
        anchor_format=AnchorFormat.CORNERS,
        anchor_units=AnchorUnits.PIXELS,
        background=None,
        background_last=True,
    )
    (raw,) = pack(data, tmp_path / "raw")
    require_alike(bundle, raw, 1e-5)


def sliced(data: bytes, cuts: Sequence[int]) -> bytes:
    """Each head in as many outputs as there are ends of rows in `cuts`, the smallest level first."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SLICE
    code.version = 1
    model.operatorCodes.append(code)

    def constant(values: list[int]) -> int:
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.array(values, np.int32).tobytes()
        model.buffers.append(buffer)
        tensor.name, tensor.type, tensor.shape = "cut", schema.TensorType.INT32, [3]
        tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    entries, made = [], []
    for head in [int(output) for output in graph.outputs]:
        columns = int(graph.tensors[head].shape[2])
        for number, (begin, end) in reversed(list(enumerate(zip([0, *cuts], cuts, strict=False)))):
            tensor = schema.TensorT()
            tensor.name, tensor.type, tensor.buffer = f"part{head}_{number}", schema.TensorType.FLOAT32, 0
            tensor.shape = [1, end - begin, columns]
            graph.tensors.append(tensor)
            place = len(graph.tensors) - 1
            operator = schema.OperatorT()
            operator.opcodeIndex = len(model.operatorCodes) - 1
            operator.inputs = [head, constant([0, begin, 0]), constant([1, end - begin, columns])]
            operator.outputs = [place]
            graph.operators.append(operator)
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = tensor.name, place
            entries.append(entry)
            made.append(place)
    graph.outputs = made
    model.signatureDefs[0].outputs = entries
    return packed(model)


def test_heads_a_level_apart_are_joined(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    data = heads_file(tiny_raw_bundles["float32"])
    rows = len(tiny_ssd.anchors())
    parts = sliced(data, [rows - 10, rows])
    assert len(read_tflite(parts).outputs) == 4
    (bundle,) = pack(parts, tmp_path / "parts")
    (raw,) = pack(data, tmp_path / "raw")
    require_alike(bundle, raw)


def test_mean_std_and_colour_order_of_a_finished_file_can_be_said(
    tiny_raw_bundles: dict[str, Path], tmp_path: Path
) -> None:
    data = heads_file(tiny_raw_bundles["float32"])
    (bundle,) = pack(data, tmp_path / "it", mean=(1, 2, 3), std=(4, 5, 6), colour_order=ColourOrder.BGR)
    contract = bundle.manifest.input
    assert (contract.mean, contract.std, contract.colour_order) == ((1, 2, 3), (4, 5, 6), ColourOrder.BGR)
    (ranged,) = pack(data, tmp_path / "ranged", input_range=InputRange.BYTES)
    assert (ranged.manifest.input.mean, ranged.manifest.input.std) == ((0, 0, 0), (1, 1, 1))


def test_what_a_finished_file_cannot_become_is_told(tiny_raw_bundles: dict[str, Path], tmp_path: Path) -> None:
    data = heads_file(tiny_raw_bundles["float32"])
    with pytest.raises(UsageError, match=r"--box-coder distances needs more of its graph changed"):
        pack(data, tmp_path / "boxes", box_coder=BoxCoder.DISTANCES)
    (ended,) = pack(data, tmp_path / "ended", PostprocessOptions())
    with pytest.raises(UsageError, match=r"--box-order cannot be said of it: its boxes are decoded in its graph"):
        pack(ended.model_path.read_bytes(), tmp_path / "again", box_order=CoordinateOrder.XY)
    parts = sliced(data, [10, 20, len(tiny_ssd.anchors())])
    model = EditableModel(parts)
    model.keep_outputs([0, 1, 3, 4])
    model.name(["picture"], ["a", "b", "c", "d"])
    with pytest.raises((NotAnSsdError, UsageError)):
        pack(model.to_bytes(), tmp_path / "some")
