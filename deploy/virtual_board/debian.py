"""Unpacks Debian packages of another architecture with mmdebstrap, as root or as a usual user.

Nothing of what is unpacked is run (`--variant=extract`), so no emulation of user programs is needed, and the scripts
of the packages do not run either: what they would have made comes from `overlay.py`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.virtual_board.tools import run_tool

_TIMEOUT_SECONDS = 1200.0
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
# Updates between two point releases matter little to a board that lives for an hour behind the loopback, and their
# indexes are the part of a mirror that is most often in change.
_ONLY_THE_RELEASE = """sed -i '/security\\|updates/d' "$1/etc/apt/sources.list\""""
_MERGED_USR = "/usr/share/mmdebstrap/hooks/merged-usr"


@dataclass(frozen=True)
class Unpacking:
    """Packages to unpack, and what is done with them before they are dropped."""

    release: str
    architecture: str
    packages: tuple[str, ...]
    whole_system: bool
    """With all essential packages and a merged /usr; else only the named ones and what they depend on."""

    def arguments(self) -> list[str]:
        """mmdebstrap's arguments but for the hooks; they say what comes out, so a cache can be named by them."""
        options = ["--quiet", "--variant=extract", f"--architectures={self.architecture}", "--format=null"]
        options += ["--skip=chroot/mount", f"--include={','.join(self.packages)}"]
        options += [f"--setup-hook={_ONLY_THE_RELEASE}", '--aptopt=APT::Install-Recommends "false"']
        options += ['--aptopt=Acquire::Retries "3"', *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT)]
        return [*options, *(["--include=?essential", f"--hook-dir={_MERGED_USR}"] if self.whole_system else [])]


def unpack(unpacking: Unpacking, hooks: Sequence[str]) -> None:
    """Unpacks, then runs the hooks in their order: shell commands with the root folder as `$1`, or mmdebstrap's own
    `tar-in` and `copy-out`. Raises `VirtualBoardError`.

    Without root the shell commands run in a user namespace, where this user's files cannot be read and only what
    `make_writable` has opened can be written. (A `--customize-hook` would silently not run.)
    """
    mode = "root" if os.geteuid() == 0 else "unshare"
    command = ["mmdebstrap", f"--mode={mode}", *unpacking.arguments()]
    command += [f"--extract-hook={hook}" for hook in hooks]
    what = f"unpacking Debian {unpacking.release} for {unpacking.architecture}"
    run_tool([*command, unpacking.release, "-"], what, _TIMEOUT_SECONDS)


def make_writable(path: Path) -> None:
    """Lets the user namespace of `unpack` write to a file of this user."""
    path.touch()
    path.chmod(0o666)
