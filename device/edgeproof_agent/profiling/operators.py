"""What each operator of a loaded model takes: profiled in a process of its own, and held against the model itself."""

import base64
import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from edgeproof_agent.profiling.layers import Ran, match_layers, read_nodes
from edgeproof_agent.profiling.worker import joined_parts, main

LIBRARY = "libLiteRt.so"
_PACKAGES = {"ai-edge-litert": "ai_edge_litert"}
"""By the runtime's name, the package that has the library."""
MAX_SECONDS = 3600.0
START_SECONDS = 60.0
"""What the process may take besides the runs: an emulated board needs 15 s to load a model."""
MAX_OPERATORS = 10_000
_MAX_NAME = 1000
_TOLERANCE = 1e-3
"""Between an output as the profiled run gave it and as the interpreter does: scores and boxes in 0..1. Both run the
same kernels, so that they were equal wherever it was tried."""


class ProfileUnavailableError(Exception):
    """There is no profile; the message says why."""


@dataclass(frozen=True)
class Profiled:
    """A loaded model that has just run."""

    interpreter: Any
    model: Path
    threads: int
    outputs: Sequence[np.ndarray]
    """What it gave, zero where it has written nothing."""


@dataclass(frozen=True)
class Amount:
    warmup_runs: int
    runs: int
    seconds: float
    """The longest to go on, but for one run."""


@dataclass(frozen=True)
class OperatorProfile:
    operators: list[dict[str, Any]]
    """In the order in which they ran: `kernel`, `delegated`, and where they can be told `operator` and `layer`."""
    us: np.ndarray
    """int64 [runs, operators]."""
    invoke_us: np.ndarray
    """int64 [runs]: the whole inference by the profiler."""
    plain_us: np.ndarray
    """int64 [runs]: inferences in turns with these, without the profiler."""
    profiled_us: np.ndarray
    """int64 [runs]: with it."""

    def arrays(self) -> dict[str, np.ndarray]:
        columns = (self.us, self.invoke_us, self.plain_us, self.profiled_us)
        return dict(zip(("us", "invoke_us", "plain_us", "profiled_us"), columns))


def find_library(runtime: str) -> Path:
    """The library that can profile. Raises `ProfileUnavailableError` where the runtime has none."""
    package = _PACKAGES.get(runtime)
    if package is None:
        raise ProfileUnavailableError(f"{runtime} tells no operator's time; {' and '.join(_PACKAGES)} does")
    spec = importlib.util.find_spec(package)
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    found = next((path for folder in folders if (path := Path(folder) / LIBRARY).is_file()), None)
    if found is None:
        raise ProfileUnavailableError(f"this {runtime} has no {LIBRARY}, which newer ones profile with (2.2 and later)")
    return found


def profile_operators(
    profiled: Profiled, library: Path, proof: bytes, tensor: np.ndarray, amount: Amount
) -> OperatorProfile:
    """What the operators take on the input `tensor`, on which `profiled` has just run.

    `proof` is a model that adds one to its float32 input: the library must get that right first. Raises
    `ProfileUnavailableError` when it does not, or when the profiled run gives something else than the interpreter.
    """
    try:
        model = profiled.model.read_bytes()
    except OSError as error:
        raise ProfileUnavailableError(f"the model cannot be read: {error}") from error
    given = joined_parts(proof, model, np.ascontiguousarray(tensor).tobytes())
    arguments = [str(library), *map(str, (profiled.threads, amount.warmup_runs, amount.runs, amount.seconds))]
    answer = _asked(_command(arguments), given, amount.seconds + START_SECONDS)
    try:
        if "refused" in answer:
            raise ProfileUnavailableError(f"the runtime cannot profile: {answer['refused']}")
        _check_outputs([base64.b64decode(output) for output in answer["outputs"]], profiled.outputs)
        columns = {name: np.array(answer[name], np.int64) for name in ("us", "invoke_us", "plain_us", "profiled_us")}
        ran = [Ran(str(tag), int(place), where == "delegate") for tag, place, where in answer["operators"]]
        if columns["us"].shape != (len(columns["invoke_us"]), len(ran)) or not 0 < len(ran) <= MAX_OPERATORS:
            raise ValueError("its operators and their times differ in number")
    except (KeyError, TypeError, ValueError) as error:
        raise ProfileUnavailableError(f"what the profiling process gave makes no sense: {error}") from error
    graph_inputs = [int(item["index"]) for item in profiled.interpreter.get_input_details()]
    return OperatorProfile(
        _described(ran, match_layers(ran, read_nodes(profiled.interpreter), graph_inputs)), **columns
    )


def _command(arguments: list[str]) -> list[str]:
    """That of `worker`, with this very agent, and nothing of the user's Python settings, as the agent itself."""
    folder = str(Path(__file__).parents[2])
    start = f"import sys; sys.path.insert(0, {folder!r}); from {main.__module__} import main; sys.exit(main())"
    return [sys.executable, "-I", "-B", "-c", start, *arguments]


def _asked(command: list[str], given: bytes, seconds: float) -> dict[str, Any]:
    """The worker's answer. Raises `ProfileUnavailableError` when it gives none."""
    try:
        process = subprocess.run(command, input=given, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise ProfileUnavailableError(f"the profiling process did not finish within {seconds:.0f} s") from None
    except OSError as error:
        raise ProfileUnavailableError(f"no profiling process could be started: {error}") from error
    try:
        answer = json.loads(process.stdout)
        if isinstance(answer, dict):
            return answer
    except ValueError:
        pass
    raise ProfileUnavailableError(f"{_end_words(process.returncode)} (its library is another than this agent knows)")


def _end_words(status: int) -> str:
    if status >= 0:
        return f"the profiling process ended with status {status}"
    try:
        return f"the profiling process was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"the profiling process was ended by signal {-status}"


def _check_outputs(outputs: list[bytes], expected: Sequence[np.ndarray]) -> None:
    """Both list them in an order of their own. What the interpreter left unwritten, which is zero, may be anything."""
    left = list(outputs)
    for tensor in expected:
        place = next((place for place, output in enumerate(left) if _agrees(output, tensor)), None)
        if place is None:
            raise ProfileUnavailableError("its profiled run gives other outputs than its interpreter")
        del left[place]


def _agrees(output: bytes, tensor: np.ndarray) -> bool:
    if len(output) != tensor.nbytes:
        return False
    values = np.frombuffer(output, tensor.dtype).reshape(tensor.shape)
    written = tensor != 0
    return bool(np.allclose(values[written], tensor[written], rtol=_TOLERANCE, atol=_TOLERANCE))


def _described(ran: Sequence[Ran], nodes: Sequence[Optional[Any]]) -> list[dict[str, Any]]:
    described = []
    for one, node in zip(ran, nodes):
        layer = {} if node is None else {"operator": node.operator[:_MAX_NAME], "layer": node.name[:_MAX_NAME]}
        described.append({"kernel": one.tag[:_MAX_NAME], "delegated": one.delegated, **layer})
    return described
