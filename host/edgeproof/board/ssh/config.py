"""The user's and the system's ssh_config, with the files that they include: paramiko passes over `Include`."""

import glob
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import paramiko

from edgeproof.errors import ProfileError

SYSTEM_FOLDER = Path("/etc/ssh")
_MAX_DEPTH = 16  # OpenSSH's own limit for files that include each other
_KEYWORD = re.compile(r"\s*(\w+)(?:\s*=\s*|\s+)(.*)")


def load_ssh_config() -> paramiko.SSHConfig:
    """~/.ssh/config ahead of /etc/ssh/ssh_config, as `ssh` reads them. Raises `ProfileError`."""
    user_folder = Path("~/.ssh").expanduser()
    lines = [*_lines(user_folder / "config", user_folder), *_lines(SYSTEM_FOLDER / "ssh_config", SYSTEM_FOLDER)]
    try:
        return paramiko.SSHConfig.from_text("\n".join(lines))
    except paramiko.SSHException as error:
        raise ProfileError(f"{user_folder / 'config'} (or what it includes) is not right: {error}") from error


def _lines(path: Path, folder: Path, block: str = "Host *", depth: int = 0) -> Iterator[str]:
    """A file's lines within `block`, the `Host` or `Match` line that holds where the file is included."""
    if depth > _MAX_DEPTH:
        raise ProfileError(f"{path} is included by too many files one within the other; does it include itself?")
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    yield block
    for line in text.splitlines():
        keyword = _KEYWORD.match(line)
        name = keyword[1].lower() if keyword else ""
        if name in ("host", "match"):
            block = line
        if keyword is None or name != "include":
            yield line
            continue
        for pattern in _words(keyword[2]):
            for included in sorted(glob.glob(str(folder / Path(pattern).expanduser()))):
                yield from _lines(Path(included), folder, block, depth + 1)
        yield block  # a Host line of an included file holds to the end of that file


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()
