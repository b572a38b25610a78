"""LiteRT's C interface, as far as profiling needs it, out of the ordinary ai-edge-litert wheel.

The wheel's Python module cannot profile, and the library beside it exports what can. The structures below are those of
litert/c/litert_model_types.h, litert_layout.h and litert_profiler_event.h; nothing but a run tells whether a library
still has them, so a mistake may end the process: see `worker`, whose process is made for that.
"""

import ctypes
from dataclasses import dataclass
from typing import Any, Optional

_SYMBOLS = (
    "LiteRtCreateEnvironment",
    "LiteRtCreateModelFromBuffer",
    "LiteRtCreateOptions",
    "LiteRtSetOptionsHardwareAccelerators",
    "LiteRtCreateOpaqueOptions",
    "LiteRtAddOpaqueOptions",
    "LiteRtCreateCompiledModel",
    "LiteRtGetModelSignature",
    "LiteRtGetNumSignatureInputs",
    "LiteRtGetNumSignatureOutputs",
    "LiteRtGetSignatureInputTensorByIndex",
    "LiteRtGetSignatureOutputTensorByIndex",
    "LiteRtGetRankedTensorType",
    "LiteRtGetCompiledModelInputBufferRequirements",
    "LiteRtGetCompiledModelOutputBufferRequirements",
    "LiteRtCreateManagedTensorBufferFromRequirements",
    "LiteRtGetTensorBufferPackedSize",
    "LiteRtLockTensorBuffer",
    "LiteRtUnlockTensorBuffer",
    "LiteRtRunCompiledModel",
    "LiteRtCompiledModelGetProfiler",
    "LiteRtStartProfiler",
    "LiteRtStopProfiler",
    "LiteRtResetProfiler",
    "LiteRtGetNumProfilerEvents",
    "LiteRtGetProfilerEvents",
)
_CPU = 1
_READ, _WRITE = 0, 1
_MAX_EVENTS = 100_000
_MAX_TENSORS = 64

WHOLE, OPERATOR, DELEGATE, DELEGATE_OPERATOR = 1, 2, 4, 8
"""Types of events (tflite::Profiler::EventType): of the whole, of an operator of the runtime's own, of a delegate's
kernel, and of an operator within one."""


class LiteRtError(Exception):
    """The library lacks a function, or one of them refused."""


