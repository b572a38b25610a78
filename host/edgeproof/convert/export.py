"""Exports a model source to bundles, one a variant, and skips what is there already."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeproof.bundle import Bundle, write_bundle
from edgeproof.convert.bundle_manifest import anchors_file, describe_bundle
from edgeproof.convert.calibration.representative import RepresentativeSet, representative_set
from edgeproof.convert.calibration.samples import CalibrationSamples
from edgeproof.convert.correction.recipe import ENOUGH_PICTURES
from edgeproof.convert.export_options import (
    ExportOptions,
    application_name,
    chosen_settings,
    require_calibration_pictures,
)
from edgeproof.convert.from_tensorflow.converter import (
    convert_saved_detector,
    input_shape,
    require_float_layers,
    saved_detector,
)
from edgeproof.convert.from_tflite.export import export_finished
from edgeproof.convert.job import CONVENTIONS, Job, bundles_up_to_date
from edgeproof.convert.provenance import describe_provenance
from edgeproof.convert.smoke_test import complaint, prepare_trial, trial_pictures
from edgeproof.convert.structural_check import check_structure
from edgeproof.convert.variants import Variant
from edgeproof.convert.witness.witness import examine
from edgeproof.errors import ConventionError, UsageError
from edgeproof.ssd.model import SsdModel
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.tflite.file import read_tflite
from edgeproof.tflite.layer_names import describe_float_layers
from edgeproof.tflite.metadata_writer import describe_detector
from edgeproof.tflite.problems import file_warnings
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent


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
    imported. `images` is the folder of calibration pictures, or a COCO JSON file that lists them. Raises UsageError
    (PictureFolderError among them), NotAnSsdError, ConversionError or BundleError.
    """
    options = options or ExportOptions()
    chosen = chosen_settings(variants, options)
    recognised = options.recognise(source, progress)
    if not recognised.kind.finished:
        require_calibration_pictures(chosen, images)
    options.require_files()
    name = application_name(options, source)
    pictures = None
    if images is None and options.images_root is not None:
        raise UsageError("--images-root says where the pictures of a COCO JSON file are: give that file with --images.")
    if images is not None:
        pictures = representative_set(images, options.sampling, options.images_root)
    if recognised.kind.finished:
        return export_finished(recognised, out_dir, chosen, name, options, pictures, progress)
    calibration = None if pictures is None else (pictures, options.sampling)
    jobs = [
        Job(
            settings,
            out_dir / settings.variant.value,
            describe_provenance(recognised, settings, options.postprocess, options.labels, calibration, options.source),
        )
        for settings in chosen
    ]
    bundles = bundles_up_to_date(jobs, name, progress)
    missing = [job for job in jobs if job.variant not in bundles]
    if missing:
        if pictures is not None:
            pictures.require_readable()
        progress(Progress(f"reading {source.name}"))  # TensorFlow is imported there, after the file was judged
        model = recognised.read(options.labels, name, options.source)
        progress(Progress(f"{source.name}: {_found(model)}", ProgressKind.NOTE))
        options.postprocess.require_classes(model.num_classes)
        measured = _witness(model, pictures, options, source, progress)
        missing = [replace(job, provenance={**job.provenance, CONVENTIONS: measured}) for job in missing]
        for job, bundle in _convert(model, missing, pictures, options.postprocess, progress):
            bundles[job.variant] = bundle
    return [bundles[job.variant] for job in jobs]


def _witness(
    model: SsdModel,
    pictures: RepresentativeSet | None,
    options: ExportOptions,
    source: Path,
    progress: ProgressListener,
) -> dict[str, Any]:
    """What was measured of the source's conventions, for the bundle. Raises ConventionError for a contradiction."""
    if model.predictions is None:
        return {"read": True}
    if pictures is None:
        words = "no pictures, so nothing contradicts what its boxes are taken for; give some with --images"
        progress(Progress(f"{source.name}: {words}", ProgressKind.NOTE))
        return {"measured": False, "why": "no pictures"}
    progress(Progress("measuring what its boxes mean"))
    findings = examine(model, model.predictions, trial_pictures(pictures, model.input.height, model.input.width))
    contradiction = findings.contradiction
    if contradiction is not None:
        if not options.trust_me:
            raise ConventionError(
                f"{source}: {contradiction}. Nothing was written. Say it with those options, look at both with "
                "edgeproof identify, or go on as it is with --trust-me."
            )
        progress(Progress(f"{source.name}: {contradiction}; gone on with --trust-me", ProgressKind.WARNING))
    elif findings.undecided is None:
        margin = findings.boxes[0].support - findings.boxes[1].support
        words = f"its boxes were measured on {counted(findings.pictures, 'picture')}: {findings.boxes[0].options}"
        progress(Progress(f"{source.name}: {words} (margin {margin:.2f})", ProgressKind.NOTE))
    else:
        progress(
            Progress(f"{source.name}: what its boxes mean is not measured: {findings.undecided}", ProgressKind.NOTE)
        )
    return findings.record()


def _convert(
    model: SsdModel,
    jobs: Sequence[Job],
    pictures: RepresentativeSet | None,
    postprocess: PostprocessOptions,
    progress: ProgressListener,
) -> Iterator[tuple[Job, Bundle]]:
    progress(Progress("running the source"))
    trial = prepare_trial(model, postprocess, pictures)
    progress(Progress("building the detector"))
    with saved_detector(model, postprocess) as saved_model:
        for job in jobs:
            require_float_layers(saved_model, job.settings, input_shape(model))
        for job in jobs:
            variant = job.variant.value
            progress(Progress(f"converting to {variant}"))
            samples = None
            if pictures is not None and job.settings.calibrated:
                samples = CalibrationSamples(pictures, model.input, variant, progress)
            data = convert_saved_detector(saved_model, job.settings, samples, input_shape(model))
            progress(Progress(f"checking {variant}"))
            if job.variant is Variant.INT8 and pictures is not None and len(pictures) < ENOUGH_PICTURES:
                words = f"{variant}: weights are rounded to their nearest; with {ENOUGH_PICTURES} calibration pictures "
                progress(Progress(words + "and more they are rounded by what the layers see", ProgressKind.NOTE))
            file = read_tflite(data, f"{variant}/model.tflite")
            check_structure(file, job.settings, model.input, postprocess)
            manifest = describe_bundle(model, file, job.variant, postprocess, job.provenance)
            if job.settings.keep_float:
                kept = describe_float_layers(job.settings.keep_float, file)
                progress(Progress(f"{variant}: {kept}", ProgressKind.NOTE))
            data = describe_detector(data, model.name, manifest.input, manifest.output, model.labels)
            progress(Progress(f"trying {variant}"))
            deviation = trial.run(manifest, data)
            for warning in file_warnings(file):
                progress(Progress(f"{variant}: {warning}", ProgressKind.WARNING))
            worse = complaint(job.variant, deviation)
            kind = ProgressKind.NOTE if worse is None else ProgressKind.WARNING
            progress(Progress(worse or f"{variant}: {deviation}", kind))
            others = {} if postprocess.in_graph else anchors_file(model.anchors)
            yield job, write_bundle(job.out_dir, manifest, data, model.labels.names, others)


def _found(model: SsdModel) -> str:
    classes = counted(model.num_classes, "class", "classes")
    size = f"{model.input.height} x {model.input.width}"
    words = f"{model.source.description}; {size}, {counted(model.num_anchors, 'anchor')}, {classes}"
    return ", ".join(filter(None, [words, model.labels.words]))
