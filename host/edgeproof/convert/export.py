"""Exports a model source to bundles, one a variant, and skips what is there already."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.bundle import Bundle, open_bundle, require_replaceable, write_bundle
from edgeproof.convert.converter import convert_saved_detector, saved_detector
from edgeproof.convert.provenance import describe_provenance
from edgeproof.convert.representative import RepresentativeSet, Sampling, representative_set
from edgeproof.convert.structural_check import check_structure, resolve_outputs
from edgeproof.convert.tflite_file import TfliteFile, read_tflite
from edgeproof.convert.variants import Variant, VariantSettings, settings_of
from edgeproof.errors import BundleError, UsageError
from edgeproof.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.sources import recognise_source
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof_agent.manifest import InputContract, InputType, Manifest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ExportOptions:
    name: str | None = None
    """Names the model in the bundle and its application on a board; the source's file name when None."""
    labels: Path | None = None
    """Text file, one label a line."""
    postprocess: PostprocessOptions = field(default_factory=PostprocessOptions)
    sampling: Sampling = field(default_factory=Sampling)


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
    chosen = [settings_of(variant) for variant in dict.fromkeys(variants)]
    if not chosen:
        raise UsageError("No variant was asked for. Name at least one with --variant.")
    calibrated = [settings.variant.value for settings in chosen if settings.calibrated]
    if calibrated and images is None:
        raise UsageError(
            f"{', '.join(calibrated)} needs calibration pictures: give a folder with 100 or so pictures like those "
            "that the detector will see with --images."
        )
    if options.labels is not None and not options.labels.is_file():
        raise UsageError(f"{options.labels}: there is no such file. Give a text file with --labels, one label a line.")
    recognised = recognise_source(source)
    name = _application_name(options.name, source)
    pictures = representative_set(images, options.sampling) if calibrated and images is not None else None
    calibration = None if pictures is None else (pictures, options.sampling)
    jobs = [
        _Job(
            settings,
            out_dir / settings.variant.value,
            describe_provenance(recognised, settings, options.postprocess, options.labels, calibration),
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
        if pictures is not None and any(job.settings.calibrated for job in missing):
            pictures.require_readable()
        progress(Progress("starting TensorFlow"))
        import_tensorflow()
        progress(Progress(f"reading {source.name}"))
        model = recognised.read(options.labels, name)
        progress(Progress(f"{source.name}: {_found(model)}", ProgressKind.NOTE))
        for job, bundle in _convert(model, missing, pictures, options.postprocess, progress):
            bundles[job.settings.variant] = bundle
    return [bundles[job.settings.variant] for job in jobs]


def _application_name(name: str | None, source: Path) -> str:
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
    progress(Progress("building the detector"))
    with saved_detector(model, postprocess) as saved_model:
        for job in jobs:
            variant = job.settings.variant.value
            progress(Progress(f"converting to {variant}"))
            samples = None
            if pictures is not None and job.settings.calibrated:
                samples = _Samples(pictures, model.input, variant, progress)
            data = convert_saved_detector(saved_model, job.settings, samples)
            progress(Progress(f"checking {variant}"))
            file = read_tflite(data, f"{variant}/model.tflite")
            check_structure(file, job.settings, model.input)
            yield job, write_bundle(job.out_dir, _manifest(model, file, job), data, model.labels.names)


@dataclass(frozen=True)
class _Samples:
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


def _manifest(model: SsdModel, file: TfliteFile, job: _Job) -> Manifest:
    tensor = file.inputs[0]
    dtype = InputType(tensor.dtype)
    quantization = None if dtype is InputType.FLOAT32 else tensor.quantization
    return Manifest(
        name=model.name,
        variant=job.settings.variant.value,
        files={},
        input=replace(model.input, dtype=dtype, quantization=quantization),
        output=resolve_outputs(file),
        label_offset=model.labels.label_offset,
        category_offset=model.labels.category_offset,
        provenance=job.provenance,
    )


def _found(model: SsdModel) -> str:
    classes = f"{model.num_classes} class{'es' if model.num_classes > 1 else ''}"
    size = f"{model.input.height} x {model.input.width}"
    return f"{model.source.description}; {size}, {model.num_anchors} anchors, {classes}"
