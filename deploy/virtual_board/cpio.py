"""cpio archives in the format that the kernel unpacks into its initramfs."""

from pathlib import Path

from deploy.virtual_board.tools import run_tool

_SECONDS = 60.0


def cpio_archive(folder: Path) -> bytes:
    """Everything in `folder`, owned by root."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    command = ["cpio", "--quiet", "--create", "--null", "--format=newc", "--owner=0:0", f"--directory={folder}"]
    return run_tool(command, "writing an initramfs", _SECONDS, given="\0".join(names).encode() + b"\0")


def joined(first: bytes, second: bytes) -> bytes:
    """Two archives, compressed or not, that the kernel unpacks one after the other.

    It takes an uncompressed one only where it begins at a multiple of 4 bytes, and skips zeros between them
    (init/initramfs.c).
    """
    return first + bytes(-len(first) % 4) + second
