"""Writes a file so that a reader sees the old one or the whole new one, never a part."""

import errno
import os
import secrets
from pathlib import Path


def write_atomically(path: Path, data: bytes, new_mode: int | None = None) -> None:
    """Writes `data` beside `path`, flushes it to the disk and renames it into place. Makes the folder if need be.

    A file that is there keeps its permissions; a new one gets `new_mode`, else the usual ones. Raises OSError, which
    names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else new_mode
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as stream:
            if mode is not None:
                os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        # What fails while bytes are written names no file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def why_unwritten(error: OSError, otherwise: str) -> str:
    """Sentences whose subject is what could not be written: why, and `otherwise`, which is what else can be done."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full there. Free some space, or {otherwise}."
    words = error.strerror or str(error)
    reason = _WORDS.get(error.errno or 0, f"it cannot be written ({words[:1].lower()}{words[1:]})")
    return f"{reason}. {otherwise[:1].upper()}{otherwise[1:]}."


_WORDS = {
    errno.EROFS: "nothing can be written there, only read",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EISDIR: "a folder is in its place",
    errno.ENOTDIR: "a file is where a folder would have to be",
    errno.EEXIST: "a file is where a folder would have to be",
}
