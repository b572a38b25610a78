"""What a .tflite or a bundle is, and whether it is sound: without TensorFlow and without running it."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.convert.structural_check import variant_problems
from edgeproof.convert.variants import Variant, VariantSettings, available_variants, settings_of
from edgeproof.errors import ModelError
from edgeproof.local_files.bounded_files import MAX_MODEL_BYTES, read_bounded, readable
from edgeproof.ssd.postprocess import BOX_ENCODINGS, BOXES, CLASS_SCORES, CLASSES, COUNT, SCORES
from edgeproof.tflite.file import TensorInfo, TfliteFile, read_tflite
from edgeproof.tflite.metadata_reader import TfliteMetadata, read_metadata
from edgeproof.tflite.output_map import OutputMap, map_outputs
from edgeproof.tflite.problems import file_problems, file_warnings, outputs_problems
from edgeproof.wording.counting import counted
from edgeproof_agent.bundle.manifest import ANCHORS_FILE, InputType, Manifest, OutputContract

SCHEMA = "edgeproof.inspection/1"


@dataclass(frozen=True)
class Inspection:
    path: Path
    bundle: Bundle | None
    """None for a file."""
    file: TfliteFile
    outputs: OutputMap | None
    """None when nothing tells which output means what."""
    variant: Variant | None
    """What a bundle says it is, or what a file's types look like; None when they look like none of ours."""
    problems: tuple[str, ...]
    """Why it cannot be used, each as half a sentence."""
    warnings: tuple[str, ...]
    metadata: TfliteMetadata = field(default_factory=TfliteMetadata)

    @property
    def model_path(self) -> Path:
        return self.path if self.bundle is None else self.bundle.model_path

    @property
    def sound(self) -> bool:
        return not self.problems

    def with_values(self, values: Sequence[npt.NDArray[np.float32]]) -> "Inspection":
        """The same after a run, whose outputs, in the file's order, may tell what structure did not."""
        if self.outputs is not None:
            return self
        outputs = map_outputs(self.file, values)
        unknown = set(outputs_problems(self.file, None))
        kept = tuple(problem for problem in self.problems if problem not in unknown)
        return replace(self, outputs=outputs, problems=(*outputs_problems(self.file, outputs), *kept))

    @property
    def only_outputs_are_unknown(self) -> bool:
        """Whether a run could mend what is wrong."""
        return self.outputs is None and self.problems == tuple(outputs_problems(self.file, None))

    def to_json(self) -> dict[str, Any]:
        """Schema `edgeproof.inspection/1`."""
        meanings = {} if self.outputs is None else {place: name for name, place in self.outputs.positions.items()}
        return {
            "schema": SCHEMA,
            "kind": "file" if self.bundle is None else "bundle",
            "sound": self.sound,
            "problems": list(self.problems),
            "warnings": list(self.warnings),
            "variant": None if self.variant is None else self.variant.value,
            "digest": None if self.bundle is None else self.bundle.digest,
            "size_bytes": self.file.size_bytes,
            "inputs": [_tensor_json(tensor) for tensor in self.file.inputs],
            "outputs": [
                {**_tensor_json(tensor), "meaning": meanings.get(place)}
                for place, tensor in enumerate(self.file.outputs)
            ],
            "outputs_known_by": None if self.outputs is None else self.outputs.evidence.name.lower(),
            "postprocess": [dict(operator.attributes) for operator in self.file.postprocess],
            "operators": dict(self.file.operators),
        }


def inspect(path: Path, expected: Variant | None = None) -> Inspection:
    """Reads a bundle (a folder) or a .tflite. `expected` is what a file is held to; a bundle says it itself.

    Raises BundleError or ModelError when there is nothing that can be read.
    """
    bundle = open_bundle(path) if path.is_dir() else None
    model = path if bundle is None else bundle.model_path
    with readable(model, ModelError, "Give a .tflite file or a bundle."):
        data = read_bounded(model, MAX_MODEL_BYTES)
    file = read_tflite(data, str(model))
    metadata = _metadata(data, str(model))
    outputs = map_outputs(file, metadata_names=metadata.output_names)
    promised = _promised(bundle.manifest.variant) if bundle else expected
    problems = list(file_problems(file, outputs))
    if promised is not None and not (bundle is not None and _mixed(bundle, file, promised)):
        settings = _settings(promised, file)
        problems += variant_problems(file, replace(settings, keep_float=_kept_float(bundle)))
    if bundle is not None:
        problems += _bundle_problems(bundle, file, outputs)
    return Inspection(
        path=path,
        bundle=bundle,
        file=file,
        outputs=outputs,
        variant=promised if bundle else looks_like(file),
        problems=tuple(dict.fromkeys(problems)),
        warnings=tuple(file_warnings(file)),
        metadata=metadata,
    )


def _metadata(data: bytes, shown: str) -> TfliteMetadata:
    """Empty where the metadata is broken: the file runs without."""
    try:
        return read_metadata(data, shown)
    except ModelError:
        return TfliteMetadata()


def _promised(name: str) -> Variant | None:
    return next((variant for variant in Variant if variant.value == name), None)


