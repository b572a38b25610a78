"""The TFLite runtimes: which there are, and how an interpreter is built with each."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from edgeproof_agent.machine.cpu_share import read_cpu_share

RUNTIMES: dict[str, str] = {
    "tflite-runtime": "tflite_runtime.interpreter",
    "ai-edge-litert": "ai_edge_litert.interpreter",
}
"""Distribution name to the module that holds `Interpreter`, the preferred one first."""


class InterpreterError(Exception):
    """No interpreter could be built: the runtime is missing, or it refuses the model."""


@dataclass(frozen=True)
class Runtime:
    name: str
    version: str
    module: Any


def import_runtime(name: Optional[str] = None) -> Runtime:
    """The named runtime, or the first that is installed. Raises `InterpreterError`.

    One process holds one runtime: two of them in one process can crash each other.
    """
    for candidate in [name] if name else list(RUNTIMES):
        if candidate not in RUNTIMES:
            raise InterpreterError(f"unknown runtime {candidate!r}; known are {', '.join(RUNTIMES)}")
        try:
            module = importlib.import_module(RUNTIMES[candidate])
            return Runtime(candidate, _version(candidate), module)
        except ImportError as error:
            reason = error
    raise InterpreterError(f"this Python cannot import {name or ' or '.join(RUNTIMES)}: {reason}")


def _version(name: str) -> str:
    """What the package says of itself, else what pip has written down, which takes 15 ms to import a reader for."""
    said = getattr(sys.modules[RUNTIMES[name].partition(".")[0]], "__version__", None)
    if isinstance(said, str):
        return said
    from importlib import metadata

    return metadata.version(name)


def default_threads(root: Path = Path("/")) -> int:
    """As many threads as this process has CPUs (affinity, control groups), at most four: more has never helped an SSD
    on a small board."""
    return min(read_cpu_share(root).usable, 4)


def build_interpreter(runtime: Runtime, model: Union[str, bytes], threads: int, delegate: Any = None) -> Any:
    """An interpreter with its tensors allocated, for the path of a .tflite (mapped, not read) or its content.

    `delegate` is what `delegates.load_delegate` gives: it takes of the model what it can.

    Raises `InterpreterError` with the runtime's own words.
    """
    source: dict[str, Any] = {"model_path": model} if isinstance(model, str) else {"model_content": model}
    if delegate is not None:
        source["experimental_delegates"] = [delegate]
    try:
        interpreter = runtime.module.Interpreter(num_threads=threads, **source)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError, SystemError, TypeError, ImportError) as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        who = "cannot load the model" if delegate is None else "cannot load the model with the delegate"
        raise InterpreterError(f"{runtime.name} {runtime.version} {who}: {words[-1]}") from error
    return interpreter


def prove(runtime: Runtime, model: bytes) -> None:
    """Builds an interpreter for `model`, whose output is its float32 input plus one, and runs it.

    An import proves nothing: tflite-runtime imports with numpy 2 and dies in its first interpreter.
    Raises `InterpreterError`.
    """
    interpreter = build_interpreter(runtime, model, threads=1)
    details = interpreter.get_input_details()[0]
    given = np.linspace(-1.0, 1.0, int(np.prod(details["shape"])), dtype=np.float32).reshape(details["shape"])
    try:
        interpreter.set_tensor(details["index"], given)
        interpreter.invoke()
        result = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    except (ValueError, RuntimeError, SystemError) as error:
        raise InterpreterError(f"{runtime.name} {runtime.version} cannot run a model: {error}") from error
    if not np.array_equal(result, given + np.float32(1.0)):
        raise InterpreterError(f"{runtime.name} {runtime.version} computes wrongly: x + 1 gave {result.ravel()[:4]}")
