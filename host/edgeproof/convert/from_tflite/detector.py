"""What a .tflite that is converted already says of itself: its variant, input, outputs and labels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.bundle import ManifestBeside, manifest_beside
from edgeproof.convert.confined.runtime import ConfinedRuntime
from edgeproof.convert.export_options import ExportOptions
from edgeproof.convert.from_tflite.heads import find_heads, with_real_heads
from edgeproof.convert.from_tflite.input import resolve_input
from edgeproof.convert.from_tflite.labels import find_labels
from edgeproof.convert.from_tflite.outputs import detections_contract
from edgeproof.convert.smoke_test import Anchors
from edgeproof.convert.variants import Variant
from edgeproof.errors import ModelError, NotAnSsdError
from edgeproof.local_files.bounded_files import MAX_MODEL_BYTES, read_bounded, readable
from edgeproof.ssd.files.label_files import LabelLines
from edgeproof.ssd.files.labels import Labels, read_labels
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import BOX_CONVENTIONS
from edgeproof.tflite.file import TfliteFile, read_tflite
from edgeproof.tflite.metadata_reader import TfliteMetadata, read_metadata, read_packed_labels
from edgeproof.tflite.output_map import DETECTIONS, map_outputs
from edgeproof.tflite.problems import file_problems, structure_problems
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import InputContract, OutputContract, RawHeadsContract


@dataclass(frozen=True)
class FinishedDetector:
    data: bytes
    file: TfliteFile
    variant: Variant
    input: InputContract
    output: OutputContract | RawHeadsContract
    labels: Labels
    anchors: Anchors | None
    """Of raw heads."""
    as_it_is: bool
    """Whether the file stays byte for byte: else it was given an activation, or the user says more than its metadata.
    """
    description: str
    doubt: str | None
    """A warning, when the range of the pixels is a default."""
    beside: ManifestBeside | None
    """The manifest of the bundle that the file is from."""
    appended: PostprocessOptions | None = None
    """Of the operator that is put behind raw heads; None where they stay, or the file has it."""


def read_finished(path: Path, options: ExportOptions, runtime: ConfinedRuntime | None) -> FinishedDetector:
    """Reads a .tflite with the post-processing operator or with raw heads. The latter are told by running it.

    Labels and input contract come from the options, else from the bundle that the file is from, else from the file's
    metadata. Raises NotAnSsdError when it cannot be used,
    UsageError when labels or options do not fit, ModelError when it is broken.
    """
    with readable(path, ModelError):
        data, shown = read_bounded(path, MAX_MODEL_BYTES), str(path)
    file, metadata = read_tflite(data, shown), read_metadata(data, shown)
    data, file, real = with_real_heads(data, file, shown)
    found = map_outputs(file)
    problems = list(file_problems(file, found) if file.postprocess else structure_problems(file))
    if problems:
        raise NotAnSsdError(f"{shown}: it cannot be used: {'; '.join(problems)}. Export it again from its source.")
    beside = manifest_beside(path, data)
    manifest = None if beside is None else beside.manifest
    if file.postprocess:
        why = "its boxes are decoded in its graph, which is packed as it is"
        options.source.require_none_said(shown, why, *BOX_CONVENTIONS)
    found_input = resolve_input(file, metadata, manifest, options.source)
    contract, doubt = found_input.contract, found_input.doubt
    if doubt is not None:
        doubt = f"{doubt}. When nothing is detected, say --input-range 0..1 or 0..255, or --mean and --std"
    labels_fit = find_labels(data, metadata, manifest, options.labels, shown)
    output: OutputContract | RawHeadsContract
    if file.postprocess:
        assert found is not None, "a file with the operator and four outputs has a map"
        output, anchors, edited = detections_contract(file, found), None, False
        num_classes = int(file.postprocess[0].attributes["num_classes"])
        order = ", ".join(sorted(DETECTIONS, key=lambda meaning: found.positions[meaning]))
        words = f"outputs {order} by {found.evidence.value}"
    else:
        heads = find_heads(data, file, contract, labels_fit, options, shown, runtime, metadata.detector)
        output, anchors, edited = heads.contract, heads.anchors, heads.edited or real
        data, file = heads.data, read_tflite(heads.data, shown)
        num_classes, words = heads.num_classes, heads.words
    labels = labels_fit(num_classes) if labels_fit is not None else read_labels(None, num_classes)
    size = f"{contract.height} x {contract.width}, {counted(num_classes, 'class', 'classes')}"
    variant = variant_of(file)
    source = options.source
    says_more = any(
        said is not None for said in (options.labels, source.input_range, source.normalisation, source.colour_order)
    )
    return FinishedDetector(
        data=data,
        file=file,
        variant=variant,
        input=contract,
        output=output,
        labels=labels,
        anchors=anchors,
        as_it_is=not edited and not (says_more and _differs(data, metadata, contract, labels, shown)),
        description=", ".join(
            filter(None, [f"TFLite file, {variant.value}; {size}, {words}", labels.words, found_input.words])
        ),
        doubt=doubt,
        beside=beside,
        appended=options.postprocess if anchors is not None and options.postprocess.in_graph else None,
    )


def variant_of(file: TfliteFile) -> Variant:
    """What a file is, by what its layers read and what its weights are; uint8 of older converters counts as int8."""
    activations = {layer.activations for layer in file.weighted}
    weights = {layer.weights.dtype for layer in file.weighted}
    if "int16" in activations:
        return Variant.INT16X8
    if activations & {"int8", "uint8"}:
        return Variant.INT8
    if "int8" in weights:
        return Variant.DYNAMIC
    return Variant.FLOAT16 if "float16" in weights else Variant.FLOAT32


def _differs(data: bytes, metadata: TfliteMetadata, contract: InputContract, labels: Labels, shown: str) -> bool:
    """Whether the file's metadata says something else, or nothing, of normalisation and labels."""
    said = metadata.normalization
    try:
        packed = read_packed_labels(data, metadata, shown)
    except ModelError:
        return True
    if not isinstance(packed, LabelLines) or said is None:
        return True
    same_range = np.allclose([*said.mean, *said.std], [*contract.mean, *contract.std], rtol=1e-6)
    names = labels.names[labels.label_offset :]
    return not same_range or packed.names[-len(names) :] != names
