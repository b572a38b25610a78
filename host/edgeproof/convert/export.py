"""Exports a model source to bundles, one a variant, and skips what is there already."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.bundle import Bundle, open_bundle, require_replaceable, write_bundle
from edgeproof.convert.bundle_manifest import describe_bundle, other_files
from edgeproof.convert.converter import convert_saved_detector, input_shape, saved_detector
from edgeproof.convert.detector_metadata import describe_detector
from edgeproof.convert.file_problems import file_warnings
from edgeproof.convert.finished_file import export_finished
from edgeproof.convert.float_layers import describe_float_layers
from edgeproof.convert.provenance import describe_provenance
from edgeproof.convert.representative import RepresentativeSet, Sampling, representative_set
from edgeproof.convert.structural_check import check_structure
from edgeproof.convert.tflite_file import read_tflite
from edgeproof.convert.trial import complaint, prepare_trial
from edgeproof.convert.variants import Variant, VariantSettings, settings_of
from edgeproof.errors import BundleError, UsageError
from edgeproof.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.manifest import InputContract, InputType, OutputContract

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ExportOptions:
    name: str | None = None
    """Names the model in the bundle and its application on a board; the source's file name when None."""
    labels: Path | None = None
    """Text file with one label a line, label map (.pbtxt) or COCO JSON."""
    source: SourceOptions = field(default_factory=SourceOptions)
    """What the source does not say itself."""
    input_type: InputType | None = None
    """uint8 or int8, of the int8 variant; uint8 when None."""
    postprocess: PostprocessOptions = field(default_factory=PostprocessOptions)
    sampling: Sampling = field(default_factory=Sampling)
    keep_float: tuple[str, ...] = ()
    """Layers of the int8 variant that are not quantized, by the names that `quantization_debug` gives."""


@dataclass(frozen=True)
class _Job:
    """One variant that is asked for."""

    settings: VariantSettings
    out_dir: Path
    provenance: dict[str, Any]


def export(
    source: Path,
    out_dir: Path,
    variants: Sequence[Variant],
    images: Path | None = None,
    options: ExportOptions | None = None,
    progress: ProgressListener = silent,
) -> list[Bundle]:
    """Converts `source` to a bundle a variant, at `out_dir`/<variant>, in the order of `variants`.

    A bundle that is there with the same provenance is kept, and noted as up to date; when all are, TensorFlow is not
    imported. `images` is the folder of calibration pictures. Raises UsageError (PictureFolderError among them),
    NotAnSsdError, ConversionError or BundleError.
    """
    options = options or ExportOptions()
    chosen = _chosen(variants, options)
    if not chosen:
        raise UsageError("No variant was asked for. Name at least one with --variant.")
    calibrated = [settings.variant.value for settings in chosen if settings.calibrated]
    recognised = recognise_source(source)
    if calibrated and images is None and not recognised.kind.finished:
        raise UsageError(
            f"{', '.join(calibrated)} needs calibration pictures: give a folder with 100 or so pictures like those "
            "that the detector will see with --images."
        )
    if options.labels is not None and not options.labels.is_file():
        raise UsageError(f"{options.labels}: there is no such file. Give a text file with --labels, one label a line.")
    options.source.require_files()
    name = application_name(options.name, source)
    if recognised.kind.finished and options.keep_float:
        raise UsageError(
            f"{source}: it is converted already, so its layers stay as they are. Leave --keep-float out, or give the "
            "model that it was converted from."
        )
    if recognised.kind.finished:
        return export_finished(
            recognised, out_dir, variants, name, options.labels, options.source, progress, options.postprocess
        )
    pictures = representative_set(images, options.sampling) if images is not None else None
    calibration = None if pictures is None else (pictures, options.sampling)
    jobs = [
        _Job(
            settings,
            out_dir / settings.variant.value,
            describe_provenance(recognised, settings, options.postprocess, options.labels, calibration, options.source),
        )
        for settings in chosen
    ]
    bundles = {job.settings.variant: bundle for job in jobs if (bundle := _up_to_date(job, name)) is not None}
    for variant in bundles:
        progress(Progress(f"{variant.value}: up to date", ProgressKind.NOTE))
    missing = [job for job in jobs if job.settings.variant not in bundles]
    if missing:
        for job in missing:
            require_replaceable(job.out_dir)
        if pictures is not None:
            pictures.require_readable()
        progress(Progress("starting TensorFlow"))
        import_tensorflow()
        progress(Progress(f"reading {source.name}"))
        model = recognised.read(options.labels, name, options.source)
        progress(Progress(f"{source.name}: {_found(model)}", ProgressKind.NOTE))
        options.postprocess.require_classes(model.num_classes)
        for job, bundle in _convert(model, missing, pictures, options.postprocess, progress):
            bundles[job.settings.variant] = bundle
    return [bundles[job.settings.variant] for job in jobs]


