"""Drives TensorFlow's converter: one SavedModel of a detector, and from it a .tflite a variant."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.variants import Variant, VariantSettings, settings_of
from edgeproof.errors import ConversionError, EdgeproofError
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions, detector_module
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

SIGNATURE = "serving_default"

Samples = Callable[[], Iterator[npt.NDArray[np.float32]]]
"""Gives the representative data set, float32 [1, H, W, 3] a sample, each time it is called."""


@contextlib.contextmanager
def saved_detector(model: SsdModel, options: PostprocessOptions) -> Iterator[Path]:
    """A temporary SavedModel of heads and post-processing, which all variants are converted from.

    Converting the concrete function instead would fold the operator away without an error.
    Raises ConversionError when TensorFlow cannot write it.
    """
    tensorflow = import_tensorflow()
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        path = Path(folder) / "detector"
        with quiet(), _explained(f"save {model.source.file_name} as a SavedModel"):
            module, serve = detector_module(model, options)
            tensorflow.saved_model.save(module, str(path), signatures={SIGNATURE: serve})
        yield path


def convert_saved_detector(saved_model: Path, settings: VariantSettings, samples: Samples | None = None) -> bytes:
    """The .tflite of one variant. `samples` is the representative data set of a calibrated variant.

    Raises ConversionError when TensorFlow cannot convert it; what it wrote is checked by `structural_check`.
    """
    if settings.calibrated and samples is None:
        raise ConversionError(f"{settings.variant.value} needs a representative data set: give pictures with --images.")
    tensorflow = import_tensorflow()
    with quiet(), _explained(f"convert the model to {settings.variant.value}"):
        converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SIGNATURE])
        converter.target_spec.supported_ops = [getattr(tensorflow.lite.OpsSet, op.value) for op in settings.operators]
        if settings.optimize:
            converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        if samples is not None and settings.calibrated:
            converter.representative_dataset = lambda: ([sample] for sample in samples())
            converter.inference_input_type = getattr(tensorflow, settings.input_type.value)
            converter.inference_output_type = tensorflow.float32
        return bytes(converter.convert())


def convert(
    model: SsdModel, variant: Variant, options: PostprocessOptions | None = None, samples: Samples | None = None
) -> bytes:
    """Converts one variant of a model; several are cheaper from one `saved_detector`. Raises ConversionError."""
    with saved_detector(model, options or PostprocessOptions()) as saved_model:
        return convert_saved_detector(saved_model, settings_of(variant), samples)


@contextlib.contextmanager
def _explained(task: str) -> Iterator[Any]:
    """Turns whatever TensorFlow raises into a ConversionError; our own errors pass."""
    try:
        yield
    except EdgeproofError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConversionError(
            f"TensorFlow could not {task}: {reason.strip()} (TensorFlow's own log is shown with 'edgeproof --debug')"
        ) from error
