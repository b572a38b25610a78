"""`edgeproof export` of {float32, int8} with 100 calibration pictures, against the bare converter calls."""

import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tensorflow.converter import SIGNATURE, saved_detector
from edgeproof.convert.variants import Variant
from edgeproof.errors import SampleError
from edgeproof.sample.coco import fetch_coco
from edgeproof.sample.pedestrian import fetch_pedestrian
from edgeproof.sample.recipe import Sample
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof.wording.progress import Progress, ProgressKind
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture
from tests.benchmarks.interleaved import measure

FOLDER = Path("build/bench/export")
VARIANTS = (Variant.FLOAT32, Variant.INT8)
PICTURES = 100
ROUNDS = 3


def main() -> None:
    sample = _sample()
    pictures = _hundred(sample.calibration, FOLDER / sample.name / "pictures")
    options = ExportOptions(name=sample.name, labels=sample.labels)
    out = FOLDER / sample.name / "bundles"
    model = recognise_source(sample.model).read(sample.labels, sample.name)
    steps = _Steps()

    with saved_detector(model, PostprocessOptions()) as saved_model:

        def prepared() -> Iterator[list[npt.NDArray[np.float32]]]:
            for path in sorted(pictures.iterdir()):
                yield [prepare(decode_picture(path.read_bytes()), model.input)]

        def bare() -> None:
            tensorflow = import_tensorflow()
            with quiet():
                for calibrated in (False, True):
                    converter = tensorflow.lite.TFLiteConverter.from_saved_model(
                        str(saved_model), signature_keys=[SIGNATURE]
                    )
                    if calibrated:
                        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
                        converter.representative_dataset = prepared
                        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
                        converter.inference_input_type = tensorflow.uint8
                    converter.convert()

        def exported() -> None:
            steps.begin()
            export(sample.model, out, VARIANTS, pictures, options, steps)
            steps.end()

        measure(
            f"{sample.name}: float32 and int8, {PICTURES} calibration pictures",
            {"bare converter, plain loop": bare, "edgeproof export": exported},
            ROUNDS,
            before=lambda: shutil.rmtree(out, ignore_errors=True),
        )
    steps.show()


def _sample() -> Sample:
    """The COCO model where it can be fetched, else the pedestrian model."""
    try:
        return fetch_coco(FOLDER.parent / "coco")
    except SampleError as error:
        Console().print(f"the COCO model is not to be had here ({error}); the pedestrian model is measured")
        return fetch_pedestrian(FOLDER.parent / "sample")


def _hundred(calibration: Path, folder: Path) -> Path:
    """The sample's pictures and shifted copies of them, 100 in all, as the JPEG files that users have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = [cv2.imread(str(path)) for path in sorted(calibration.iterdir())]
    for number in range(PICTURES):
        shifted = np.roll(sources[number % len(sources)], 16 * (number // len(sources)), axis=1)
        cv2.imwrite(str(folder / f"{number:03}.jpg"), shifted)
    return folder


class _Steps:
    """Listens to the export, and shows what each of its steps took the last time."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.started = [("reading the settings", time.perf_counter())]

    def __call__(self, progress: Progress) -> None:
        if progress.kind is ProgressKind.STEP and progress.text != self.started[-1][0]:
            self.started.append((progress.text, time.perf_counter()))

    def end(self) -> None:
        self.started.append(("end", time.perf_counter()))

    def show(self) -> None:
        table = Table("step", "ms", title="the steps of the last export")
        for (name, start), (_, stop) in pairwise(self.started):
            table.add_row(name, f"{(stop - start) * 1e3:.0f}")
        Console(width=110).print(table)


if __name__ == "__main__":
    main()
