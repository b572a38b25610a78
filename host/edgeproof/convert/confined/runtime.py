"""Interpreters for strangers' models: they look like a runtime's own, and run in a child process with limits."""

import functools
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.convert.confined.process import ConfinedModelError, ConfinedProcess, Limits, RefusedError
from edgeproof.convert.provenance import distribution_version, tensorflow_version
from edgeproof.errors import ModelError
from edgeproof_agent.detection.arrays import pack_arrays, unpack_arrays
from edgeproof_agent.detection.interpreters import RUNTIMES
from edgeproof_agent.wire.fields import FieldError
from edgeproof_agent.wire.frames import MAX_PAYLOAD_BYTES

MEMORY_MIB = 2048
"""What a model may use beyond three times its own size (weights that are unpacked and packed anew). The largest
detectors of the Object Detection API (1536 x 1536) need about half of it."""
SECONDS = 8.0
"""For one step of a model, like one picture, with a second more for each MiB of the file: the largest detectors have
some 200 MiB and take 10 s on one core, and a small file that takes longer than this does not end."""
_IMPORT = Limits(memory_mib=MEMORY_MIB, seconds=120.0)
_TENSORFLOW_MODULE = "tensorflow.lite.python.interpreter"
_SIZES = 3


@dataclass(frozen=True)
class Candidate:
    """A runtime that is installed."""

    name: str
    version: str
    module: str


class ConfinedRuntime:
    """The first of these runtimes that can be imported, each model in turn in one child process.

    Two runtimes in a process can crash each other, so the child holds one, and this process none.
    """

    def __init__(self, candidates: Sequence[Candidate], memory_mib: int = MEMORY_MIB, seconds: float = SECONDS) -> None:
        self._candidates = tuple(candidates)
        self._memory_mib, self._seconds = memory_mib, seconds
        self._process: ConfinedProcess | None = None
        self._chosen: Candidate | None = None

    @property
    def name(self) -> str:
        return self._runtime().name

    @property
    def version(self) -> str:
        return self._runtime().version

    def interpreter(self, model: bytes, threads: int) -> "ConfinedInterpreter":
        """With its tensors allocated; the one before it is gone. Raises ConfinedModelError."""
        process = self._started()
        size_mib = len(model) >> 20
        limits = Limits(self._memory_mib + _SIZES * size_mib, self._seconds + size_mib)
        with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
            file.write(model)
            file.flush()
            # On Linux a file that is mapped stays when its name goes.
            fields, _ = process.ask("load", {"model": file.name, "threads": threads}, b"", limits, "it was loaded")
        try:
            details = [
                [
                    {"index": place, "dtype": np.dtype(item.text("dtype")), "shape": np.array(item.items("shape", 8))}
                    for place, item in enumerate(fields.objects(kind, 64))
                ]
                for kind in ("inputs", "outputs")
            ]
        except (FieldError, TypeError, ValueError) as error:
            raise ConfinedModelError("its inputs and outputs cannot be told") from error
        return ConfinedInterpreter(process, limits, *details)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()

    def _runtime(self) -> Candidate:
        self._started()
        assert self._chosen is not None
        return self._chosen

    def _started(self) -> ConfinedProcess:
        if self._process is None or not self._process.alive:
            process = ConfinedProcess()
            modules = [candidate.module for candidate in self._candidates]
            try:
                fields, _ = process.ask("runtime", {"modules": modules}, b"", _IMPORT, "its runtime was imported")
            except RefusedError as error:
                process.close()
                names = " or ".join(candidate.name for candidate in self._candidates)
                raise ModelError(
                    f"{names} is installed and cannot be imported: {error}. Install it again with: "
                    "pip install --force-reinstall ai-edge-litert"
                ) from error
            self._chosen = self._candidates[fields.integer("place", high=len(self._candidates) - 1)]
            self._process = process
        return self._process


class ConfinedInterpreter:
    """The part of a TFLite interpreter that detecting needs. A tensor's index is its place among inputs or outputs."""

    def __init__(
        self, process: ConfinedProcess, limits: Limits, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]
    ) -> None:
        self._process, self._limits = process, limits
        self._inputs, self._outputs = inputs, outputs
        self._tensor: npt.NDArray[Any] | None = None
        self._values: dict[str, npt.NDArray[Any]] = {}

    def get_input_details(self) -> list[dict[str, Any]]:
        return self._inputs

    def get_output_details(self) -> list[dict[str, Any]]:
        return self._outputs

    def tensor(self, index: int) -> Callable[[], npt.NDArray[Any]]:
        """Gives the input's memory, to be written before each run; of the interpreter's own it is no view."""
        assert index == 0, "a detector has one input"
        return self._input

    def _input(self) -> npt.NDArray[Any]:
        if self._tensor is None:
            self._tensor = np.empty(tuple(self._inputs[0]["shape"]), self._inputs[0]["dtype"])
        return self._tensor

    def invoke(self) -> None:
        assert self._tensor is not None
        arrays, payload = pack_arrays({"input": self._tensor})
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ConfinedModelError(f"its input takes {len(payload) >> 20} MiB, which no detector's does")
        fields, payload = self._process.ask("run", {"arrays": arrays}, payload, self._limits, "it ran")
        try:
            self._values = unpack_arrays(fields, payload)
        except FieldError as error:
            raise ConfinedModelError(f"its outputs cannot be taken over: {error}") from error
        if len(self._values) != len(self._outputs):
            raise ConfinedModelError("its outputs are not as many as before it ran")

    def get_tensor(self, index: int) -> npt.NDArray[Any]:
        return self._values[str(index)]


def installed_runtime() -> ConfinedRuntime | None:
    """The interpreters of this Python, the board's first; None when there is none."""
    found = [candidate for name in RUNTIMES for candidate in _installed(name)]
    return ConfinedRuntime(found) if found else None


def runtime_for_files() -> ConfinedRuntime | None:
    """What an export of a finished file runs it with: ai-edge-litert, which its quantizer takes too, by preference, and
    TensorFlow's where there is no other. None when there is nothing."""
    names = sorted(RUNTIMES, key=lambda name: name != "ai-edge-litert")
    found = [candidate for name in names for candidate in _installed(name)] + _tensorflow()
    return ConfinedRuntime(found) if found else None


def tensorflow_runtime() -> ConfinedRuntime:
    """TensorFlow's own interpreter, for what it has converted itself."""
    return ConfinedRuntime(_tensorflow())


@functools.cache
def _installed(name: str) -> tuple[Candidate, ...]:
    version = distribution_version(name)
    return () if version is None else (Candidate(name, version, RUNTIMES[name]),)


def _tensorflow() -> list[Candidate]:
    version = tensorflow_version()
    return [] if version is None else [Candidate("tensorflow", version, _TENSORFLOW_MODULE)]
