"""A float .tflite, with the operator or with raw heads, becomes the other variants by ai-edge-quantizer."""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeproof.bundle import Bundle
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tflite.detector import variant_of
from edgeproof.convert.variants import Variant, available_variants
from edgeproof.errors import ConversionError, UsageError
from edgeproof.inspection.inspection import inspect
from edgeproof.ssd.files.label_files import LabelLines
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.tflite.file import POSTPROCESS_OPERATOR, read_tflite
from edgeproof.tflite.metadata_reader import read_metadata, read_packed_labels
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.bundle.manifest import InputType
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.networks import tiny_ssd

SCALES = (tiny_ssd.SCALE_Y, tiny_ssd.SCALE_X, tiny_ssd.SCALE_HEIGHT, tiny_ssd.SCALE_WIDTH)


@pytest.fixture
def quantizer() -> None:
    pytest.importorskip("ai_edge_quantizer", reason="ai-edge-quantizer is not installed")


def make(path: Path, out: Path, pictures: Path, *variants: Variant, **more: Any) -> tuple[list[Bundle], list[Progress]]:
    events: list[Progress] = []
    options = ExportOptions(name="tiny", **more)
    return export(path, out, variants or available_variants(), pictures, options, events.append), events


def check_detections(bundle: Path, atol: float = 0.03) -> None:
    detector = load_detector(bundle, import_runtime("ai-edge-litert"), 1)
    for label in tiny_ssd.CLASSES:
        found = detector.detect(tiny_ssd.draw_square(label, 3, 5))
        assert found.classes[0] == tiny_ssd.CLASSES.index(label)
        assert found.scores[0] > 0.5
        np.testing.assert_allclose(found.boxes[0], tiny_ssd.square_box(3, 5), atol=atol)


