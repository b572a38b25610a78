"""What may be chosen when a source is exported, whatever it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeproof.convert.calibration.representative import Sampling
from edgeproof.convert.variants import Variant, VariantSettings, settings_of
from edgeproof.errors import UsageError
from edgeproof.odapi.source import OdapiOptions, recognise_for_odapi
from edgeproof.ssd.files.label_files import read_label_file
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import RecognisedSource, recognise_source
from edgeproof.wording.model_names import name_of_files, name_of_labels
from edgeproof.wording.progress import ProgressListener, silent
from edgeproof_agent.bundle.manifest import InputType

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ExportOptions:
    name: str | None = None
    """Names the model in the bundle and its application on a board; when None, that of its file, of a folder
    around it, or its labels."""
    labels: Path | None = None
    """Text file with one label a line, label map (.pbtxt) or COCO JSON."""
    source: SourceOptions = field(default_factory=SourceOptions)
    """What the source does not say itself."""
    input_type: InputType | None = None
    """uint8 or int8, of the int8 variant; uint8 when None."""
    postprocess: PostprocessOptions = field(default_factory=PostprocessOptions)
    sampling: Sampling = field(default_factory=Sampling)
    images_root: Path | None = None
    """Folder of the pictures when they are given by a COCO JSON file; found beside it when None."""
    keep_float: tuple[str, ...] = ()
    """Layers of the int8 variant that are not quantized, by the names that `quantization_debug` gives."""
    trust_me: bool = False
    """Goes on when the pictures contradict what was said of the source."""
    odapi: OdapiOptions | None = None
    """Has the Object Detection API's own exporter read a checkpoint; edgeproof's reader when None."""

    def recognise(self, source: Path, progress: ProgressListener = silent) -> RecognisedSource:
        """What `source` is, with the reader for it. Raises NotAnSsdError."""
        if self.odapi is None:
            return recognise_source(source)
        return recognise_for_odapi(source, self.odapi, progress)

    def require_files(self) -> None:
        """Raises UsageError when the labels or the anchors are not there, or the labels cannot be read."""
        if self.labels is not None:
            read_label_file(self.labels)
        self.source.require_files()


def chosen_settings(variants: Sequence[Variant], options: ExportOptions) -> list[VariantSettings]:
    """Settings of each variant once. Input type and float layers concern int8; without it, they are mistakes that are
    told. Raises UsageError.
    """
    unique, input_type = dict.fromkeys(variants), options.input_type
    if not unique:
        raise UsageError("No variant was asked for. Name at least one with --variant.")
    if options.keep_float and Variant.INT8 not in unique:
        raise UsageError("--keep-float keeps layers of int8 float: ask for --variant int8, or leave it out.")
    if input_type is None or Variant.INT8 in unique:
        return [int8_settings(options) if variant is Variant.INT8 else settings_of(variant) for variant in unique]
    return [settings_of(variant, input_type) for variant in unique]


def int8_settings(options: ExportOptions) -> VariantSettings:
    """How int8 is converted with these options."""
    keep_float = tuple(sorted(set(options.keep_float)))
    return replace(settings_of(Variant.INT8, options.input_type), keep_float=keep_float)


def require_calibration_pictures(settings: Sequence[VariantSettings], images: Path | None) -> None:
    """Raises UsageError when one of the variants is calibrated, and there is nothing to calibrate with."""
    calibrated = [item.variant.value for item in settings if item.calibrated]
    if calibrated and images is None:
        needs = "needs" if len(calibrated) == 1 else "need"
        raise UsageError(
            f"{', '.join(calibrated)} {needs} calibration pictures: give a folder with 100 or so pictures like those "
            "that the detector will see, or a COCO JSON file, with --images."
        )


def application_name(options: ExportOptions, source: Path) -> str:
    """What the model is called in its bundles. Raises UsageError when `options.name` cannot be a name."""
    if options.name is None:
        return name_of_files(source) or name_of_labels(_labels(options))
    if not _NAME.fullmatch(options.name):
        raise UsageError(f"--name is {options.name!r}; use at most 64 letters, digits, dots, dashes and underscores.")
    return options.name


def _labels(options: ExportOptions) -> list[str]:
    if options.labels is None:
        return []
    names = read_label_file(options.labels).names
    return list(names.values() if isinstance(names, Mapping) else names)
