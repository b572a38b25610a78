"""External delegates, which the user has: loaded by name or path, with errors that say what is wrong with them."""

import struct
import sys
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.detection.interpreters import Runtime

# Of an ELF header: where its class (32 or 64 bits) and its machine are, and the machines' names (elf.h).
_HEADER_BYTES = 20
_CLASSES = {1: "32-bit", 2: "64-bit"}
_MACHINES = {3: "x86", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}


class DelegateError(Exception):
    """There is no such delegate, or it does not start."""


def load_delegate(runtime: Runtime, library: str) -> Any:
    """The delegate of a shared library: a path, or a name such as `libedgetpu.so.1` that the loader finds.

    Raises `DelegateError`.
    """
    if "/" in library:
        library = str(Path(library).expanduser())
        _check_file(library)
    try:
        return runtime.module.load_delegate(library)
    except AttributeError as error:
        raise DelegateError(f"{library} is no delegate: it lacks tflite_plugin_create_delegate") from error
    except OSError as error:
        raise DelegateError(_loader_words(library, str(error))) from error
    except (ValueError, RuntimeError) as error:
        # A line of the runtime's own, then what the delegate says, which may be nothing.
        words = " ".join(str(error).strip().splitlines()[1:])
        words = words or "it gives no reason; is its device there, and may this user open it?"
        raise DelegateError(f"the delegate {library} does not start: {words}") from error


def _check_file(path: str) -> None:
    """A loader says 'cannot open shared object file' of whatever is wrong."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise DelegateError(f"the delegate {path} cannot be read on the board: {error.strerror}") from error
    kind, ours = _elf_kind(header), _own_kind()
    if kind is None:
        raise DelegateError(f"the delegate {path} is no shared library")
    if ours is not None and kind != ours:
        raise DelegateError(
            f"the delegate {path} is for {kind}, and the board's Python is {ours}: get the library built for that"
        )


def _own_kind() -> Optional[str]:
    try:
        with open(sys.executable, "rb") as file:
            return _elf_kind(file.read(_HEADER_BYTES))
    except OSError:
        return None


def _elf_kind(header: bytes) -> Optional[str]:
    """For example `64-bit AArch64`; None for what is no ELF file."""
    if len(header) < _HEADER_BYTES or header[:4] != b"\x7fELF":
        return None
    order = ">" if header[5] == 2 else "<"
    (machine,) = struct.unpack_from(f"{order}H", header, 18)
    return f"{_CLASSES.get(header[4], 'unknown')} {_MACHINES.get(machine, f'machine {machine}')}"


def _loader_words(library: str, words: str) -> str:
    if "No such file" in words and "/" not in library:
        return (
            f"the board has no {library} where its loader looks (ld.so): install the delegate's package there, or give "
            "the library's path on the board"
        )
    return f"the delegate {library} cannot be loaded: {words}"