def _settings(variant: Variant, file: TfliteFile) -> VariantSettings:
    """An int8 file may read uint8 or int8, and was uint8 throughout when TensorFlow 1 wrote it."""
    reads_int8 = variant is Variant.INT8 and len(file.inputs) == 1 and file.inputs[0].dtype == InputType.INT8.value
    settings = settings_of(variant, InputType.INT8 if reads_int8 else None)
    if variant is Variant.INT8 and {layer.weights.dtype for layer in file.weighted} == {"uint8"}:
        return replace(settings, weight_dtype="uint8", activation_dtype="uint8")
    return settings


def _kept_float(bundle: Bundle | None) -> tuple[str, ...]:
    """The layers that were kept float when the bundle was made."""
    settings = {} if bundle is None else bundle.manifest.provenance.get("settings")
    names = settings.get("keep_float") if isinstance(settings, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _mixed(bundle: Bundle, file: TfliteFile, variant: Variant) -> bool:
    """Whether it was packed as a foreign file in which only some layers are quantized, which is no fault of it."""
    source = bundle.manifest.provenance.get("source")
    settings = _settings(variant, file)
    return (
        isinstance(source, dict)
        and source.get("kind") == "tflite"
        and any(layer.weights.dtype == settings.weight_dtype for layer in file.weighted)
        and any(layer.activations == settings.activation_dtype for layer in file.weighted)
    )


def looks_like(file: TfliteFile) -> Variant | None:
    """The variant that its types are those of; None when they are of none."""
    fitting = (item for item in available_variants() if not any(variant_problems(file, _settings(item, file))))
    return next(fitting, None) if file.weighted else None


def _bundle_problems(bundle: Bundle, file: TfliteFile, outputs: OutputMap | None) -> Iterator[str]:
    manifest = bundle.manifest
    yield from _input_problems(manifest, file)
    told = _told_positions(manifest)
    if outputs is not None and dict(outputs.positions) != told:
        yield f"bundle.json takes the outputs as {_listed(told)}; the file says {_listed(outputs.positions)}"
    classes, anchors = _heads_size(file, outputs)
    labels = len(bundle.labels()) - manifest.label_offset
    if classes is not None and classes > labels:
        yield f"it has {counted(labels, 'label')} for {counted(classes, 'class', 'classes')}"
    if not isinstance(manifest.output, OutputContract):
        yield from _anchor_problems(read_bounded(bundle.path / ANCHORS_FILE, MAX_MODEL_BYTES), anchors)


def _input_problems(manifest: Manifest, file: TfliteFile) -> Iterator[str]:
    if len(file.inputs) != 1:
        return
    (tensor,), contract = file.inputs, manifest.input
    expected = (1, contract.height, contract.width, 3)
    if tensor.shape != expected or tensor.dtype != contract.dtype.value:
        yield (
            f"its input is {tensor.dtype} {list(tensor.shape)}; bundle.json says "
            f"{contract.dtype.value} {list(expected)}"
        )
    elif contract.quantization is not None and tensor.quantization != contract.quantization:
        yield f"its input is quantized by {tensor.quantization}; bundle.json says {contract.quantization}"


def _told_positions(manifest: Manifest) -> dict[str, int]:
    output = manifest.output
    if isinstance(output, OutputContract):
        return {BOXES: output.boxes, CLASSES: output.classes, SCORES: output.scores, COUNT: output.count}
    return {BOX_ENCODINGS: output.box_encodings, CLASS_SCORES: output.class_scores}


def _heads_size(file: TfliteFile, outputs: OutputMap | None) -> tuple[int | None, int | None]:
    """(classes, anchors) as far as the file tells them."""
    if file.postprocess and len(file.postprocess[0].inputs) == 3:
        operator = file.postprocess[0]
        classes, shape = operator.attributes.get("num_classes"), operator.inputs[0].shape
        return (None if classes is None else int(classes)), (shape[1] if len(shape) == 3 else None)
    if outputs is not None and outputs.raw_heads:
        shape = file.outputs[outputs.positions[CLASS_SCORES]].shape
        return (shape[2] - 1, shape[1]) if len(shape) == 3 else (None, None)
    return None, None


def _anchor_problems(data: bytes, expected: int | None) -> Iterator[str]:
    try:
        anchors = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, MemoryError) as error:  # the header is Python literals
        yield f"{ANCHORS_FILE} cannot be read ({error})"
        return
    if anchors.dtype != np.float32 or anchors.ndim != 2 or anchors.shape[1] != 4:
        yield f"{ANCHORS_FILE} holds {anchors.dtype} {list(anchors.shape)}, expected float32 [anchors, 4]"
    elif expected is not None and len(anchors) != expected:
        yield f"{ANCHORS_FILE} holds {len(anchors)} anchors, and the heads have {expected}"
    elif not np.isfinite(anchors).all() or (anchors[:, 2:] <= 0).any():
        yield f"{ANCHORS_FILE} holds anchors without height or width"


def _tensor_json(tensor: TensorInfo) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "quantization": None
        if quantization is None
        else {"scale": quantization.scale, "zero_point": quantization.zero_point},
    }


def _listed(positions: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {position}" for name, position in sorted(positions.items(), key=lambda item: item[1]))
