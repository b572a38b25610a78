"""Which TFLite runtime fits which board: a table, and the choice out of it. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edgeproof.board.facts import BoardFacts
from edgeproof.board.runtime.no_runtime import is_free_threaded, no_runtime_words
from edgeproof.errors import NoRuntimeError, ProvisionError
from edgeproof.wording.printable import printable_line

# Part of every runtime's digest: to be raised when one that was built before would not do any more.
_BUILD_REVISION = 2

DISTRIBUTION_PACKAGES = {"numpy": "python3-numpy", "cv2": "python3-opencv"}
"""Modules that the index has no 32-bit ARM wheels of, and the Debian packages that bring them."""


@dataclass(frozen=True)
class RuntimeRelease:
    """One release of a runtime: where it runs, and the lock with its wheels' hashes."""

    name: str
    version: str
    pythons: tuple[tuple[int, int], tuple[int, int]]
    """First and last minor version of Python that has a wheel."""
    architectures: tuple[str, ...]
    glibc: tuple[int, int]
    """The oldest that its wheels' tags allow."""
    needs_distribution_packages: bool = False
    """NumPy and OpenCV come from the board's distribution, not from wheels."""

    @property
    def lock_path(self) -> Path:
        """The requirements with hashes, as `pip install --require-hashes` reads them."""
        kind = "-system" if self.needs_distribution_packages else ""
        return Path(str(resources.files("edgeproof.board.runtime"))) / f"locks/{self.name}-{self.version}{kind}.lock"

    @property
    def lock(self) -> str:
        return self.lock_path.read_text("utf-8")

    @property
    def memory_mib(self) -> float:
        """Resident memory of the agent with an interpreter and no model. Measured on emulated boards: 55 MiB with the
        wheels of either runtime; 93 with Debian's OpenCV, which loads some 200 libraries."""
        return 100.0 if self.needs_distribution_packages else 60.0

    def fits(self, facts: BoardFacts) -> bool:
        return (
            facts.arch in self.architectures
            and self.pythons[0] <= facts.python[:2] <= self.pythons[1]
            and facts.glibc is not None
            and facts.glibc >= self.glibc
            and not is_free_threaded(facts)
        )

    def digest(self, facts: BoardFacts) -> str:
        """Names the runtime in a board's store: the same lock, architecture and Python give the same digest."""
        python = f"{facts.python[0]}.{facts.python[1]}"
        return hashlib.sha256("\n".join((self.lock, facts.arch, python, str(_BUILD_REVISION))).encode()).hexdigest()


RELEASES = (
    # 2.14.0 is the last tflite-runtime. Its ARM wheels are tagged manylinux_2_34; 2.13.0 serves older boards.
    RuntimeRelease("tflite-runtime", "2.14.0", ((3, 9), (3, 11)), ("aarch64", "x86_64"), (2, 34)),
    RuntimeRelease("tflite-runtime", "2.13.0", ((3, 9), (3, 10)), ("aarch64", "x86_64"), (2, 17)),
    # 32-bit ARM has no wheels of NumPy and OpenCV: they come from the distribution.
    RuntimeRelease("tflite-runtime", "2.14.0", ((3, 9), (3, 11)), ("armv7l",), (2, 34), True),
    RuntimeRelease("tflite-runtime", "2.13.0", ((3, 9), (3, 10)), ("armv7l",), (2, 17), True),
    # The successor. The 2.x series needs glibc 2.34 and Python 3.10, the 1.x series serves older boards.
    RuntimeRelease("ai-edge-litert", "2.3.0", ((3, 10), (3, 13)), ("aarch64", "x86_64"), (2, 34)),
    RuntimeRelease("ai-edge-litert", "1.4.0", ((3, 9), (3, 12)), ("aarch64", "x86_64"), (2, 17)),
)
"""The preferred release first. ai-edge-litert has no 32-bit wheel in any version."""

RUNTIME_NAMES = tuple(dict.fromkeys(release.name for release in RELEASES))


def fitting_releases(facts: BoardFacts) -> list[RuntimeRelease]:
    """For each runtime its newest release that fits the board; the preferred runtime first."""
    chosen: dict[str, RuntimeRelease] = {}
    for release in RELEASES:
        if release.fits(facts):
            chosen.setdefault(release.name, release)
    return list(chosen.values())


def choose_releases(facts: BoardFacts, board: str, names: Sequence[str] = ()) -> list[RuntimeRelease]:
    """The releases for the named runtimes, or the preferred one when none is named. Raises `NoRuntimeError`."""
    fitting = {release.name: release for release in fitting_releases(facts)}
    for name in names or list(fitting)[:1] or [""]:
        if name not in fitting:
            raise NoRuntimeError(no_runtime_words(facts, board, name, list(fitting), RELEASES))
    return [fitting[name] for name in names] if names else list(fitting.values())[:1]


def require_distribution_packages(release: RuntimeRelease, facts: BoardFacts, board: str) -> None:
    """Raises `ProvisionError` with the line that installs what a release takes from the distribution and is missing."""
    if not release.needs_distribution_packages:
        return
    missing = [package for module, package in DISTRIBUTION_PACKAGES.items() if module not in facts.system_modules]
    if missing:
        raise ProvisionError(
            f"{board} is {facts.arch}, for which there are no wheels of NumPy and OpenCV: its distribution brings "
            f"them, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing for "
            f"{printable_line(facts.python_executable)}. Run on the board, then try again:\n"
            f"  sudo apt install {' '.join(missing)}"
        )
