"""Export end to end: same bytes for the same input, nothing converted twice, errors before TensorFlow starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner

from edgeproof.bundle import open_bundle
from edgeproof.cli.export import command
from edgeproof.convert.calibration.representative import representative_set
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.smoke_test import complaint, prepare_trial
from edgeproof.convert.variants import Variant, available_variants
from edgeproof.errors import BundleError, ConversionError, EdgeproofError, NotAnSsdError, PictureFolderError, UsageError
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.readers.frozen_graph import read_frozen_graph
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.bundle.manifest import InputType
from edgeproof_agent.detection.detector import load_detector
from edgeproof_agent.detection.interpreters import import_runtime
from tests.support.networks import tiny_ssd
from tests.support.places import ROOT

pytestmark = pytest.mark.slow

BOTH = (Variant.FLOAT32, Variant.INT8)


@pytest.fixture
def options(tiny_ssd_folder: Path) -> ExportOptions:
    return ExportOptions(name="tiny", labels=tiny_ssd_folder / "labels.txt")


@pytest.fixture
def no_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed


@pytest.fixture
def exported(tiny_ssd_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_ssd_folder / "bundles", tmp_path / "bundles"))


def test_another_process_with_another_hash_seed_gives_the_same_bundles(
    tiny_bundles: dict[str, Path], tiny_raw_bundles: dict[str, Path], tmp_path: Path
) -> None:
    script = ROOT / "tests" / "support" / "networks" / "tiny_ssd.py"
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, script, tmp_path / "again"], env=environment, check=True, capture_output=True)
    assert list(tiny_bundles) == sorted(variant.value for variant in available_variants())
    for variant, path in tiny_bundles.items():
        assert open_bundle(tmp_path / "again" / "bundles" / variant).digest == open_bundle(path).digest
    for variant, path in tiny_raw_bundles.items():
        assert open_bundle(tmp_path / "again" / "raw" / variant).digest == open_bundle(path).digest
    assert [path.name for path in tmp_path.iterdir()] == ["again"], "temporary files were left"


@pytest.mark.usefixtures("no_tensorflow")
def test_bundles_that_are_there_are_kept_without_tensorflow(
    tiny_frozen_graph: Path, tiny_pictures: Path, exported: Path, options: ExportOptions
) -> None:
    events: list[Progress] = []
    bundles = export(tiny_frozen_graph, exported, BOTH, tiny_pictures, options, events.append)
    assert [bundle.manifest.variant for bundle in bundles] == ["float32", "int8"]
    assert [event.text for event in events if event.kind is ProgressKind.NOTE] == [
        "float32: up to date",
        "int8: up to date",
    ]


@pytest.mark.usefixtures("no_tensorflow")
@pytest.mark.parametrize(
    "changed",
    [
        ExportOptions(name="other"),
        ExportOptions(name="tiny"),
        ExportOptions(name="tiny", postprocess=PostprocessOptions(max_detections=5)),
        ExportOptions(name="tiny", postprocess=PostprocessOptions(in_graph=False)),
    ],
)
def test_other_settings_are_converted_afresh(tiny_frozen_graph: Path, exported: Path, changed: ExportOptions) -> None:
    with pytest.raises(ConversionError, match="TensorFlow is not installed"):
        export(tiny_frozen_graph, exported, [Variant.FLOAT32], None, changed)


@pytest.mark.usefixtures("no_tensorflow")
def test_other_calibration_pictures_concern_int8_alone(
    tiny_frozen_graph: Path, tiny_pictures: Path, exported: Path, options: ExportOptions, tmp_path: Path
) -> None:
    fewer = Path(shutil.copytree(tiny_pictures, tmp_path / "fewer"))
    next(fewer.iterdir()).unlink()
    export(tiny_frozen_graph, exported, [Variant.FLOAT32], fewer, options)
    with pytest.raises(ConversionError, match="TensorFlow is not installed"):
        export(tiny_frozen_graph, exported, BOTH, fewer, options)


@pytest.mark.usefixtures("no_tensorflow")
def test_a_damaged_bundle_is_converted_afresh(tiny_frozen_graph: Path, exported: Path, options: ExportOptions) -> None:
    (exported / "float32" / "model.tflite").write_bytes(b"damaged")
    with pytest.raises(ConversionError, match="TensorFlow is not installed"):
        export(tiny_frozen_graph, exported, [Variant.FLOAT32], None, options)


@pytest.mark.usefixtures("no_tensorflow")
def test_mistakes_are_found_before_tensorflow_starts(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UsageError, match=r"int8 needs calibration pictures: .* --images"):
        export(tiny_frozen_graph, out, BOTH)
    with pytest.raises(UsageError, match="No variant was asked for"):
        export(tiny_frozen_graph, out, [])
    with pytest.raises(UsageError, match=r"int8, int16x8 need calibration pictures: .* --images"):
        export(tiny_frozen_graph, out, tuple(Variant))
    with pytest.raises(UsageError, match=r"--name is '\.\./evil'"):
        export(tiny_frozen_graph, out, [Variant.FLOAT32], options=ExportOptions(name="../evil"))
    with pytest.raises(UsageError, match=r"labels\.txt: there is no such file\. .* --labels"):
        export(tiny_frozen_graph, out, [Variant.FLOAT32], options=ExportOptions(labels=tmp_path / "labels.txt"))
    with pytest.raises(PictureFolderError, match="there is no such folder"):
        export(tiny_frozen_graph, out, BOTH, tmp_path / "nowhere")
    with pytest.raises(NotAnSsdError, match="there is no such file"):
        export(tmp_path / "model.pb", out, [Variant.FLOAT32])
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "a.jpg").write_bytes(b"broken")
    with pytest.raises(PictureFolderError, match="its only picture cannot be read"):
        export(tiny_frozen_graph, out, BOTH, broken)
    (out / "float32").mkdir(parents=True)
    (out / "float32" / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="other files than a bundle"):
        export(tiny_frozen_graph, out, BOTH, tiny_pictures)


@pytest.mark.tensorflow
def test_broken_calibration_pictures_are_named_and_left_out(
    tiny_frozen_graph: Path, tiny_pictures: Path, options: ExportOptions, tmp_path: Path
) -> None:
    pictures = Path(shutil.copytree(tiny_pictures, tmp_path / "pictures"))
    (pictures / "aaa.jpg").write_bytes(b"broken")
    events: list[Progress] = []
    (bundle,) = export(tiny_frozen_graph, tmp_path / "out", [Variant.INT8], pictures, options, events.append)
    warnings = {event.text for event in events if event.kind is ProgressKind.WARNING}
    assert warnings == {
        f"{pictures / 'aaa.jpg'}: left out of the calibration, it is broken or not a picture (JPEG, PNG, BMP, WebP ...)"
    }
    assert max(event.done for event in events) == 13
    assert bundle.manifest.provenance["calibration"]["pictures"] == 13


@pytest.mark.tensorflow
def test_each_variant_is_tried_against_the_source_and_the_deviation_is_told(
    tiny_frozen_graph: Path, tiny_pictures: Path, options: ExportOptions, tmp_path: Path
) -> None:
    events: list[Progress] = []
    export(tiny_frozen_graph, tmp_path / "out", tuple(Variant), tiny_pictures, options, events.append)
    notes = [event.text for event in events if event.kind is ProgressKind.NOTE]
    for variant in Variant:
        assert any(note.startswith(f"{variant.value}: 6 of 6 detections of the source on 6 pictures") for note in notes)
    assert not [event for event in events if event.kind is ProgressKind.WARNING]
    export(tiny_frozen_graph, tmp_path / "blind", [Variant.FLOAT32], None, options, events.append)
    blind = [event.text for event in events if event.kind is ProgressKind.NOTE][-1]
    assert blind.startswith("float32: ")
    assert "on 1 picture" in blind


@pytest.mark.tensorflow
def test_a_model_that_was_calibrated_on_other_pictures_is_complained_about_with_what_helps(
    tiny_frozen_graph: Path, tmp_path: Path, options: ExportOptions
) -> None:
    """Calibrated on darkness alone, int8 hardly sees what is bright."""
    tiny_ssd.write_pictures(tmp_path / "pictures", 2)
    dark = tmp_path / "dark"
    dark.mkdir()
    cv2.imwrite(str(dark / "dark.png"), tiny_ssd.draw_dark())
    model = read_frozen_graph(tiny_frozen_graph)
    trial = prepare_trial(model, options.postprocess, representative_set(tmp_path / "pictures"))
    (bundle,) = export(tiny_frozen_graph, tmp_path / "out", [Variant.INT8], dark, options)
    deviation = trial.run(bundle.manifest, bundle.model_path.read_bytes())
    assert deviation.expected == 2
    assert deviation.lost or deviation.max_score_delta > 0.5
    assert "What helps: calibrate with more pictures" in str(complaint(Variant.INT8, deviation))


@pytest.mark.tensorflow
@pytest.mark.parametrize("input_type", [InputType.UINT8, InputType.INT8])
def test_int8_reads_what_was_asked_for_and_sees_the_same(
    tiny_frozen_graph: Path, tiny_pictures: Path, tmp_path: Path, input_type: InputType
) -> None:
    options = ExportOptions(input_type=input_type)
    (bundle,) = export(tiny_frozen_graph, tmp_path / "out", [Variant.INT8], tiny_pictures, options)
    assert bundle.manifest.input.dtype is input_type
    detection = load_detector(bundle.path, import_runtime("ai-edge-litert"), 1).detect(
        tiny_ssd.draw_square("red", 6, 1)
    )
    assert detection.classes[0] == 1
    assert detection.scores[0] > 0.9


@pytest.mark.tensorflow
def test_more_classes_than_the_model_has_are_refused(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    options = ExportOptions(postprocess=PostprocessOptions(max_classes_per_detection=3))
    with pytest.raises(UsageError, match="--classes-per-detection is 3, and the model has 2 classes"):
        export(tiny_frozen_graph, tmp_path / "out", [Variant.FLOAT32], None, options)


@pytest.mark.tensorflow
def test_regular_suppression_with_the_usual_threshold_is_warned_about(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    events: list[Progress] = []
    options = ExportOptions(postprocess=PostprocessOptions(use_regular_nms=True))
    export(tiny_frozen_graph, tmp_path / "out", [Variant.FLOAT32], None, options, events.append)
    warnings = [event.text for event in events if event.kind is ProgressKind.WARNING]
    assert sum("regular non-maximum suppression with a score threshold of 1e-08" in text for text in warnings) == 1


@pytest.mark.tensorflow
def test_an_interrupt_leaves_no_half_bundle_and_no_temporary_files(
    tiny_frozen_graph: Path,
    tiny_pictures: Path,
    options: ExportOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))

    def interrupt(event: Progress) -> None:
        if event.text == "calibrating int8" and event.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tiny_frozen_graph, tmp_path / "out", BOTH, tiny_pictures, options, interrupt)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["float32"]
    open_bundle(tmp_path / "out" / "float32")
    assert list(scratch.iterdir()) == []


def test_a_bundle_says_what_it_was_made_from_and_nothing_of_this_machine(
    tiny_bundles: dict[str, Path], tiny_ssd_folder: Path
) -> None:
    for path in tiny_bundles.values():
        manifest = (path / "bundle.json").read_text()
        assert '"tf1-frozen-graph"' in manifest
        assert str(tiny_ssd_folder.parent) not in manifest
        assert str(tiny_ssd_folder.parent).encode() not in (path / "model.tflite").read_bytes()
    provenance = open_bundle(tiny_bundles["int8"]).manifest.provenance
    assert provenance["calibration"]["pictures"] == 12
    assert provenance["settings"]["variant"] == "int8"


def test_the_command_prints_a_line_a_bundle(tiny_ssd_folder: Path, exported: Path) -> None:
    arguments = [tiny_ssd_folder / "tiny_ssd.pb", "--out", exported, "--images", tiny_ssd_folder / "pictures"]
    arguments += ["--labels", tiny_ssd_folder / "labels.txt", "--name", "tiny"]
    for variant in available_variants():
        arguments += ["--variant", variant.value]
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0
    for path in sorted(exported.iterdir()):
        assert open_bundle(path).digest[:12] in result.output


def test_the_command_s_errors_are_ours(tiny_frozen_graph: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tiny_frozen_graph), "--out", str(tmp_path), "--variant", "int8"])
    assert isinstance(result.exception, EdgeproofError)
    assert "--images" in str(result.exception)
