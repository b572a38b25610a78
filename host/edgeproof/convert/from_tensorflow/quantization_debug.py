"""Measures what each layer of an int8 model loses, by TensorFlow's quantization debugger."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeproof.convert.calibration.representative import RepresentativeSet, representative_set
from edgeproof.convert.calibration.samples import CalibrationSamples
from edgeproof.convert.export_options import ExportOptions, application_name, int8_settings
from edgeproof.convert.from_tensorflow.converter import configured_converter, explained, input_shape, saved_detector
from edgeproof.convert.variants import Variant
from edgeproof.errors import UsageError
from edgeproof.record.layer_errors import LayerError, QuantizationErrors
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.sources import recognise_source
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.layer_names import resolve_float_layers, short_names
from edgeproof.wording.progress import Progress, ProgressListener, silent

MAX_PICTURES = 16


def require_debuggable(source: Path, variants: Sequence[Variant], images: Path | None) -> None:
    """Raises UsageError when there is no int8 variant to debug, before anything is converted."""
    if Variant.INT8 not in variants:
        raise UsageError("--debug-quantization shows what the layers of int8 lose: ask for --variant int8.")
    if recognise_source(source).kind.finished:
        raise UsageError(
            f"{source}: it is converted already, and only a conversion can be debugged. Leave --debug-quantization "
            "out, or give the model that it was converted from."
        )
    if images is None:
        raise UsageError("--debug-quantization needs calibration pictures: give a folder with --images.")


def debug_quantization(
    source: Path, images: Path, options: ExportOptions | None = None, progress: ProgressListener = silent
) -> QuantizationErrors:
    """Quantizes `source` with these options as TensorFlow's converter does, which is what `export` then corrects, and
    measures each layer on up to `MAX_PICTURES` of `images`. Layers that the options keep float are not among them.

    Raises UsageError, NotAnSsdError or ConversionError.
    """
    options = options or ExportOptions()
    pictures = representative_set(images, options.sampling, options.images_root)
    progress(Progress("starting TensorFlow"))
    import_tensorflow()
    progress(Progress(f"reading {source.name}"))
    name = application_name(options, source)
    model = options.recognise(source, progress).read(options.labels, name, options.source)
    return _debug(model, pictures, options, progress)


def _debug(
    model: SsdModel, pictures: RepresentativeSet, options: ExportOptions, progress: ProgressListener
) -> QuantizationErrors:
    debugging = import_tensorflow().lite.experimental
    some = replace(pictures, files=pictures.files[:: -(-len(pictures) // MAX_PICTURES)])
    settings = replace(int8_settings(options), keep_float=())
    calibration = CalibrationSamples(pictures, model.input, settings.variant.value, progress)
    broken: list[Path] = []

    def samples() -> Iterator[list[Any]]:
        return ([tensor] for tensor in some.tensors(model.input, on_broken=lambda path, _: broken.append(path)))

    progress(Progress("building the detector"))
    with saved_detector(model, options.postprocess) as saved_model, quiet(), explained("debug the quantization"):
        converter = configured_converter(saved_model, settings, calibration, input_shape(model))
        converter.inference_input_type = import_tensorflow().float32
        debugger = debugging.QuantizationDebugger(converter=converter, debug_dataset=samples)
        calibrated = read_tflite(debugger.calibrated_model)
        if options.keep_float:
            kept = resolve_float_layers(options.keep_float, calibrated)
            debugger.options = debugging.QuantizationDebugOptions(denylisted_nodes=kept)
        progress(Progress("measuring the layers of int8"))
        debugger.run()
        dump = io.StringIO()
        debugger.layer_statistics_dump(dump)
    rows = csv.DictReader(dump.getvalue().splitlines())
    return QuantizationErrors(_layer_errors(rows, short_names(calibrated.layers)), len(some) - len(broken))


def _layer_errors(rows: Iterable[dict[str, Any]], names: dict[str, str]) -> tuple[LayerError, ...]:
    """The debugger's table, worst layer first."""
    errors = [
        LayerError(
            name=names.get(row["tensor_name"], row["tensor_name"]),
            operator=row["op_name"],
            scale=float(row["scale"]),
            rmse=math.sqrt(float(row["mean_squared_error"])),
            max_error=float(row["max_abs_error"]),
        )
        for row in rows
    ]
    return tuple(sorted(errors, key=lambda error: (-error.relative, error.name)))
