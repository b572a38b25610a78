"""A converted .tflite becomes a bundle byte for byte, with labels and input contract from its metadata or the user."""

import io
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from click.testing import CliRunner

from edgeproof.bundle import Bundle, open_bundle, write_bundle
from edgeproof.cli.export import command
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tflite.detector import variant_of
from edgeproof.convert.from_tflite.export import export_finished
from edgeproof.convert.variants import Variant, settings_of
from edgeproof.errors import ConversionError, ModelError, NotAnSsdError, UsageError
from edgeproof.ssd.files.label_files import LabelLines
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.metadata_reader import Normalization, read_metadata, read_packed_labels
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.bundle.manifest import Coordinates
from edgeproof_agent.detection.preprocess import prepare
from tests.support.contracts import detections_of
from tests.support.networks.plain_tflite import packed, schema, without_metadata


def pack(path: Path, out: Path, *variants: Variant, events: list[Progress] | None = None, **more: Any) -> Bundle:
    """The bundle of the one variant that the file is, unless others are asked for."""
    source, options = recognise_source(path), ExportOptions(**more)
    listener = (lambda _: None) if events is None else events.append
    own = variant_of(read_tflite(path.read_bytes()))
    settings = [settings_of(variant) for variant in variants or (own,)]
    (bundle,) = export_finished(source, out, settings, "tiny", options, progress=listener)
    return bundle


def plain(bundle: Path, out: Path) -> Path:
    """The bundle's model without metadata."""
    out.write_bytes(without_metadata((bundle / "model.tflite").read_bytes()))
    return out


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("bright\nred\n")
    return tmp_path / "labels.txt"


@pytest.mark.parametrize("variant", [Variant.FLOAT32, Variant.INT8])
def test_the_file_is_packed_as_it_is_and_called_what_it_is(
    tiny_bundles: dict[str, Path], tmp_path: Path, labels: Path, variant: Variant
) -> None:
    path = tiny_bundles[variant.value] / "model.tflite"
    bundle = pack(path, tmp_path / "out", labels=labels)
    assert bundle.path == tmp_path / "out" / variant.value
    assert bundle.model_path.read_bytes() == path.read_bytes()
    assert bundle.labels() == ["bright", "red"]
    exported = open_bundle(path.parent).manifest
    assert bundle.manifest.output == exported.output
    assert bundle.manifest.input.quantization == exported.input.quantization
    assert bundle.manifest.variant == variant.value
    assert pack(path, tmp_path / "again", labels=labels).digest == bundle.digest


