"""How pictures are prepared for a .tflite that is converted already: what it does not say is taken, and told."""

from dataclasses import dataclass

import numpy as np

from edgeproof.ssd.source_options import InputRange, SourceOptions
from edgeproof.tflite.file import TfliteFile
from edgeproof.tflite.metadata_reader import TfliteMetadata
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputContract, InputType, Manifest, Quantization

_Channels = tuple[float, float, float]


@dataclass(frozen=True)
class FinishedInput:
    contract: InputContract
    words: str
    """What says how pictures are resized, or what was taken because nothing does."""
    doubt: str | None
    """Half a sentence, when the range of the pixels is a default."""


def resolve_input(
    file: TfliteFile, metadata: TfliteMetadata, beside: Manifest | None, stated: SourceOptions | None = None
) -> FinishedInput:
    """Range and colour order by `stated`; else by `beside`, the manifest of the bundle that the file is from; else by
    the metadata, unless it contradicts the quantization; else an integer input gets the pixels as they are, a float one
    -1..1.

    Metadata has no field for resizing and colour order: without `beside`, half-pixel centres and RGB are taken.
    """
    stated = stated or SourceOptions()
    tensor = file.inputs[0]
    _, height, width, _ = tensor.shape
    dtype, doubt = InputType(tensor.dtype), None
    quantization = None if dtype is InputType.FLOAT32 else tensor.quantization
    if stated.normalisation is not None:
        mean, std = stated.normalisation
    elif stated.input_range is not None:
        mean, std = (stated.input_range.mean,) * 3, (stated.input_range.std,) * 3
    elif beside is not None:
        mean, std = beside.input.mean, beside.input.std
    elif metadata.normalization is not None:
        mean, std = metadata.normalization.mean, metadata.normalization.std
        if quantization is not None and _saturates(mean, std, quantization, dtype):
            shown = f"mean {mean[0]:g} and std {std[0]:g}"
            mean, std = _pixels_as_they_are(quantization, dtype)
            doubt = (
                f"its metadata says {shown}, by which its {dtype.value} input would be full for most pixels: "
                "pixels are taken as they are"
            )
    elif quantization is not None:
        mean, std = _pixels_as_they_are(quantization, dtype)
    else:
        mean, std = (InputRange.MINUS_ONE_TO_ONE.mean,) * 3, (InputRange.MINUS_ONE_TO_ONE.std,) * 3
        doubt = "it does not say what range of pixels it takes; -1..1 is taken"
    order, coordinates = ColourOrder.RGB, Coordinates.HALF_PIXEL
    words = "resized with half-pixel centres, as TensorFlow 2 does: the file does not say"
    if beside is not None:
        order, coordinates = beside.input.colour_order, beside.input.coordinates
        words = "pictures prepared as the bundle.json beside it says"
    if stated.colour_order is not None:
        order = stated.colour_order
    return FinishedInput(InputContract(height, width, order, coordinates, mean, std, dtype, quantization), words, doubt)


def _pixels_as_they_are(quantization: Quantization, dtype: InputType) -> tuple[_Channels, _Channels]:
    """Mean and std by which `(pixel - mean) / std` is quantized to the pixel itself, less 128 for int8."""
    shift = 128 if dtype is InputType.INT8 else 0
    return (float(quantization.zero_point + shift),) * 3, (1 / quantization.scale,) * 3


def _saturates(mean: _Channels, std: _Channels, quantization: Quantization, dtype: InputType) -> bool:
    """Whether more than half of all pixel values lead beyond what the input's type holds."""
    bounds = np.iinfo(dtype.value)
    pixels = np.arange(256)[:, None]
    values = (pixels - np.array(mean)) / np.array(std) / quantization.scale + quantization.zero_point
    return bool(np.mean((values < bounds.min - 0.5) | (values > bounds.max + 0.5)) > 0.5)
