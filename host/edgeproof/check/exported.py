"""Exports the model of `[check]` where its bundles are missing or stale; TensorFlow is imported only then."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from edgeproof.bundle import Bundle
from edgeproof.config.check import CheckConfig
from edgeproof.config.export import ExportConfig
from edgeproof.convert.calibration.representative import Sampling
from edgeproof.convert.export import export
from edgeproof.convert.export_options import ExportOptions, chosen_settings
from edgeproof.convert.provenance import tensorflow_version
from edgeproof.convert.variants import parse_variants
from edgeproof.errors import ConversionError, UsageError
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.families import Family, with_family
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import (
    AnchorFormat,
    InputRange,
    ScoreConverter,
    SourceOptions,
    parse_box_scales,
    parse_channels,
    parse_input_size,
)
from edgeproof.wording.progress import ProgressListener, silent
from edgeproof_agent.bundle.manifest import ColourOrder, Coordinates, InputType

_DEFAULT_VARIANTS = ("float32",)
_Number = TypeVar("_Number", int, float)


def exported_bundles(
    config: CheckConfig,
    path: Path,
    progress: ProgressListener = silent,
    export: Callable[..., Sequence[Bundle]] = export,
) -> list[Path]:
    """The folders of the model's bundles, whole and made from what the file names; none without a model.

    `path` is the file that `config` was read from. Raises what export raises, and `UsageError` where a bundle is
    missing or stale and TensorFlow is not installed.
    """
    if config.model is None:
        return []
    given = config.export or ExportConfig()
    folder = path.parent

    def place(name: str | None) -> Path | None:
        return None if name is None else folder / Path(name).expanduser()

    try:
        options = export_options(given, folder)
    except UsageError as error:
        raise UsageError(f"{path}: [check.export] cannot be meant: {error}") from error
    variants = parse_variants(config.variants or _DEFAULT_VARIANTS)
    calibrated = [item.variant.value for item in chosen_settings(variants, options) if item.calibrated]
    if calibrated and given.images is None and not config.model.endswith(".tflite"):
        raise UsageError(
            f"{path}: [check] variants names {' and '.join(calibrated)}, which need calibration pictures: "
            'write images = "FOLDER" in [check.export].'
        )
    model, out = folder / Path(config.model).expanduser(), folder / Path(given.out).expanduser()
    try:
        bundles = export(model, out, variants, place(given.images), options, progress)
    except ConversionError as error:
        if tensorflow_version() is not None:
            raise
        raise UsageError(
            f"{model}: a bundle of it is missing or stale, and exporting needs TensorFlow, which is not installed. "
            'Install it with: pip install "edgeproof[convert]", or check bundles as they are with --bundle.'
        ) from error
    return [bundle.path for bundle in bundles]


def export_options(given: ExportConfig, folder: Path) -> ExportOptions:
    """The same options as those of `edgeproof export`; paths start at `folder`. Raises `UsageError`."""

    def place(name: str | None) -> Path | None:
        return None if name is None else folder / Path(name).expanduser()

    usual, sampling = PostprocessOptions(), Sampling()
    anchors = given.anchors
    if anchors is not None and (folder / anchors).is_file():
        anchors = str(folder / anchors)
    source = _with_conventions(given)
    source = replace(
        source,
        boxes=given.boxes,
        scores=given.scores,
        anchors=anchors,
        anchor_format=None if given.anchor_format is None else AnchorFormat(given.anchor_format),
        box_scales=None if given.box_scales is None else parse_box_scales(given.box_scales),
        input_range=None if given.input_range is None else InputRange(given.input_range),
        input_size=None if given.input_size is None else parse_input_size(given.input_size),
        score_converter=None if given.score_converter is None else ScoreConverter(given.score_converter),
        background=given.background,
    )
    if given.family is not None:
        source = with_family(source, _family(given.family))
    return ExportOptions(
        name=given.name,
        labels=place(given.labels),
        source=source,
        input_type=None if given.input_type is None else InputType(given.input_type),
        postprocess=PostprocessOptions(
            max_detections=_or(given.max_detections, usual.max_detections),
            max_classes_per_detection=_or(given.classes_per_detection, usual.max_classes_per_detection),
            score_threshold=_or(given.score_threshold, usual.score_threshold),
            iou_threshold=_or(given.iou_threshold, usual.iou_threshold),
            use_regular_nms=given.nms == "regular",
            in_graph=given.post != "none",
        ),
        sampling=Sampling(_or(given.calibration_size, sampling.limit), _or(given.seed, sampling.seed)),
        images_root=place(given.images_root),
        keep_float=given.keep_float,
        trust_me=given.trust_me,
    )


def _with_conventions(given: ExportConfig) -> SourceOptions:
    return SourceOptions(
        background_last=given.background_last or None,
        box_coder=None if given.box_coder is None else BoxCoder(given.box_coder),
        box_order=None if given.box_order is None else CoordinateOrder(given.box_order),
        anchor_order=None if given.anchor_order is None else CoordinateOrder(given.anchor_order),
        anchor_units=None if given.anchor_units is None else AnchorUnits(given.anchor_units),
        colour_order=None if given.colour_order is None else ColourOrder(given.colour_order),
        coordinates=None if given.coordinates is None else Coordinates(given.coordinates),
        mean=None if given.mean is None else parse_channels(given.mean, "mean"),
        std=None if given.std is None else parse_channels(given.std, "std"),
    )


def _family(name: str) -> Family:
    try:
        return Family(name)
    except ValueError:
        known = ", ".join(item.value for item in Family)
        raise UsageError(f"[check.export]: family is {name!r}; edgeproof knows {known}.") from None


def _or(value: _Number | None, usual: _Number) -> _Number:
    return usual if value is None else value