@pytest.mark.usefixtures("quantizer")
def test_every_variant_of_a_file_with_the_operator(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    possible = [variant for variant in available_variants() if variant is not Variant.DYNAMIC]
    bundles, events = make(source, tmp_path, tiny_pictures, *possible)
    for variant, bundle in zip(possible, bundles, strict=True):
        file = read_tflite(bundle.model_path.read_bytes())
        assert variant_of(file) is variant
        assert inspect(bundle.path).problems == ()
        assert bundle.labels() == ["bright", "red"]
        assert {output.dtype for output in file.outputs} == {"float32"}
        assert [item.dtype for item in file.postprocess[0].inputs] == ["float32"] * 3
        assert all(layer.weights.has_data for layer in file.weighted)
        check_detections(bundle.path)
    assert bundles[0].model_path.read_bytes() == source.read_bytes()
    told = [event.text for event in events if event.kind is not ProgressKind.STEP]
    assert any(
        text.startswith("float32: ") and "detections of score 0.5 or more on 6 pictures" in text for text in told
    )
    for variant in possible[1:]:
        assert any(text.startswith(f"{variant.value}: ") and "of the source" in text for text in told), told


@pytest.mark.usefixtures("quantizer")
@pytest.mark.parametrize("input_type", [InputType.UINT8, InputType.INT8])
def test_int8_reads_pixels_as_they_are(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path, input_type: InputType
) -> None:
    """The input's range is that of pixels, not what the calibration pictures happen to span."""
    source = tiny_bundles["float32"] / "model.tflite"
    (bundle,), _ = make(source, tmp_path, tiny_pictures, Variant.INT8, input_type=input_type)
    contract = bundle.manifest.input
    assert contract.dtype is input_type
    assert contract.quantization is not None
    assert contract.quantization.scale == pytest.approx(2 / 255, rel=1e-5)
    assert contract.quantization.zero_point in ((127, 128) if input_type is InputType.UINT8 else (-1, 0))
    check_detections(bundle.path)


@pytest.mark.usefixtures("quantizer")
def test_a_file_without_signature_and_metadata_gets_both(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    from tests.support.networks.plain_tflite import packed, schema, without_metadata

    model = schema.ModelT.InitFromPackedBuf((tiny_bundles["float32"] / "model.tflite").read_bytes(), 0)
    model.signatureDefs = None
    path = tmp_path / "bare.tflite"
    path.write_bytes(without_metadata(packed(model)))
    (tmp_path / "labels.txt").write_text("hell\nrot\n")
    (bundle,), _ = make(path, tmp_path / "out", tiny_pictures, Variant.INT8, labels=tmp_path / "labels.txt")
    data = bundle.model_path.read_bytes()
    (signature,) = read_tflite(data).signatures
    assert set(signature.outputs) == {
        "detection_boxes",
        "detection_classes",
        "detection_scores",
        "num_detections",
    }
    metadata = read_metadata(data, "model")
    assert metadata.normalization is not None
    stored = read_packed_labels(data, metadata, "model")
    assert isinstance(stored, LabelLines)
    assert stored.names == ("hell", "rot")
    check_detections(bundle.path)


@pytest.mark.usefixtures("quantizer")
@pytest.mark.parametrize("in_graph", [True, False])
def test_raw_heads_are_quantized_too(
    tiny_raw_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path, in_graph: bool
) -> None:
    np.save(tmp_path / "anchors.npy", tiny_ssd.anchors())
    stated = SourceOptions(anchors=str(tmp_path / "anchors.npy"), box_scales=SCALES)
    source = tiny_raw_bundles["float32"] / "model.tflite"
    variants, ends = (Variant.INT8, Variant.FLOAT16), PostprocessOptions(in_graph=in_graph)
    bundles, _ = make(source, tmp_path / "out", tiny_pictures, *variants, source=stated, postprocess=ends)
    for bundle in bundles:
        assert inspect(bundle.path).problems == ()
        operators = read_tflite(bundle.model_path.read_bytes()).operators
        assert (POSTPROCESS_OPERATOR in operators) is in_graph
        assert bundle.labels()[bundle.manifest.label_offset :] == ["bright", "red"]
        check_detections(bundle.path)


@pytest.mark.usefixtures("quantizer")
def test_the_same_file_and_settings_give_the_same_bytes_and_are_kept(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    variants = (Variant.FLOAT32, Variant.INT8)
    first, _ = make(source, tmp_path / "a", tiny_pictures, *variants)
    second, _ = make(source, tmp_path / "b", tiny_pictures, *variants)
    assert [bundle.digest for bundle in first] == [bundle.digest for bundle in second]
    kept, events = make(source, tmp_path / "a", tiny_pictures, *variants)
    assert [bundle.digest for bundle in kept] == [bundle.digest for bundle in first]
    assert {"float32: up to date", "int8: up to date"} <= {event.text for event in events}
    fewer = Path(shutil.copytree(tiny_pictures, tmp_path / "fewer"))
    next(fewer.iterdir()).unlink()
    _, events = make(source, tmp_path / "a", fewer, *variants)
    assert "int8: up to date" not in {event.text for event in events}


@pytest.mark.usefixtures("quantizer")
def test_weights_that_the_quantizer_puts_behind_the_file_are_brought_in(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so with files of some size, and tflite-runtime 2.13 then says 'Input tensor lacks data'."""
    from ai_edge_quantizer import model_modifier, quantizer

    monkeypatch.setattr(
        model_modifier.ModelModifier,
        "_serialize_small_model",
        lambda self, model: self._serialize_model(model, model_modifier._PackedBufferData(model)),
    )
    source = tiny_bundles["float32"] / "model.tflite"
    (bundle,), _ = make(source, tmp_path / "out", tiny_pictures, Variant.FLOAT16)
    assert not read_tflite(bundle.model_path.read_bytes()).weights_behind
    check_detections(bundle.path)

    direct = quantizer.Quantizer(source.read_bytes())
    direct.add_weight_only_config(
        ".*", quantizer.qtyping.TFLOperationName.ALL_SUPPORTED, 16, algorithm_key=quantizer.AlgorithmName.FLOAT_CASTING
    )
    path = tmp_path / "foreign.tflite"
    path.write_bytes(bytes(direct.quantize(enable_progress_report=False).quantized_model))
    assert any("weights lie behind" in text for text in inspect(path).warnings)
    (tmp_path / "labels.txt").write_text("hell\nrot\n")
    (foreign,), _ = make(path, tmp_path / "again", tiny_pictures, Variant.FLOAT16, labels=tmp_path / "labels.txt")
    check_detections(foreign.path)


@pytest.mark.usefixtures("quantizer")
def test_named_layers_stay_float(tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    layer = read_tflite(source.read_bytes()).weighted[-1].name
    (bundle,), events = make(source, tmp_path, tiny_pictures, Variant.INT8, keep_float=(layer,))
    dtypes = {item.name: item.weights.dtype for item in read_tflite(bundle.model_path.read_bytes()).weighted}
    assert dtypes.pop(layer) == "float32"
    assert set(dtypes.values()) == {"int8"}
    assert any("stayed float32" in event.text for event in events)


def test_an_unknown_layer_is_told_before_anything_runs(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    with pytest.raises(UsageError, match="--keep-float nowhere: the model has no such layer"):
        make(source, tmp_path, tiny_pictures, Variant.INT8, keep_float=("nowhere",))


@pytest.mark.usefixtures("quantizer")
def test_layers_that_are_too_small_for_dynamic_quantization_are_told(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    bundles, _ = make(source, tmp_path, tiny_pictures, Variant.DYNAMIC)
    assert inspect(bundles[0].path).variant is Variant.DYNAMIC


def test_pictures_are_asked_for(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    source = tiny_bundles["float32"] / "model.tflite"
    with pytest.raises(UsageError, match="int8 needs calibration pictures"):
        export(source, tmp_path, [Variant.FLOAT32, Variant.INT8], None)


def test_a_quantized_file_becomes_nothing_else(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    for own in ("int8", "float16", "dynamic", "int16x8"):
        source = tiny_bundles[own] / "model.tflite"
        words = f"converted already, to {own}, and cannot become float32: only a float32 file can be quantized"
        with pytest.raises(UsageError, match=words):
            make(source, tmp_path, tiny_pictures, Variant.FLOAT32)
    source = tiny_bundles["int8"] / "model.tflite"
    with pytest.raises(UsageError, match="it reads uint8, and stays as it is"):
        make(source, tmp_path, tiny_pictures, Variant.INT8, input_type=InputType.INT8)
    with pytest.raises(UsageError, match="it is int8 already, so its layers stay as they are"):
        make(source, tmp_path, tiny_pictures, Variant.INT8, keep_float=("layer",))


def test_without_the_quantizer_the_error_says_how_to_install_it(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ai_edge_quantizer", "ai_edge_quantizer.quantizer"):
        monkeypatch.setitem(sys.modules, module, None)
    source = tiny_bundles["float32"] / "model.tflite"
    with pytest.raises(ConversionError, match=r'pip install "edgeproof\[quantize\]"'):
        make(source, tmp_path, tiny_pictures, Variant.INT8)
    assert not (tmp_path / "int8").exists()
    (bundle,), _ = make(source, tmp_path, tiny_pictures, Variant.FLOAT32)
    assert bundle.model_path.read_bytes() == source.read_bytes()