def _chosen(variants: Sequence[Variant], options: ExportOptions) -> list[VariantSettings]:
    """Settings of each variant once. Input type and float layers concern int8; without it, they are mistakes that are
    told.
    """
    unique, input_type = dict.fromkeys(variants), options.input_type
    if options.keep_float and Variant.INT8 not in unique:
        raise UsageError("--keep-float keeps layers of int8 float: ask for --variant int8, or leave it out.")
    if input_type is None or Variant.INT8 in unique:
        return [int8_settings(options) if variant is Variant.INT8 else settings_of(variant) for variant in unique]
    return [settings_of(variant, input_type) for variant in unique]


def int8_settings(options: ExportOptions) -> VariantSettings:
    """How int8 is converted with these options."""
    keep_float = tuple(sorted(set(options.keep_float)))
    return replace(settings_of(Variant.INT8, options.input_type), keep_float=keep_float)


def application_name(name: str | None, source: Path) -> str:
    """What the model is called in its bundles. Raises UsageError when `name` cannot be a name."""
    if name is None:
        return re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip("-._")[:64] or "detector"
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name is {name!r}; use at most 64 letters, digits, dots, dashes and underscores.")
    return name


def _up_to_date(job: _Job, name: str) -> Bundle | None:
    try:
        bundle = open_bundle(job.out_dir)
    except BundleError:
        return None
    same = bundle.manifest.provenance == job.provenance and bundle.manifest.name == name
    return bundle if same else None


def _convert(
    model: SsdModel,
    jobs: Sequence[_Job],
    pictures: RepresentativeSet | None,
    postprocess: PostprocessOptions,
    progress: ProgressListener,
) -> Iterator[tuple[_Job, Bundle]]:
    progress(Progress("running the source"))
    trial = prepare_trial(model, postprocess, pictures)
    progress(Progress("building the detector"))
    with saved_detector(model, postprocess) as saved_model:
        for job in jobs:
            variant = job.settings.variant.value
            progress(Progress(f"converting to {variant}"))
            samples = None
            if pictures is not None and job.settings.calibrated:
                samples = CalibrationSamples(pictures, model.input, variant, progress)
            data = convert_saved_detector(saved_model, job.settings, samples, input_shape(model))
            progress(Progress(f"checking {variant}"))
            file = read_tflite(data, f"{variant}/model.tflite")
            check_structure(file, job.settings, model.input, postprocess)
            manifest = describe_bundle(model, file, job.settings.variant, postprocess, job.provenance)
            if job.settings.keep_float:
                kept = describe_float_layers(job.settings.keep_float, file)
                progress(Progress(f"{variant}: {kept}", ProgressKind.NOTE))
            if isinstance(manifest.output, OutputContract):
                data = describe_detector(data, model.name, manifest.input, manifest.output, model.labels)
            progress(Progress(f"trying {variant}"))
            deviation = trial.run(manifest, data)
            for warning in file_warnings(file):
                progress(Progress(f"{variant}: {warning}", ProgressKind.WARNING))
            worse = complaint(job.settings.variant, deviation)
            kind = ProgressKind.NOTE if worse is None else ProgressKind.WARNING
            progress(Progress(worse or f"{variant}: {deviation}", kind))
            others = other_files(model, postprocess)
            yield job, write_bundle(job.out_dir, manifest, data, model.labels.names, others)


@dataclass(frozen=True)
class CalibrationSamples:
    """The representative data set as the converter calls it, telling the listener how far calibration is."""

    pictures: RepresentativeSet
    contract: InputContract
    variant: str
    progress: ProgressListener

    def __call__(self) -> Iterator[npt.NDArray[np.float32]]:
        return self.pictures.tensors(self.contract, self._on_done, self._on_broken)

    def _on_done(self, done: int) -> None:
        self.progress(Progress(f"calibrating {self.variant}", done=done, total=len(self.pictures)))

    def _on_broken(self, path: Path, reason: str) -> None:
        self.progress(Progress(f"{path}: left out of the calibration, {reason}", ProgressKind.WARNING))


def _found(model: SsdModel) -> str:
    classes = f"{model.num_classes} class{'es' if model.num_classes > 1 else ''}"
    size = f"{model.input.height} x {model.input.width}"
    return f"{model.source.description}; {size}, {model.num_anchors} anchors, {classes}"