class _Layout(ctypes.Structure):
    _fields_ = (
        ("rank_and_flags", ctypes.c_uint),
        ("dimensions", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    )


class _TensorType(ctypes.Structure):
    _fields_ = (("element_type", ctypes.c_int), ("layout", _Layout))


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_size_t * 6),
        ("place", ctypes.c_uint64),
        ("more", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


@dataclass(frozen=True)
class Event:
    type: int
    tag: str
    place: int
    """An operator's place in the graph, or within its delegate."""
    elapsed_us: int


class ProfiledModel:
    """A model compiled for the CPU with its profiler. It lives as long as its process."""

    def __init__(self, library_path: str, model: bytes, threads: int) -> None:
        """Raises `LiteRtError`."""
        try:
            self._library = ctypes.CDLL(library_path, mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise LiteRtError(f"its library cannot be loaded: {error}") from error
        missing = [name for name in _SYMBOLS if not hasattr(self._library, name)]
        if missing:
            raise LiteRtError(f"its library has no {missing[0]}")
        self._model_bytes = model  # the library reads it where it lies
        self._environment = self._made("LiteRtCreateEnvironment", 0, None)
        handle = self._made(
            "LiteRtCreateModelFromBuffer",
            self._environment,
            ctypes.c_char_p(model),
            ctypes.c_size_t(len(model)),
        )
        self._model = self._made("LiteRtCreateCompiledModel", self._environment, handle, self._options(threads))
        signature = self._made("LiteRtGetModelSignature", handle, ctypes.c_size_t(0))
        self._inputs = self._buffers("Input", signature)
        self._outputs = self._buffers("Output", signature)
        self._profiler = self._made("LiteRtCompiledModelGetProfiler", self._model)
        if not self._profiler:
            raise LiteRtError("it gave no profiler")

    def set_input(self, data: bytes) -> None:
        """Fills the only input. Raises `LiteRtError` when it takes another number of bytes."""
        if len(self._inputs) != 1:
            raise LiteRtError(f"the model has {len(self._inputs)} inputs")
        buffer = ctypes.c_void_p(self._inputs[0])
        size = self._size(buffer)
        if size != len(data):
            raise LiteRtError(f"its input takes {size} bytes, not {len(data)}")
        ctypes.memmove(self._made("LiteRtLockTensorBuffer", buffer, mode=_WRITE), data, size)
        self._call("LiteRtUnlockTensorBuffer", buffer)

    def outputs(self) -> list[bytes]:
        """What the outputs hold, in the signature's order."""
        held = []
        for place in range(len(self._outputs)):
            buffer = ctypes.c_void_p(self._outputs[place])
            size = self._size(buffer)
            held.append(ctypes.string_at(self._made("LiteRtLockTensorBuffer", buffer, mode=_READ), size))
            self._call("LiteRtUnlockTensorBuffer", buffer)
        return held

    def run(self) -> None:
        self._call(
            "LiteRtRunCompiledModel",
            self._model,
            ctypes.c_size_t(0),
            ctypes.c_size_t(len(self._inputs)),
            self._inputs,
            ctypes.c_size_t(len(self._outputs)),
            self._outputs,
        )

    def start_profiler(self) -> None:
        self._call("LiteRtStartProfiler", self._profiler)

    def stop_profiler(self) -> list[Event]:
        """The events since its start, in their order."""
        self._call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        if not 0 < count.value <= _MAX_EVENTS:
            raise LiteRtError(f"its profiler tells of {count.value} events")
        events = (_Event * count.value)()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, events)
        read = [
            Event(event.type, (event.tag or b"").decode("utf-8", "replace"), event.place, event.elapsed_us)
            for event in events
        ]
        self._call("LiteRtResetProfiler", self._profiler)
        return read

    def _options(self, threads: int) -> Any:
        options = self._made("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        for name, text in (
            (b"runtime_options_string", b"enable_profiling = true\n"),
            (b"xnnpack", b"num_threads = %d\n" % threads),
        ):
            self._texts = [*getattr(self, "_texts", []), ctypes.create_string_buffer(text)]
            payload = ctypes.cast(self._texts[-1], ctypes.c_void_p)
            opaque = self._made("LiteRtCreateOpaqueOptions", name, payload, _KEEP)
            self._call("LiteRtAddOpaqueOptions", options, opaque)
        return options

    def _buffers(self, kind: str, signature: Any) -> Any:
        count = ctypes.c_size_t()
        self._call(f"LiteRtGetNumSignature{kind}s", signature, ctypes.byref(count))
        if not 0 < count.value <= _MAX_TENSORS:
            raise LiteRtError(f"the model has {count.value} tensors of the kind {kind}")
        buffers = (ctypes.c_void_p * count.value)()
        for place in range(count.value):
            tensor = self._made(f"LiteRtGetSignature{kind}TensorByIndex", signature, ctypes.c_size_t(place))
            tensor_type = _TensorType()
            self._call("LiteRtGetRankedTensorType", tensor, ctypes.byref(tensor_type))
            needed = self._made(
                f"LiteRtGetCompiledModel{kind}BufferRequirements",
                self._model,
                ctypes.c_size_t(0),
                ctypes.c_size_t(place),
            )
            buffers[place] = self._made(
                "LiteRtCreateManagedTensorBufferFromRequirements",
                self._environment,
                ctypes.byref(tensor_type),
                needed,
            ).value
        return buffers

    def _size(self, buffer: Any) -> int:
        size = ctypes.c_size_t()
        self._call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(size))
        return size.value

    def _made(self, name: str, *arguments: Any, mode: Optional[int] = None) -> Any:
        """Calls a function that gives a pointer through its last argument, or the last but `mode`."""
        made = ctypes.c_void_p()
        self._call(name, *arguments, ctypes.byref(made), *([] if mode is None else [mode]))
        return made

    def _call(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name)
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status:
            raise LiteRtError(f"{name} answered {status}")


# What frees a text: they live as long as the process.
_KEEP = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
