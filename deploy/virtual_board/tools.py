"""Programs of the system that a virtual board needs."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from deploy.virtual_board.errors import MissingToolsError, VirtualBoardError
from deploy.virtual_board.recipe import Platform

_SYSTEM_FOLDERS = "/usr/sbin:/sbin"
_GRACE_SECONDS = 15.0

_PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "cpio": "cpio",
    "depmod": "kmod",
    "mke2fs": "e2fsprogs",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "newuidmap": "uidmap",
}
_BUILDING = ("mmdebstrap", "cpio", "depmod", "mke2fs")
_RUNNING = ("cpio", "setpriv", "ssh-keygen", "ssh")
# mmdebstrap verifies what it downloads with Debian's own keys, which other distributions do not have.
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def require_tools(platform: Platform, to_build: bool) -> None:
    """Raises `MissingToolsError` with the line that installs what is missing."""
    missing = missing_packages(platform, to_build)
    if missing:
        raise MissingToolsError(
            f"a virtual board needs {' and '.join(missing)}. On Debian or Ubuntu: sudo apt install {' '.join(missing)}"
        )


def missing_packages(platform: Platform, to_build: bool) -> list[str]:
    """Debian packages that are not there: of those that building needs, too, or only of those that running needs."""
    packages = {platform.emulator: platform.emulator_package, **_PACKAGES}
    programs = (platform.emulator, *_RUNNING, *(_BUILDING if to_build else ()))
    if to_build and os.geteuid() != 0:
        programs = (*programs, "newuidmap")
    missing = [packages[program] for program in programs if _find(program) is None]
    if to_build and not _KEYRING.exists():
        missing.append("debian-archive-keyring")
    return list(dict.fromkeys(missing))


def run_tool(command: Sequence[str | Path], what: str, timeout_seconds: float, given: bytes = b"") -> bytes:
    """Runs a program with `given` as its input; returns its output. Raises `VirtualBoardError` with its own words."""
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_FOLDERS}", "LC_ALL": "C.UTF-8"}
    try:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
    except FileNotFoundError:
        raise VirtualBoardError(f"{command[0]} is not installed, and {what} needs it") from None
    with process:
        try:
            output, errors = process.communicate(given, timeout_seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise VirtualBoardError(f"{what} took longer than {timeout_seconds:.0f} s") from None
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        words = "\n".join(_last_lines(errors.decode(errors="replace").splitlines()))
        raise VirtualBoardError(f"{what} failed: {command[0]} ended with status {process.returncode}\n{words}")
    return output


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks first: mmdebstrap drops what it has unpacked."""
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _last_lines(lines: Iterable[str], count: int = 12) -> list[str]:
    return [line for line in lines if line.strip()][-count:]


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=_SYSTEM_FOLDERS)