def test_another_variant_cannot_be_asked_for(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    path = tiny_bundles["int8"] / "model.tflite"
    with pytest.raises(UsageError, match=r"converted already, to int8, and cannot become float32.* --variant int8"):
        pack(path, tmp_path / "out", Variant.FLOAT32)
    events: list[Progress] = []
    pack(path, tmp_path / "out", Variant.FLOAT32, Variant.INT8, events=events)
    assert "float32: left out, the file is int8" in {event.text for event in events}


def test_the_order_of_the_outputs_is_shown(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    events: list[Progress] = []
    bundle = pack(tiny_bundles["float32"] / "model.tflite", tmp_path / "out", events=events)
    output = detections_of(bundle.manifest)
    note = next(event.text for event in events if event.kind is ProgressKind.NOTE)
    positions = {name: note.index(name) for name in ("detection_boxes", "detection_classes", "detection_scores")}
    order = sorted(positions, key=lambda name: positions[name])
    assert order == sorted(positions, key=lambda name: getattr(output, name.removeprefix("detection_")))


def test_a_float_file_without_metadata_takes_a_default_range_with_a_warning(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    path, events = plain(tiny_bundles["float32"], tmp_path / "plain.tflite"), list[Progress]()
    bundle = pack(path, tmp_path / "out", events=events)
    assert bundle.manifest.input.mean == bundle.manifest.input.std == (127.5,) * 3
    warnings = [event.text for event in events if event.kind is ProgressKind.WARNING]
    assert any("-1..1 is taken" in text and "--input-range" in text for text in warnings)
    stated = pack(path, tmp_path / "out", source=SourceOptions(input_range=InputRange.ZERO_TO_ONE))
    assert (stated.manifest.input.mean, stated.manifest.input.std) == ((0.0,) * 3, (255.0,) * 3)


def test_an_integer_input_gets_the_pixels_as_they_are(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    bundle = pack(plain(tiny_bundles["int8"], tmp_path / "plain.tflite"), tmp_path / "out")
    contract = bundle.manifest.input
    picture = np.random.default_rng(0).integers(0, 256, (contract.height, contract.width, 3), np.uint8)
    np.testing.assert_array_equal(prepare(picture, contract)[0], picture[:, :, ::-1])


def test_a_file_of_a_bundle_keeps_how_its_pictures_are_prepared_and_its_category_ids(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    path, events = tiny_bundles["int8"] / "model.tflite", list[Progress]()
    original = open_bundle(path.parent)
    coordinates = Coordinates.ASYMMETRIC
    contract = replace(original.manifest.input, coordinates=coordinates)
    manifest = replace(original.manifest, input=contract, category_ids=(3, 7))
    source = write_bundle(tmp_path / "source", manifest, path.read_bytes(), original.labels())
    bundle = pack(source.model_path, tmp_path / "out", events=events)
    assert (bundle.manifest.input, bundle.manifest.category_ids) == (contract, (3, 7))
    assert any("as the bundle.json beside it says" in event.text for event in events)
    alone = tmp_path / "other" / "model.tflite"
    alone.parent.mkdir()
    alone.write_bytes(path.read_bytes() + b"\0")
    shutil.copy(source.path / "bundle.json", alone.parent)
    bundle = pack(alone, tmp_path / "out", events=events)
    assert bundle.manifest.input.coordinates is Coordinates.HALF_PIXEL, "the bundle.json is of another file"
    assert any("half-pixel centres, as TensorFlow 2 does: the file does not say" in event.text for event in events)


def test_a_file_without_the_operator_is_refused(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    data = (tiny_bundles["float32"] / "model.tflite").read_bytes()
    (tmp_path / "raw.tflite").write_bytes(
        data.replace(b"TFLite_Detection_PostProcess", b"TFLite_Detection_PostProcesz")
    )
    words = "it has no TFLite_Detection_PostProcess, and its outputs are not the raw heads of an SSD either"
    with pytest.raises(NotAnSsdError, match=words):
        pack(tmp_path / "raw.tflite", tmp_path / "out")


def test_a_file_without_signature_is_resolved_by_the_operator(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    path = plain(tiny_bundles["float32"], tmp_path / "plain.tflite")
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    model.signatureDefs = None
    main = model.subgraphs[0]
    main.outputs = main.outputs[::-1]
    bundle = pack(write(model, tmp_path / "bare.tflite"), tmp_path / "out")
    expected = detections_of(pack(path, tmp_path / "named").manifest)
    ours = detections_of(bundle.manifest)
    assert [ours.boxes, ours.classes, ours.scores, ours.count] == [
        3 - position for position in (expected.boxes, expected.classes, expected.scores, expected.count)
    ]


def write(model: Any, path: Path) -> Path:
    path.write_bytes(packed(model))
    return path


def table(builder: flatbuffers.Builder, fields: dict[int, tuple[str, Any]]) -> int:
    """A table of a schema that is known by the positions of its fields alone."""
    builder.StartObject(max(fields) + 1)
    for position, (kind, value) in fields.items():
        if kind == "byte":
            builder.PrependUint8Slot(position, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(position, value, 0)
    return int(builder.EndObject())


def vector(builder: flatbuffers.Builder, tables: list[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for item in reversed(tables):
        builder.PrependUOffsetTRelative(item)
    return int(builder.EndVector())


def metadata_bytes(mean: list[float], std: list[float], labels_name: str = "labels.txt") -> bytes:
    """What TensorFlow Lite's metadata writer writes: NormalizationOptions of the input, labels of an output."""
    builder = flatbuffers.Builder(256)
    name = builder.CreateString(labels_name)
    numbers = [builder.CreateNumpyVector(np.array(values, np.float32)) for values in (mean, std)]
    options = table(builder, {0: ("offset", numbers[0]), 1: ("offset", numbers[1])})
    unit = table(builder, {0: ("byte", 1), 1: ("offset", options)})
    units = vector(builder, [unit])
    picture = table(builder, {4: ("offset", units)})
    file = table(builder, {0: ("offset", name), 2: ("byte", 3)})
    files = vector(builder, [file])
    classes = table(builder, {6: ("offset", files)})
    inputs, outputs = vector(builder, [picture]), vector(builder, [classes])
    subgraphs = vector(builder, [table(builder, {2: ("offset", inputs), 3: ("offset", outputs)})])
    builder.Finish(table(builder, {3: ("offset", subgraphs)}), b"M001")
    return bytes(builder.Output())


def with_metadata(path: Path, out: Path, metadata: bytes, packed_files: dict[str, str]) -> Path:
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    model.buffers.append(buffer)
    entry.name, entry.buffer = "TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(item for item in model.metadata or [] if item.name != b"TFLITE_METADATA"), entry]
    write(model, out)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in packed_files.items():
            opened.writestr(name, text)
    out.write_bytes(out.read_bytes() + archive.getvalue())
    return out


def test_metadata_gives_labels_and_normalisation(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    path = tiny_bundles["float32"] / "model.tflite"
    described = metadata_bytes([127.0], [128.0])
    rich = with_metadata(path, tmp_path / "rich.tflite", described, {"labels.txt": "???\nlight\nrosso\n"})
    assert read_metadata(rich.read_bytes(), "rich").normalization == Normalization((127.0,) * 3, (128.0,) * 3)
    events: list[Progress] = []
    bundle = pack(rich, tmp_path / "out", events=events)
    assert (bundle.labels(), bundle.manifest.label_offset) == (["???", "light", "rosso"], 1)
    assert (bundle.manifest.input.mean, bundle.manifest.input.std) == ((127.0,) * 3, (128.0,) * 3)
    assert not any("-1..1" in event.text for event in events)


@pytest.mark.parametrize("variant", [Variant.FLOAT32, Variant.INT8])
def test_an_exported_file_brings_its_labels_and_normalisation(
    tiny_bundles: dict[str, Path], tmp_path: Path, variant: Variant
) -> None:
    exported = open_bundle(tiny_bundles[variant.value])
    bundle = pack(exported.model_path, tmp_path / "out")
    assert bundle.labels() == exported.labels()
    assert bundle.manifest.input.mean == exported.manifest.input.mean
    assert bundle.manifest.input.std == exported.manifest.input.std
    assert bundle.manifest.input.quantization == exported.manifest.input.quantization


def test_labels_of_the_user_stand_in_for_packed_ones_that_are_lost(
    tiny_bundles: dict[str, Path], tmp_path: Path, labels: Path
) -> None:
    path = tiny_bundles["float32"] / "model.tflite"
    rich = with_metadata(path, tmp_path / "rich.tflite", metadata_bytes([0.0], [1.0], "lost.txt"), {"a.txt": "a\n"})
    assert pack(rich, tmp_path / "out", labels=labels).labels() == ["bright", "red"]


def test_labels_of_the_user_go_before_packed_ones(tiny_bundles: dict[str, Path], tmp_path: Path, labels: Path) -> None:
    path = tiny_bundles["float32"] / "model.tflite"
    rich = with_metadata(path, tmp_path / "rich.tflite", metadata_bytes([0, 0, 0], [1, 2, 3]), {"labels.txt": "a\nb\n"})
    assert pack(rich, tmp_path / "out", labels=labels).labels() == ["bright", "red"]
    assert pack(rich, tmp_path / "out").manifest.input.std == (1.0, 2.0, 3.0)


def test_new_labels_and_another_range_are_written_into_the_bundle_s_file(
    tiny_bundles: dict[str, Path], tmp_path: Path, labels: Path
) -> None:
    path = plain(tiny_bundles["float32"], tmp_path / "plain.tflite")
    stated = SourceOptions(input_range=InputRange.ZERO_TO_ONE)
    bundle = pack(path, tmp_path / "out", labels=labels, source=stated)
    data = bundle.model_path.read_bytes()
    assert data != path.read_bytes()
    metadata = read_metadata(data, "model")
    assert metadata.normalization == Normalization((0.0,) * 3, (255.0,) * 3)
    assert read_packed_labels(data, metadata, "model") == LabelLines(("bright", "red"))
    # Nothing more to say: the file that was written stays as it is.
    again = pack(bundle.model_path, tmp_path / "again", labels=labels, source=stated)
    assert again.model_path.read_bytes() == data


def test_labels_of_a_data_set_with_gaps_lead_to_its_category_ids(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    text = '{"images": [], "categories": [{"id": 90, "name": "red"}, {"id": 13, "name": "bright"}]}'
    (tmp_path / "instances.json").write_text(text)
    events: list[Progress] = []
    bundle = pack(
        tiny_bundles["float32"] / "model.tflite", tmp_path / "out", events=events, labels=tmp_path / "instances.json"
    )
    assert bundle.labels() == ["bright", "red"]
    assert [bundle.manifest.category_id(index) for index in (0, 1)] == [13, 90]
    assert any("classes in the order of their ids 13 to 90, which have gaps" in event.text for event in events)


def test_the_file_is_run_on_pictures_and_what_it_finds_is_told(
    tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    for variant in (Variant.FLOAT32, Variant.INT8):
        events: list[Progress] = []
        source = tiny_bundles[variant.value] / "model.tflite"
        export(source, tmp_path, [variant], tiny_pictures, ExportOptions(name="tiny"), events.append)
        told = [event.text for event in events if event.kind is ProgressKind.NOTE]
        assert any(
            text.startswith(f"{variant.value}: 6 detections of score 0.5 or more on 6 pictures") for text in told
        )


def test_a_file_that_does_not_run_is_refused(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    """A custom operator that no interpreter knows, in a file whose structure is that of a detector."""
    model = schema.ModelT.InitFromPackedBuf((tiny_bundles["float32"] / "model.tflite").read_bytes(), 0)
    code = next(code for code in model.operatorCodes if code.builtinCode == schema.BuiltinOperator.LOGISTIC)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "Mystery"
    path = tmp_path / "odd.tflite"
    path.write_bytes(without_metadata(packed(model)))
    with pytest.raises(ConversionError, match=r"float32 model does not run on .*: .* Nothing was written"):
        pack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_an_interpreter_the_file_is_packed_with_a_warning(
    tiny_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.convert.from_tflite.export.runtime_for_files", lambda: None)
    events: list[Progress] = []
    pack(tiny_bundles["float32"] / "model.tflite", tmp_path / "out", events=events)
    warnings = [event.text for event in events if event.kind is ProgressKind.WARNING]
    assert any("not run, there is no interpreter" in text for text in warnings)


@pytest.mark.parametrize(
    ("described", "packed_files", "words"),
    [
        (
            metadata_bytes([0.0], [1.0], "other.txt"),
            {"labels.txt": "a\nb\n"},
            "packed labels 'other.txt' cannot be read",
        ),
        (metadata_bytes([0.0], [0.0]), {"labels.txt": "a\nb\n"}, "its metadata cannot be read: "),
        (b"\xff\xff\xff\x7f" * 4, {}, "its metadata cannot be read: "),
    ],
)
def test_broken_metadata_is_told(
    tiny_bundles: dict[str, Path], tmp_path: Path, described: bytes, packed_files: dict[str, str], words: str
) -> None:
    rich = with_metadata(tiny_bundles["float32"] / "model.tflite", tmp_path / "rich.tflite", described, packed_files)
    with pytest.raises(ModelError, match=words):
        pack(rich, tmp_path / "out")


def test_packed_labels_that_do_not_fit_are_refused(tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    path = tiny_bundles["float32"] / "model.tflite"
    rich = with_metadata(path, tmp_path / "rich.tflite", metadata_bytes([0.0], [1.0]), {"labels.txt": "one\n"})
    with pytest.raises(UsageError, match=r"rich\.tflite: labels\.txt: it has 1 label, and the model has 2 classes"):
        pack(rich, tmp_path / "out")


def test_options_for_a_post_processing_that_stays_are_warned_about(
    tiny_bundles: dict[str, Path], tmp_path: Path
) -> None:
    path, events = tiny_bundles["int8"] / "model.tflite", list[Progress]()
    pack(path, tmp_path / "out", events=events, postprocess=PostprocessOptions(max_detections=3))
    assert any("stays as it is" in event.text for event in events if event.kind is ProgressKind.WARNING)
    events.clear()
    pack(path, tmp_path / "out", events=events, postprocess=PostprocessOptions())
    assert not any("stays as it is" in event.text for event in events)


def test_the_command_packs_a_finished_file_without_pictures_or_tensorflow(
    tiny_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    arguments = [tiny_bundles["int8"] / "model.tflite", "--variant", "int8", "--out", tmp_path]
    arguments += ["--input-range", "0..255", "--name", "tiny"]
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert open_bundle(tmp_path / "int8").digest[:12] in result.output
    assert open_bundle(tmp_path / "int8").manifest.input.std == (1.0,) * 3
