"""Makes bundles of a .tflite that is converted already: as it is, and, when it is float32, quantized."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeproof.bundle import Bundle, write_bundle
from edgeproof.convert.bundle_manifest import anchors_file
from edgeproof.convert.calibration.representative import RepresentativeSet
from edgeproof.convert.calibration.samples import CalibrationSamples
from edgeproof.convert.confined.runtime import ConfinedRuntime, runtime_for_files
from edgeproof.convert.export_options import ExportOptions, require_calibration_pictures
from edgeproof.convert.from_tflite.detector import FinishedDetector, read_finished
from edgeproof.convert.from_tflite.quantizer import require_quantizer
from edgeproof.convert.from_tflite.variant import FinishedVariant, as_it_is, quantized
from edgeproof.convert.job import Job, bundles_up_to_date
from edgeproof.convert.provenance import describe_provenance, quantizer_versions
from edgeproof.convert.smoke_test import Trial, complaint, detect_all, trial_pictures
from edgeproof.convert.variants import Variant, VariantSettings
from edgeproof.errors import UsageError
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.sources import RecognisedSource
from edgeproof.tflite.layer_names import describe_float_layers, resolve_float_layers
from edgeproof.tflite.problems import file_warnings
from edgeproof.verify.deviation import COUNTED_SCORE
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent
from edgeproof_agent.bundle.manifest import OutputContract


def export_finished(
    source: RecognisedSource,
    out_dir: Path,
    settings: Sequence[VariantSettings],
    name: str,
    options: ExportOptions | None = None,
    pictures: RepresentativeSet | None = None,
    progress: ProgressListener = silent,
) -> list[Bundle]:
    """A bundle a variant at `out_dir`/<variant>: the file as it is, and of a float32 file the others, quantized.

    Raises UsageError when a variant is asked for that it cannot become, or labels or options do not fit; NotAnSsdError
    when it has neither the post-processing operator nor raw heads, or cannot be used; ConversionError; BundleError.
    """
    options, path = options or ExportOptions(), source.path
    runtime = runtime_for_files()
    detector = read_finished(path, options, runtime)
    chosen = _possible(detector, settings, options, path, progress)
    to_quantize = [item for item in chosen if item.variant is not detector.variant]
    require_calibration_pictures(to_quantize, None if pictures is None else pictures.path)
    if detector.doubt is not None:
        progress(Progress(f"{path.name}: {detector.doubt}", ProgressKind.WARNING))
    if isinstance(detector.output, OutputContract) and options.postprocess != PostprocessOptions():
        words = "its post-processing is in the file and stays as it is, so options for it have no effect"
        progress(Progress(f"{path.name}: {words}", ProgressKind.WARNING))
    progress(Progress(f"{path.name}: {detector.description}", ProgressKind.NOTE))
    for warning in file_warnings(detector.file):
        progress(Progress(f"{path.name}: {warning}", ProgressKind.WARNING))
    jobs = [
        Job(item, out_dir / item.variant.value, _provenance(source, item, detector, options, pictures))
        for item in chosen
    ]
    bundles = bundles_up_to_date(jobs, name, progress)
    missing = [job for job in jobs if job.variant not in bundles]
    if any(job.variant is not detector.variant for job in missing):
        require_quantizer()
    if missing:
        if pictures is not None:
            pictures.require_readable()
        trial = _prepare_trial(as_it_is(detector, name, {}), pictures, runtime, progress)
        for job in missing:
            made = _make(detector, job, name, pictures, trial, progress)
            others = {} if made.anchors is None else anchors_file(made.anchors)
            bundles[job.variant] = write_bundle(job.out_dir, made.manifest, made.data, detector.labels.names, others)
    return [bundles[job.variant] for job in jobs]


def _possible(
    detector: FinishedDetector,
    settings: Sequence[VariantSettings],
    options: ExportOptions,
    path: Path,
    progress: ProgressListener,
) -> list[VariantSettings]:
    """Those that the file is or can become. The others are named, and a UsageError when none is left."""
    own = detector.variant
    if own is Variant.FLOAT32:
        for item in settings:
            resolve_float_layers(item.keep_float, detector.file)
        return list(settings)
    if options.keep_float:
        raise UsageError(f"{path}: it is {own.value} already, so its layers stay as they are. Leave --keep-float out.")
    possible = [replace(item, input_type=detector.input.dtype) for item in settings if item.variant is own]
    if not possible:
        asked = ", ".join(item.variant.value for item in settings)
        raise UsageError(
            f"{path}: it is converted already, to {own.value}, and cannot become {asked}: only a float32 file can be "
            f"quantized. Ask for --variant {own.value}, or give the model that it was converted from."
        )
    if own is Variant.INT8 and options.input_type not in (None, detector.input.dtype):
        raise UsageError(f"{path}: it reads {detector.input.dtype.value}, and stays as it is. Leave --input-type out.")
    for item in settings:
        if item.variant is not own:
            progress(Progress(f"{item.variant.value}: left out, the file is {own.value}", ProgressKind.WARNING))
    return possible


def _provenance(
    source: RecognisedSource,
    settings: VariantSettings,
    detector: FinishedDetector,
    options: ExportOptions,
    pictures: RepresentativeSet | None,
) -> dict[str, Any]:
    """Pictures and the quantizer have a part in the other variants alone, not in what the file is."""
    tools: dict[str, str | None] = {}
    calibration = None
    if settings.variant is not detector.variant:
        tools = quantizer_versions()
        calibration = None if pictures is None else (pictures, options.sampling)
    provenance = describe_provenance(
        source, settings, options.postprocess, options.labels, calibration, options.source, tools
    )
    if detector.beside is not None:
        provenance["source"]["bundle_sha256"] = detector.beside.digest
    return provenance


def _prepare_trial(
    reference: FinishedVariant,
    pictures: RepresentativeSet | None,
    runtime: ConfinedRuntime | None,
    progress: ProgressListener,
) -> Trial | None:
    """Runs the file on some of the pictures, or on a generated one, and tells what it finds."""
    if runtime is None:
        words = "not run, there is no interpreter on this machine: pip install ai-edge-litert"
        progress(Progress(f"{reference.manifest.variant}: {words}", ProgressKind.WARNING))
        return None
    manifest = reference.manifest
    progress(Progress("running the file"))
    chosen = trial_pictures(pictures, manifest.input.height, manifest.input.width)
    expected = detect_all(manifest, reference.data, reference.anchors, chosen, runtime)
    found = sum(len(item.above(COUNTED_SCORE)) for item in expected)
    where = counted(len(chosen), "picture" if pictures is not None else "generated picture")
    words = f"{counted(found, 'detection')} of score {COUNTED_SCORE} or more on {where}, by {runtime.name}"
    progress(Progress(f"{manifest.variant}: {words} {runtime.version}", ProgressKind.NOTE))
    return Trial(chosen, reference.anchors, expected, runtime)


def _make(
    detector: FinishedDetector,
    job: Job,
    name: str,
    pictures: RepresentativeSet | None,
    trial: Trial | None,
    progress: ProgressListener,
) -> FinishedVariant:
    """The bundle's model of one variant, checked and tried."""
    variant = job.variant.value
    if job.variant is detector.variant:
        return as_it_is(detector, name, job.provenance)
    progress(Progress(f"quantizing to {variant}"))
    samples = None
    if pictures is not None and job.settings.calibrated:
        samples = CalibrationSamples(pictures, detector.input, variant, progress)
    made = quantized(detector, job.settings, name, job.provenance, samples)
    if job.settings.keep_float:
        kept = describe_float_layers(job.settings.keep_float, made.file)
        progress(Progress(f"{variant}: {kept}", ProgressKind.NOTE))
    if trial is not None:
        progress(Progress(f"trying {variant}"))
        deviation = trial.run(made.manifest, made.data)
        worse = complaint(job.variant, deviation, finished=True)
        kind = ProgressKind.NOTE if worse is None else ProgressKind.WARNING
        progress(Progress(worse or f"{variant}: {deviation}", kind))
    return made
