"""Drives TensorFlow's converter: one SavedModel of a detector, and from it a .tflite a variant."""

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.from_tensorflow.full_integer import calibrated_file, convert_full_integer
from edgeproof.convert.variants import Variant, VariantSettings, settings_of
from edgeproof.errors import ConversionError, EdgeproofError
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions, detector_module
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof.tflite.layer_names import resolve_float_layers

SIGNATURE = "serving_default"

Shape = tuple[int, ...]

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
        with quiet(), explained(f"save {model.source.file_name} as a SavedModel"):
            module, serve = detector_module(model, options)
            tensorflow.saved_model.save(module, str(path), signatures={SIGNATURE: serve})
        yield path


def convert_saved_detector(
    saved_model: Path, settings: VariantSettings, samples: Samples | None = None, input_shape: Shape | None = None
) -> bytes:
    """The .tflite of one variant. `samples` is the representative data set of a calibrated variant.

    Raises ConversionError when a sample is not float32 of `input_shape`, when there is none, or when TensorFlow cannot
    convert the model; what it wrote is checked by `structural_check`. Raises UsageError when it has no layer that the
    settings keep float.
    """
    with quiet(), explained(f"convert the model to {settings.variant.value}"):
        if settings.variant is Variant.INT8 and samples is not None:
            given = (sample for (sample,) in checked_samples(samples(), input_shape))
            first = next(given)
            converter = configured_converter(saved_model, settings, lambda: iter([first]), input_shape)
            return convert_full_integer(converter, settings, itertools.chain([first], given))
        return bytes(configured_converter(saved_model, settings, samples, input_shape).convert())


def require_float_layers(saved_model: Path, settings: VariantSettings, input_shape: Shape) -> None:
    """Raises UsageError when the model has no layer that the settings keep float: before the calibration, which is the
    long part. One sample is enough for the names that layers have when they are quantized.
    """
    if settings.keep_float:
        sample = np.zeros(input_shape, np.float32)
        with quiet(), explained("look at the layers of the model"):
            converter = configured_converter(saved_model, settings, lambda: iter([sample]), input_shape)
            resolve_float_layers(settings.keep_float, calibrated_file(converter))


def configured_converter(
    saved_model: Path, settings: VariantSettings, samples: Samples | None = None, input_shape: Shape | None = None
) -> Any:
    """A TFLiteConverter that is set up for one variant; what is raised is as with `convert_saved_detector`."""
    if settings.calibrated and samples is None:
        raise ConversionError(f"{settings.variant.value} needs a representative data set: give pictures with --images.")
    tensorflow = import_tensorflow()
    converter = tensorflow.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SIGNATURE])
    converter.target_spec.supported_ops = [getattr(tensorflow.lite.OpsSet, op.value) for op in settings.operators]
    if settings.optimize:
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    if settings.half_precision:
        converter.target_spec.supported_types = [tensorflow.float16]
    if samples is not None and settings.calibrated:
        converter.representative_dataset = lambda: checked_samples(samples(), input_shape)
        converter.inference_input_type = getattr(tensorflow, settings.input_type.value)
        converter.inference_output_type = tensorflow.float32
    return converter


def convert(
    model: SsdModel, variant: Variant, options: PostprocessOptions | None = None, samples: Samples | None = None
) -> bytes:
    """Converts one variant of a model; several are cheaper from one `saved_detector`. Raises ConversionError."""
    with saved_detector(model, options or PostprocessOptions()) as saved_model:
        return convert_saved_detector(saved_model, settings_of(variant), samples, input_shape(model))


def input_shape(model: SsdModel) -> Shape:
    """The shape of the network's input, and so of every sample."""
    return (1, model.input.height, model.input.width, 3)


def checked_samples(
    samples: Iterable[npt.NDArray[np.float32]], shape: Shape | None
) -> Iterator[list[npt.NDArray[np.float32]]]:
    """Each sample as the converter wants it: a list of inputs. TensorFlow takes none at all for a float model, and
    stumbles over others deep in its kernels. Raises ConversionError.
    """
    count = 0
    for sample in samples:
        if not isinstance(sample, np.ndarray) or sample.dtype != np.float32:
            found = str(sample.dtype) if isinstance(sample, np.ndarray) else type(sample).__name__
            raise ConversionError(
                f"A sample of the representative data set is {found}; the network reads float32 arrays, also when it "
                "becomes int8. Prepare the pictures as edgeproof_agent does."
            )
        if shape is not None and sample.shape != shape:
            raise ConversionError(
                f"A sample of the representative data set has shape {list(sample.shape)}; the network reads "
                f"{list(shape)}, one picture at a time. Prepare the pictures as edgeproof_agent does."
            )
        count += 1
        yield [sample]
    if not count:
        raise ConversionError(
            "The representative data set is empty, so there is nothing to calibrate with: give pictures with --images."
        )


@contextlib.contextmanager
def explained(task: str, tool: str = "TensorFlow") -> Iterator[None]:
    """Turns whatever TensorFlow, or another `tool`, raises into a ConversionError; our own errors pass."""
    try:
        yield
    except EdgeproofError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConversionError(
            f"{tool} could not {task}: {reason.strip()} (its own log is shown with 'edgeproof --debug')"
        ) from error
