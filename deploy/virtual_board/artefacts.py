"""What is built once and kept in the cache folder, named by the digest of what goes into it."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.virtual_board.recipe import Platform
from deploy.virtual_board.tools import require_tools
from edgeproof.local_files.cache_folder import cache_folder
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent

_DIGEST_LETTERS = 16


@dataclass(frozen=True)
class Artefact:
    name: str
    digest: str
    platform: Platform
    description: str
    build: Callable[[Path, Path], None]
    """Fills the first folder, with the second one as scratch space."""

    @property
    def folder(self) -> Path:
        return boards_folder() / f"{self.name}-{self.digest}"

    def get(self, progress: ProgressListener = silent) -> Path:
        """Its folder, built if it is not there. Raises `VirtualBoardError`."""
        if not self.folder.is_dir():
            require_tools(self.platform, to_build=True)
            progress(Progress(f"building {self.description}, which is kept for the next start", ProgressKind.NOTE))
            self._build()
        return self.folder

    def _build(self) -> None:
        boards_folder().mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".building-", dir=boards_folder()))
        # Not below the cache: another user has to reach it, and a home folder may be closed to others.
        work = Path(tempfile.mkdtemp(prefix="virtual-board-"))
        work.chmod(0o711)
        try:
            self.build(partial, work)
            if not self.folder.is_dir():  # another process may have been faster
                partial.rename(self.folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            shutil.rmtree(partial, ignore_errors=True)
        for other in boards_folder().glob(f"{self.name}-{'?' * _DIGEST_LETTERS}"):
            if other != self.folder:  # a board that runs from it holds the file open
                shutil.rmtree(other, ignore_errors=True)


def boards_folder() -> Path:
    """Where virtual boards are kept: `virtual-boards` in edgeproof's cache folder."""
    return cache_folder() / "virtual-boards"


def content_digest(*parts: object) -> str:
    """Of everything that an artefact is made of: text, bytes or numbers."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:_DIGEST_LETTERS]
