"""What a rollout has done so far, in a file, so that one that stopped or was interrupted can go on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from edgeproof.errors import UsageError
from edgeproof.fleet.outcome import OK, Outcome
from edgeproof.local_files.atomic_file import write_atomically
from edgeproof.local_files.bounded_files import MIB, read_bounded, readable

SCHEMA = "edgeproof.rollout/1"
_MAX_BYTES = 64 * MIB


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    schema: str
    app: str
    digest: str
    done: list[str]
    """Boards that serve the bundle; of the canaries those that were found well."""


class RolloutRecord:
    """`app` is to point at the bundle `digest`. With `resume`, what an earlier rollout of the same has done counts."""

    def __init__(self, path: Path, app: str, digest: str, resume: bool = False) -> None:
        self._path, self._app, self._digest = path, app, digest
        self._done: dict[str, None] = {}
        if resume:
            self._done = dict.fromkeys(self._read().done)

    def is_done(self, board: str) -> bool:
        return board in self._done

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Writes which of them went well; what did not is done again by a rollout that resumes."""
        self._done |= {outcome.board: None for outcome in outcomes if outcome.status == OK}
        self._write()

    def forget(self, boards: Mapping[str, object]) -> None:
        """Boards that were rolled back have it to do again."""
        self._done = {board: None for board in self._done if board not in boards}
        self._write()

    def _write(self) -> None:
        content = _File(schema=SCHEMA, app=self._app, digest=self._digest, done=list(self._done))
        write_atomically(self._path, msgspec.json.encode(content))

    def _read(self) -> _File:
        if not self._path.exists():
            raise UsageError(
                f"there is no rollout of this bundle to resume: {self._path} is not there. Leave --resume out"
            )
        with readable(self._path, UsageError, "Leave --resume out to begin anew."):
            found = msgspec.json.decode(read_bounded(self._path, _MAX_BYTES), type=_File)
        if (found.schema, found.app, found.digest) != (SCHEMA, self._app, self._digest):
            raise UsageError(
                f"{self._path} is of another rollout: of {found.app} {found.digest[:12]}. Leave --resume out"
            )
        return found
