"""Archives that a sample is made of, pinned by size and SHA-256, in a cache where each is whole or not at all."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from edgeproof.errors import SampleError
from edgeproof.local_files.digests import sha256_of_file


@dataclass(frozen=True)
class PinnedArchive:
    """One file of one release of a package."""

    package: str
    version: str
    file_name: str
    size_bytes: int
    sha256: str

    separator: ClassVar[str]
    """Between package and version, where the package's tool is told what to fetch."""

    @property
    def requirement(self) -> str:
        return f"{self.package}{self.separator}{self.version}"

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` is the pinned one."""
        return path.is_file() and path.stat().st_size == self.size_bytes and sha256_of_file(path) == self.sha256


Archive = TypeVar("Archive", bound=PinnedArchive)


def fetch_pinned(
    archives: Sequence[Archive], folder: Path, download: Callable[[list[Archive], Path], None], registry: str
) -> dict[Archive, Path]:
    """The archives' paths in `folder`, verified; `download` brings those that are not there to a scratch folder.

    Raises SampleError when one is not what was pinned; `registry` says what to check then.
    """
    paths = {archive: folder / archive.file_name for archive in archives}
    missing = [archive for archive, path in paths.items() if not archive.matches(path)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as scratch:
            download(missing, Path(scratch))
            for archive in missing:
                fetched = Path(scratch) / archive.file_name
                if not archive.matches(fetched):
                    raise SampleError(
                        f"{archive.requirement}: the file that was fetched is not the pinned one (SHA-256 differs). "
                        f"Check {registry}, then try again."
                    )
                fetched.replace(paths[archive])
    return paths
