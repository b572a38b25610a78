"""What a bundle was made from and by: equal provenance means that converting again would give the same bytes."""

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import edgeproof
import edgeproof_agent
from edgeproof.convert.calibration.representative import RepresentativeSet, Sampling
from edgeproof.convert.variants import VariantSettings
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.ssd.postprocess import PostprocessOptions
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import RecognisedSource
from edgeproof_agent.pictures.opencv import cv2

_TENSORFLOW_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tf-nightly", "tensorflow-intel", "tensorflow-macos")
_CODE = ("ssd", "tflite", "odapi", "convert", "torch", "bundle.py")
_PREPARING = ("preprocess.py", "resampling.py", "sampling_axis.py", "normalisation.py")
"""Of the agent's `detection`: what makes a picture the tensor that a model is calibrated on."""


def describe_provenance(
    source: RecognisedSource,
    settings: VariantSettings,
    postprocess: PostprocessOptions,
    labels: Path | None,
    calibration: tuple[RepresentativeSet, Sampling] | None,
    source_options: SourceOptions | None = None,
    converters: Mapping[str, str | None] | None = None,
) -> dict[str, Any]:
    """The `provenance` of a bundle, without importing TensorFlow. It holds no path of this machine and no time.

    `converters` are the versions of what converts; TensorFlow when None.
    """
    converters = {"tensorflow": tensorflow_version()} if converters is None else converters
    tools = {"edgeproof": edgeproof.__version__, "conversion_code": _code_digest(), **converters, **source.tools}
    provenance: dict[str, Any] = {
        "source": {"kind": source.kind.kind, "file": source.path.name, "sha256": source.sha256},
        "settings": {
            "variant": settings.variant.value,
            "input_type": settings.input_type.value,
            "postprocess": asdict(postprocess),
            "labels_sha256": None if labels is None or not labels.is_file() else sha256_of_file(labels),
        },
        "tools": tools,
    }
    if source_options is not None and source_options.describe():
        provenance["settings"]["source_options"] = dict(source_options.describe())
    if settings.keep_float:
        provenance["settings"]["keep_float"] = list(settings.keep_float)
    if calibration is not None and settings.calibrated:
        pictures, sampling = calibration
        provenance["calibration"] = {"pictures": len(pictures), "sha256": pictures.digest, **asdict(sampling)}
        tools["opencv"] = cv2.__version__
    return provenance


def tensorflow_version() -> str | None:
    """The installed version by its metadata; None when TensorFlow is not installed."""
    return next(filter(None, map(distribution_version, _TENSORFLOW_DISTRIBUTIONS)), None)


def quantizer_versions() -> dict[str, str | None]:
    """What quantizes a finished file."""
    return {name: distribution_version(name) for name in ("ai-edge-quantizer", "ai-edge-litert")}


def distribution_version(distribution: str) -> str | None:
    """None when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def code_files() -> list[Path]:
    """The files that decide what an export makes."""
    host, agent = Path(edgeproof.__file__).parent, Path(edgeproof_agent.__file__).parent
    files = [
        *sorted((agent / "bundle").rglob("*.py")),
        *sorted((agent / "pictures").rglob("*.py")),
        *(agent / "detection" / name for name in _PREPARING),
    ]
    for name in _CODE:
        files += sorted((host / name).rglob("*.py")) if (host / name).is_dir() else [host / name]
    return files


@functools.cache
def _code_digest() -> str:
    """Names the code that converts, so that a changed edgeproof never takes an older one's bundle for its own."""
    digest = hashlib.sha256()
    for path in code_files():
        digest.update(bytes.fromhex(sha256_of_file(path)))
    return digest.hexdigest()[:16]
