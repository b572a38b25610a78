"""Reads a checkpoint by way of the Object Detection API's own exporter, for networks that edgeproof does not build."""

import json
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeproof.errors import ConversionError, NotAnSsdError, UsageError
from edgeproof.odapi import tflite_exporter
from edgeproof.odapi.config_check import require_exportable
from edgeproof.odapi.environment import api_release, ensure_environment
from edgeproof.ssd.checkpoint import checkpoint_source
from edgeproof.ssd.checkpoint.checkpoint_files import (
    CheckpointFiles,
    digest_checkpoint,
    find_checkpoint_files,
    is_checkpoint_path,
)
from edgeproof.ssd.checkpoint.label_map import find_label_map
from edgeproof.ssd.model import Source, SsdModel
from edgeproof.ssd.readers.odapi_tflite_saved_model import read_odapi_tflite_saved_model
from edgeproof.ssd.source_options import SourceOptions
from edgeproof.ssd.sources import RecognisedSource, SourceKind
from edgeproof.wording.progress import Progress, ProgressListener, silent

_LAST_LINES = 12


@dataclass(frozen=True)
class OdapiOptions:
    python: str | None = None
    """Python 3.9 to 3.11 for its environment, a path or a command; found when None."""


def recognise_for_odapi(path: Path, options: OdapiOptions, progress: ProgressListener = silent) -> RecognisedSource:
    """A checkpoint whose reader runs the exporter, in an environment that is made on its first use.

    Raises UsageError when it is no checkpoint, NotAnSsdError when it is not whole, or not of an SSD. Reading it raises
    UsageError when there is no Python for the environment, OdapiEnvironmentError when it cannot be made, and
    ConversionError when the exporter fails.
    """
    if not is_checkpoint_path(path):
        raise UsageError(
            f"{path}: --via-odapi exports a checkpoint of the Object Detection API. Give the folder with its "
            "pipeline.config and ckpt-N files, or leave --via-odapi out."
        )
    files = find_checkpoint_files(path)
    require_exportable(files.config)

    def read(path: Path, labels: Path | None, name: str | None, source_options: SourceOptions) -> SsdModel:
        python = ensure_environment(options.python, progress)
        progress(Progress("exporting with the Object Detection API"))
        with tempfile.TemporaryDirectory(prefix="edgeproof-") as scratch:
            _run_exporter(python, files, Path(scratch))
            label_file = labels or find_label_map(files.config)
            return _read_exported(Path(scratch), path, label_file, name, source_options)

    words = "an Object Detection API checkpoint"
    kind = SourceKind(checkpoint_source.KIND, words, lambda _: True, read, digest_checkpoint)
    return RecognisedSource(path, kind, digest_checkpoint(path), {"object_detection_api": api_release()})


def _run_exporter(python: Path, files: CheckpointFiles, out: Path) -> None:
    command = [python, "-I", tflite_exporter.__file__, files.config.absolute(), files.prefix.absolute(), out]
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()][-_LAST_LINES:] or ["(it said nothing)"]
        raise ConversionError(
            f"{files.prefix}: the Object Detection API's exporter failed (exit status {done.returncode}). "
            "Its last words:\n  " + "\n  ".join(lines)
        )


def _read_exported(out: Path, path: Path, labels: Path | None, name: str | None, options: SourceOptions) -> SsdModel:
    """Raises NotAnSsdError when the heads are not as the configuration says."""
    model = read_odapi_tflite_saved_model(out / "saved_model", labels, name, options)
    described: dict[str, Any] = json.loads((out / "input.json").read_text(encoding="utf-8"))
    if model.num_classes != described["num_classes"]:
        raise NotAnSsdError(
            f"{path}: the network tells {model.num_classes + 1} columns of class scores for {described['num_classes']} "
            "classes, expected one more for the background."
        )
    contract = model.input
    if options.input_range is None:
        contract = replace(contract, mean=_channels(described["mean"]), std=_channels(described["std"]))
    words = f"Object Detection API checkpoint, exported by the API's own exporter {api_release()}"
    source = Source(checkpoint_source.KIND, words, path.name, digest_checkpoint(path))
    return replace(model, input=contract, source=source)


def _channels(values: list[float]) -> tuple[float, float, float]:
    """Six digits: the exporter measured them in float32."""
    red, green, blue = (float(f"{value:.6g}") + 0.0 for value in values)
    return red, green, blue
