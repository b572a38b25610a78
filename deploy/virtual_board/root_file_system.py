"""A board's disk: a Debian userland as an ext4 image."""

import shlex
from pathlib import Path

from deploy.virtual_board.artefacts import Artefact, content_digest
from deploy.virtual_board.debian import Unpacking, make_writable, unpack
from deploy.virtual_board.errors import VirtualBoardError
from deploy.virtual_board.kernel import INITRAMFS, KERNEL, kernel
from deploy.virtual_board.machine import Machine
from deploy.virtual_board.overlay import overlay_archive
from deploy.virtual_board.recipe import Suite
from deploy.virtual_board.tools import run_tool

DISK_IMAGE = "root.img"
_DISK_BYTES = 4 << 30  # what is not used takes no room on the host
_MAKE_EXT4 = ("mke2fs", "-q", "-t", "ext4", "-J", "size=16", "-m", "0")
_COPY_SECONDS = 300.0
_COMPILE_SECONDS = 900.0
_COMPILED = "init: compiled"


def root_file_system(suite: Suite) -> Artefact:
    """The disk of a suite, named by what goes into it."""
    unpacking = Unpacking(suite.release, suite.architecture, suite.packages, whole_system=True)
    overlay, system = overlay_archive(suite), kernel(suite.platform)

    def build(folder: Path, work: Path) -> None:
        """`work` is a folder in which another user may write to files that are open to all."""
        archive, image = work / "overlay.tar", work / DISK_IMAGE
        archive.write_bytes(overlay)
        make_writable(image)
        with image.open("r+b") as file:
            file.truncate(_DISK_BYTES)
        make_ext4 = f'PATH="$PATH:/usr/sbin:/sbin" {shlex.join(_MAKE_EXT4)} -d "$1" {shlex.quote(str(image))}'
        # apt's lists and the packages' descriptions are of no use on the board.
        clean = 'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*'
        unpack(unpacking, [f"tar-in {shlex.quote(str(archive))} /", clean, make_ext4])
        _compile_python(suite, image, system.get(), work / "console.log")
        run_tool(["cp", "--sparse=always", image, folder / DISK_IMAGE], "keeping the disk image", _COPY_SECONDS)

    digest = content_digest(suite.release, *unpacking.arguments(), overlay, *_MAKE_EXT4, _DISK_BYTES, system.digest)
    return Artefact(f"root-{suite.name}", digest, suite.platform, f"Debian {suite.name}", build)


def _compile_python(suite: Suite, image: Path, system: Path, console: Path) -> None:
    """Boots once to compile Python's modules, as the packages' scripts do on a real board: only the board's own Python
    can, and every start of Python there would take four times as long."""
    files = (system / KERNEL, system / INITRAMFS, image, console)
    machine = Machine(suite.platform, *files, task="compile", keep_changes=True)
    run_tool(machine.command(), "compiling Python's modules", _COMPILE_SECONDS)
    text = console.read_text(errors="replace")
    if _COMPILED not in text:
        raise VirtualBoardError(f"Python's modules could not be compiled on the board:\n{text[-2000:]}")
