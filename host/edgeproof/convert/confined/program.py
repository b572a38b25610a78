"""What runs in the child process: a stranger's .tflite, by the interpreter or the quantizer, within a memory limit."""

import contextlib
import importlib
import os
import pickle
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof_agent.detection.arrays import pack_arrays, unpack_arrays
from edgeproof_agent.detection.operator_threads import allowed_threads
from edgeproof_agent.wire.answering import Exchange, Operation, Reply, RequestError, serve
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.link import Link, take_standard_streams

_STATUS, _ADJUSTMENT = Path("/proc/self/status"), Path("/proc/self/oom_score_adj")
_UNKNOWN_BASE_BYTES = 1 << 29
"""Taken for what the process itself needs where /proc does not tell."""
_MIB = 1 << 20
_MAX_CANDIDATES = 8


class ConfinedOperations:
    """At most one model at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._module: Any = None
        self._interpreter: Any = None
        self._budget_bytes = 0

    def table(self) -> Mapping[str, Operation]:
        return {"runtime": self._runtime, "load": self._load, "run": self._run, "quantize": self._quantize}

    def _runtime(self, exchange: Exchange) -> Reply:
        """Imports the first of these modules that can be imported, and tells its place in the list."""
        reasons = []
        for place, module in enumerate(exchange.fields.items("modules", _MAX_CANDIDATES)):
            try:
                self._module = importlib.import_module(str(module))
                return {"place": place}, b""
            except (ImportError, AttributeError, TypeError, ValueError) as error:
                reasons.append(str(error))
        raise RequestError("runtime", "; ".join(reasons))

    def _load(self, exchange: Exchange) -> Reply:
        fields = exchange.fields
        self._interpreter = None
        with _told(self._needs_more):
            self._confine(fields)
            model = fields.text("model")
            threads = allowed_threads(model, fields.integer("threads", low=1, high=64))
            self._interpreter = self._module.Interpreter(model_path=model, num_threads=threads)
            self._interpreter.allocate_tensors()
            return {
                "inputs": [_described(item) for item in self._interpreter.get_input_details()],
                "outputs": [_described(item) for item in self._interpreter.get_output_details()],
            }, b""

    def _run(self, exchange: Exchange) -> Reply:
        with _told(self._needs_more):
            tensor = unpack_arrays(exchange.fields, exchange.payload)["input"]
            self._interpreter.set_tensor(self._interpreter.get_input_details()[0]["index"], tensor)
            self._interpreter.invoke()
            details = self._interpreter.get_output_details()
            outputs = {str(place): self._interpreter.get_tensor(item["index"]) for place, item in enumerate(details)}
            arrays, payload = pack_arrays(outputs)
            return {"arrays": arrays}, payload

    def _quantize(self, exchange: Exchange) -> Reply:
        """The settings and the contract come pickled from the parent, which trusts itself."""
        from edgeproof.convert.from_tflite.quantizer import import_quantizer, quantize_file
        from edgeproof.errors import EdgeproofError

        fields = exchange.fields
        settings, contract = pickle.loads(exchange.payload)
        samples = self._samples(exchange) if fields.flag("samples") else None
        try:
            import_quantizer()
            with _told(lambda: False):
                self._confine(fields)
                made = quantize_file(Path(fields.text("model")).read_bytes(), settings, contract, samples)
            Path(fields.text("result")).write_bytes(made)
        except EdgeproofError as error:
            raise RequestError(type(error).__name__, str(error)) from error
        return {}, b""

    def _samples(self, exchange: Exchange) -> Callable[[], Iterator[Any]]:
        def samples() -> Iterator[Any]:
            while True:
                exchange.send_event("sample", {})
                frame = self._link.receive()
                arrays = {} if frame is None else unpack_arrays(Fields(frame.header), frame.payload)
                if not arrays:
                    return
                yield arrays["sample"]

        return samples

    def _confine(self, fields: Fields) -> None:
        """Limits what this process may have beyond what the import of the runtime took."""
        self._budget_bytes = fields.integer("memory_mib", low=1, high=1 << 24) * _MIB
        # Of address space a runtime reserves more than it uses, so it is data that is limited. A single request for
        # more than the rest fails at once; the parent watches what is in use.
        allowed = _data_bytes() + self._budget_bytes
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or allowed < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

    def _needs_more(self) -> bool:
        """Whether the model's tensors explain a failure: an interpreter and its delegate may keep each of them."""
        details = [] if self._interpreter is None else self._interpreter.get_tensor_details()
        sizes = (float(np.prod(item["shape"], dtype=float)) * np.dtype(item["dtype"]).itemsize for item in details)
        return bool(2 * sum(sizes) > self._budget_bytes)


@contextlib.contextmanager
def _told(needs_more: Callable[[], bool]) -> Iterator[None]:
    """What a library raises, as a refusal that says whether memory was the reason."""
    try:
        yield
    except (RequestError, FieldError):
        raise
    except MemoryError as error:
        raise RequestError("memory", "memory") from error
    except (RuntimeError, ValueError, SystemError, TypeError, KeyError, IndexError, OSError, OverflowError) as error:
        words = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise RequestError("memory" if needs_more() else "model", words) from error


def _described(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"dtype": str(np.dtype(item["dtype"])), "shape": [int(size) for size in item["shape"]]}


def _data_bytes() -> int:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return _UNKNOWN_BASE_BYTES


def main() -> int:
    """Serves requests on standard input and output until the parent hangs up."""
    link = take_standard_streams()
    # Of all processes this one is the first to go when the machine runs out of memory.
    with contextlib.suppress(OSError):
        _ADJUSTMENT.write_text("1000", encoding="ascii")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        return serve(link, ConfinedOperations(link).table())
    except BrokenPipeError:
        return 3


if __name__ == "__main__":
    sys.exit(main())
