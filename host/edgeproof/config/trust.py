"""Whether an edgeproof.toml that was found, not named, is one that the user can have meant."""

import os
import stat
from pathlib import Path

from edgeproof.errors import ProfileError


def require_trusted(path: Path, remedy: str | None = None) -> None:
    """Raises `ProfileError` for a file of somebody else, and for one that others can replace or write. `remedy` stands
    in place of what helps with an edgeproof.toml.

    An edgeproof.toml decides where a login goes and which files are keys, so one that a stranger put into a folder
    above must not count. The rules are those of git's safe.directory and of OpenSSH's StrictModes.
    """
    for place in dict.fromkeys((path, path.resolve())):
        why = _not_own(place) or _in_a_strange_folder(place.parent)
        if why is not None:
            raise ProfileError(
                f"{path} is not used: {why}, and it could send you to another board. "
                f"{remedy or f'If you know what is in it, name it: EDGEPROOF_CONFIG={path}'}"
            )


def _not_own(place: Path) -> str | None:
    found = place.lstat()
    if found.st_uid not in _own_ids():
        return f"{place} belongs to another user (uid {found.st_uid})"
    if not stat.S_ISLNK(found.st_mode) and _others_write(found):
        return f"others can write {place}"
    return None


def _in_a_strange_folder(folder: Path) -> str | None:
    found = folder.stat()
    if found.st_mode & stat.S_ISVTX:
        return None  # as in /tmp: only its owner can replace a file
    return f"others can write the folder {folder}" if _others_write(found) else None


def _others_write(found: os.stat_result) -> bool:
    """A user's own group has nobody else in it on most systems."""
    others = found.st_mode & stat.S_IWOTH
    group = found.st_mode & stat.S_IWGRP and found.st_gid not in (0, os.getegid())
    return bool(others or group)


def _own_ids() -> set[int]:
    """With sudo, the user's who asked for it, too."""
    sudo = os.environ.get("SUDO_UID", "")
    return {0, os.geteuid(), *([int(sudo)] if sudo.isdecimal() else [])}
