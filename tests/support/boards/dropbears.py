"""Dropbear as other releases of Debian have it, older and newer than this machine's, each with its own libraries."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.places import BUILT

RELEASES = ("bullseye", "trixie")
"""2020.81 and 2025.89; Debian's archive keeps no older one."""
_TOOLS = {"mmdebstrap": "mmdebstrap", "patchelf": "patchelf"}
_SECONDS = 300.0


def dropbear_of(release: str) -> Path:
    """The server's program, fetched once. Skips, loudly, where that cannot be."""
    root = BUILT / "dropbear" / release
    if not root.is_dir():
        missing = [package for tool, package in _TOOLS.items() if shutil.which(tool) is None]
        if missing or os.geteuid() != 0:
            pytest.skip(f"not root, or no {' and '.join(missing) or 'root'} here: Dropbear of {release} was not tested")
        _fetch(release, root)
    return root / "usr/sbin/dropbear"


def version_of(program: Path) -> str:
    told = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=20)
    return (told.stdout + told.stderr).split()[-1].removeprefix("v")


def _fetch(release: str, root: Path) -> None:
    partial = root.with_name(f".{release}-{os.getpid()}")
    root.parent.mkdir(parents=True, exist_ok=True)
    only_the_release = """sed -i '/security\\|updates/d' "$1/etc/apt/sources.list\""""
    options = ["--quiet", "--mode=root", "--variant=extract", "--include=dropbear-bin", "--skip=chroot/mount"]
    command = ["mmdebstrap", *options, f"--setup-hook={only_the_release}", release, str(partial)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
        if done.returncode:
            pytest.skip(f"Dropbear of {release} cannot be fetched, so it was not tested: {done.stderr[-300:]}")
        partial.rename(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    # It finds the C library of its own release, wherever it is started from: it starts itself anew for each connection.
    loader = next(path for path in root.rglob("ld-linux-*.so.*") if path.is_file())
    folders = sorted({str(path.parent) for path in root.rglob("*.so*")})
    words = ["--set-interpreter", str(loader), "--set-rpath", ":".join(folders), "--force-rpath"]
    subprocess.run(["patchelf", *words, str(root / "usr/sbin/dropbear")], check=True, timeout=60)
