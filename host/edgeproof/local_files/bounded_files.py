"""Reads files that strangers wrote: bounded in size, and whatever a parser raises becomes one error that names them."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from edgeproof.errors import EdgeproofError

MIB = 1 << 20
MAX_MODEL_BYTES = 2048 * MIB
"""Offsets in a flatbuffer and lengths in protobuf have 31 bits."""
MAX_PICTURE_BYTES = 64 * MIB
"""Of an encoded picture: what a frame to a board can carry."""


class UnreadableError(ValueError):
    """Half a sentence whose subject is the file."""


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened to read. Raises OSError, and `UnreadableError` when it is none.

    A pipe or a device that lies in the file's place is neither waited for nor read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnreadableError("it is no regular file")
    return open(descriptor, "rb")


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file. Raises OSError, and `UnreadableError` when it is none or holds more."""
    with open_regular(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        limit = f"{max_bytes // MIB} MiB" if max_bytes >= MIB else f"{max_bytes} bytes"
        raise UnreadableError(f"it is over {limit} long")
    return data


@contextlib.contextmanager
def readable(path: Path, error_class: type[EdgeproofError] = EdgeproofError, remedy: str = "") -> Iterator[None]:
    """What is raised within becomes `error_class`: PATH: it is broken (...). An error of ours passes.

    Only the call of a reader or of a parser belongs within: a fault of our own would be told as one of the file.
    """
    try:
        yield
    except EdgeproofError:
        raise
    except Exception as error:  # NumPy, JSON, zip and protobuf readers raise whatever broken bytes lead to
        raise error_class(f"{path}: {why_unreadable(error)}.{remedy and f' {remedy}'}") from error


def why_unreadable(error: Exception) -> str:
    """A clause whose subject is the file that could not be opened, read or parsed."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, UnicodeDecodeError):
        return f"it is not {error.encoding.upper()} (byte 0x{error.object[error.start]:02x} at {error.start})"
    if isinstance(error, OSError) and error.errno is not None:  # HDF5's library raises one for broken bytes
        words = error.strerror or str(error)
        return _SYSTEM_WORDS.get(error.errno, f"it cannot be read ({words[:1].lower()}{words[1:]})")
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, MemoryError):
        return "it takes more memory than there is"
    words = next(iter(str(error).strip().splitlines()), "")
    if isinstance(error, ValueError) and words.startswith("Exceeds the limit"):
        return "it holds a number of thousands of digits"
    return f"it is broken ({words[:200] or type(error).__name__})"


_SYSTEM_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EISDIR: "it is a folder, not a file",
    errno.EACCES: "this user may not read it",
    errno.EPERM: "this user may not read it",
    errno.ELOOP: "its symbolic links lead round in a circle",
    errno.ENAMETOOLONG: "the name is longer than a file's can be",
}
