"""The child process that strangers' models run in: starting it, asking it, and saying in which way it failed."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import ModelError
from edgeproof_agent.wire.fields import FieldError, Fields
from edgeproof_agent.wire.frames import Frame, FrameError, encode_frame, read_frame

_MIB = 1 << 20
_READ_BYTES = 1 << 18
_WATCH_SECONDS = 0.05
_LAST_SECONDS = 5.0
# Nothing of the user's Python settings and no module of the current folder gets in; the path is the parent's own.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from edgeproof.convert.confined.program import main; sys.exit(main())"
)


class ConfinedModelError(ModelError):
    """The child did not give a result. The words are half a sentence whose subject is the model."""


class RefusedError(ConfinedModelError):
    """The runtime or the quantizer in the child refused. `kind` is the child's own word for why."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Limits:
    memory_mib: int
    """What the child may use beyond what the import of its libraries takes."""
    seconds: float
    """How long the child may say nothing."""


Answer = tuple[Fields, bytes]
EventHandler = Callable[[str], Frame]
"""Is told the name of what comes ahead of an answer; what it returns is sent back."""


class ConfinedProcess:
    """Ends with its parent, whichever way that ends. Not for more than one thread."""

    def __init__(self) -> None:
        path = json.dumps([entry for entry in sys.path if entry])
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        self._end = weakref.finalize(self, _end, self._process)
        self._last_id = 0

    @property
    def alive(self) -> bool:
        return self._end.alive and self._process.poll() is None

    def ask(
        self,
        op: str,
        arguments: Mapping[str, Any],
        payload: bytes,
        limits: Limits,
        doing: str,
        on_event: EventHandler | None = None,
    ) -> Answer:
        """The answer to one request; `doing` says what the model was in, e.g. `it was loaded`.

        Raises RefusedError when the child says no, and ConfinedModelError when it crashed, hung or needed too much
        memory. The child is ended then, and whenever anything is raised here, like KeyboardInterrupt.
        """
        self._last_id += 1
        header = {"id": self._last_id, "op": op, "memory_mib": limits.memory_mib, **arguments}
        try:
            exchange = _Exchange(self._process, self._input, self._output, limits, doing)
            exchange.send(header, payload)
            while True:
                frame = exchange.receive()
                fields = Fields(frame.header)
                if "event" not in fields:
                    break
                if on_event is None:
                    raise FieldError("an event")
                reply = on_event(fields.text("event", max_length=64))
                exchange.send(dict(reply.header), reply.payload)
            if "error" not in fields:
                return fields, frame.payload
            error = fields.nested("error")
            kind, message = error.text("kind", max_length=64), error.text("message")
        except (FrameError, FieldError) as error:
            self.close()
            raise ConfinedModelError(f"it broke the process that runs it while {doing}") from error
        except BaseException:
            self.close()
            raise
        if kind == "memory":
            self.close()
            raise ConfinedModelError(_too_much(limits, doing))
        raise RefusedError(message, kind)

    def close(self) -> None:
        """Ends the child and what it has started."""
        self._end()


class _Exchange:
    """One request on its way."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", write_fd: int, read_fd: int, limits: Limits, doing: str
    ) -> None:
        self._process, self._write_fd, self._read_fd = process, write_fd, read_fd
        self._limits, self._doing = limits, doing
        self._silent_since = time.monotonic()
        self._ended = False

    def send(self, header: dict[str, Any], payload: bytes) -> None:
        view = memoryview(encode_frame(header, payload))
        self._silent_since = time.monotonic()
        while view:
            self._wait([], [self._write_fd])
            try:
                view = view[os.write(self._write_fd, view[:_READ_BYTES]) :]
            except BrokenPipeError:
                raise self._died() from None

    def receive(self) -> Frame:
        self._silent_since = time.monotonic()
        try:
            frame = read_frame(self._read)
        except FrameError:
            if self._ended:
                raise self._died() from None
            raise
        if frame is None:
            raise self._died()
        return frame

    def _read(self, count: int) -> bytes:
        self._wait([self._read_fd], [])
        data = os.read(self._read_fd, min(count, _READ_BYTES))
        self._ended = not data
        return data

    def _wait(self, reading: list[int], writing: list[int]) -> None:
        """Until there is something to read or room to write, with an eye on memory and time."""
        while not any(select.select(reading, writing, [], _WATCH_SECONDS)[:2]):
            if _used_mib(self._process.pid) > self._limits.memory_mib:
                raise ConfinedModelError(_too_much(self._limits, self._doing))
            if time.monotonic() - self._silent_since > self._limits.seconds:
                raise ConfinedModelError(f"it did not finish within {self._limits.seconds:g} s while {self._doing}")

    def _died(self) -> ConfinedModelError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_SECONDS)
        code = self._process.returncode
        if code is None or code >= 0:
            return ConfinedModelError(f"the process that runs it ended while {self._doing}")
        name = _signal_name(-code)
        if -code == signal.SIGKILL:
            return ConfinedModelError(
                f"its process was killed ({name}) while {self._doing}, as a system does that is short of memory"
            )
        return ConfinedModelError(
            f"the model crashed the interpreter ({name}) while {self._doing}; it may use {self._limits.memory_mib} MiB"
        )


def _too_much(limits: Limits, doing: str) -> str:
    return f"it needs more than the {limits.memory_mib} MiB of memory that a model gets here, while {doing}"


def _used_mib(pid: int) -> float:
    """What the process has in memory that is no file; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.returncode is None:  # until it is waited for, nobody else gets its number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
