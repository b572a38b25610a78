"""The folder that a command writes its results into: it replaces what it has listed there as its own, nothing else."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from edgeproof.errors import UsageError
from edgeproof.local_files.atomic_file import why_unwritten, write_atomically
from edgeproof.local_files.digests import sha256_of_file
from edgeproof.local_files.inner_names import is_inner_name
from edgeproof.local_files.made_folders import nearest_existing, remove_made

LIST_FILE = "outputs.json"
SCHEMA = "edgeproof.outputs/1"
_MAX_LIST_BYTES = 64 << 20
_ANOTHER = "choose another --out"


class OutputFolder:
    """Files are claimed, which lists them in `outputs.json`, before they are written; `seal` adds their digests.

    The first claim removes what an earlier run listed. Until then nothing that is there changes.
    """

    def __init__(self, path: Path, earlier: dict[str, str | None], there: Path) -> None:
        self.path = path
        self._there = there
        self._earlier: dict[str, str | None] | None = earlier
        self._files: dict[str, str | None] = {}

    @classmethod
    def open(cls, path: Path) -> "OutputFolder":
        """Finds what an earlier run left in the folder, which the first claim makes where there is none.

        Raises `UsageError` for a folder that holds something and no list of ours, for one where a listed file has been
        changed since, and for one that cannot be written to.
        """
        there = nearest_existing(path)
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
            empty = there != path or not any(path.iterdir())
        except OSError as error:
            raise UsageError(f"{path}: {why_unwritten(error, _ANOTHER)}") from error
        listed = listed_outputs(path)
        if listed is None and not empty:
            raise UsageError(
                f"{path}: the folder is not empty, and edgeproof has not listed what is in it as its own. "
                "Choose another --out, or empty this folder."
            )
        folder = cls(path, listed or {}, there)
        folder._require_unchanged()
        return folder

    @property
    def names(self) -> list[str]:
        """What was claimed, as names relative to the folder."""
        return sorted(self._files)

    def hold(self) -> None:
        """Marks the folder as edgeproof's own though nothing is claimed yet.

        For who keeps there what the next run takes up when this one is interrupted.
        """
        if self._earlier == {}:
            self._earlier = None
            self._write_list()

    def claim(self, *names: str) -> list[Path]:
        """Lists files as this run's, ahead of writing them; their folders are made. Claiming again is no error.

        Raises `UsageError` where something is in the place of one that no run of ours has written.
        """
        if self._earlier is not None:
            self._remove_earlier()
        new = [name for name in names if name not in self._files]
        for name in new:
            place = self.path / name
            if place.exists() or not _inside(self.path, name):
                raise UsageError(
                    f"{place}: something is there already that edgeproof has not written. Move it, or choose another "
                    "--out."
                )
        self._files |= dict.fromkeys(new)
        if new:
            self._write_list()
        paths = [self.path / name for name in names]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        return paths

    def seal(self) -> None:
        """Adds the digests of the claimed files, so that a change of the user's is recognised; drops unwritten ones.

        Where nothing was written, nothing stays: neither the list nor the folders that were made for it.
        """
        claimed = self.names
        there = {name: self.path / name for name in claimed if (self.path / name).is_file()}
        self._files = {name: sha256_of_file(path) for name, path in there.items()}
        if self._files:
            self._write_list()
        elif self._earlier is None:
            self._remove_folders(claimed)
            if all(entry.name == LIST_FILE for entry in self.path.iterdir()):
                (self.path / LIST_FILE).unlink(missing_ok=True)
                remove_made(self.path, self._there)
            else:
                self._write_list()

    @contextlib.contextmanager
    def sealed(self) -> Iterator["OutputFolder"]:
        """Seals the folder at the end of the block, however it ends."""
        try:
            yield self
        finally:
            self.seal()

    def _require_unchanged(self) -> None:
        for name, sha256 in (self._earlier or {}).items():
            path = self.path / name
            if sha256 is not None and path.is_file() and sha256_of_file(path) != sha256:
                raise UsageError(
                    f"{path}: it was changed after edgeproof wrote it, and this run would replace it. Move it, or "
                    "choose another --out."
                )

    def _remove_earlier(self) -> None:
        self._require_unchanged()
        earlier, self._earlier = self._earlier or {}, None
        for name in earlier:
            if _inside(self.path, name):
                (self.path / name).unlink(missing_ok=True)
        self._remove_folders(list(earlier))

    def _remove_folders(self, names: Sequence[str]) -> None:
        """Those of these files, where nothing is in them any more."""
        folders = {parent for name in names for parent in PurePosixPath(name).parents if parent.name}
        for folder in sorted(folders, key=lambda parent: -len(parent.parts)):
            with contextlib.suppress(OSError):  # something else is in it
                (self.path / folder).rmdir()

    def _write_list(self) -> None:
        text = json.dumps({"schema": SCHEMA, "files": self._files}, indent=1, ensure_ascii=False)
        write_atomically(self.path / LIST_FILE, f"{text}\n".encode())


def listed_outputs(folder: Path) -> dict[str, str | None] | None:
    """What a run has listed as its own in a folder: relative name to sha-256, None for one that was under way.

    None when there is no list, or none that can be read. Names that lead out of the folder are left out: the list may
    be a stranger's.
    """
    path = folder / LIST_FILE
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_LIST_BYTES:
            return None
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            return None
        files = dict(data["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return {
        name: sha256
        for name, sha256 in files.items()
        if is_inner_name(name) and (sha256 is None or isinstance(sha256, str))
    }


def _inside(folder: Path, name: str) -> bool:
    """Whether the way to a file leads through folders alone, and ends in a file or in nothing."""
    if not is_inner_name(name):
        return False
    path = folder
    *parents, last = PurePosixPath(name).parts
    for part in parents:
        path /= part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            return False
    path /= last
    return not path.is_symlink() and (path.is_file() or not path.exists())
