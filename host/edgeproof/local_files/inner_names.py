"""Names of files that a stranger's document gives: they stay below a folder, and a file system can have them."""

from pathlib import PurePosixPath

_MAX_PART_BYTES, _MAX_BYTES = 255, 4000


def is_inner_name(name: object) -> bool:
    """Whether it is a relative path without a way up, without what no file's name can hold, and short enough."""
    if not isinstance(name, str) or "\0" in name:
        return False
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    path = PurePosixPath(name)
    parts_fit = all(len(part.encode()) <= _MAX_PART_BYTES for part in path.parts)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and size <= _MAX_BYTES and parts_fit
