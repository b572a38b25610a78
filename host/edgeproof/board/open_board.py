"""A board that is connected and whose store is open: where every job on a board starts."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from edgeproof.board.link.transport import Transport
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.client import BoardStore, open_store
from edgeproof.config.boards import BoardProfile
from edgeproof.record.board import BoardInfo


@dataclass(frozen=True)
class OpenBoard:
    profile: BoardProfile
    transport: Transport
    store: BoardStore

    @property
    def info(self) -> BoardInfo:
        return self.store.facts.info(self.profile.name)


@contextlib.contextmanager
def open_board(profile: BoardProfile) -> Iterator[OpenBoard]:
    """Connects by SSH and opens the store; both are closed at the end of the block."""
    with connect(profile) as transport, open_store(transport, profile.python) as store:
        yield OpenBoard(profile, transport, store)
