"""A board that is connected and whose store is open: what every job on a board is given."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgeproof.board.link.transport import Transport
from edgeproof.board.ssh.transport import connect
from edgeproof.board.store.client import BoardStore, open_store
from edgeproof.config.boards import BoardProfile
from edgeproof.record.board import BoardInfo


@dataclass(frozen=True)
class OpenBoard:
    transport: Transport
    store: BoardStore
    runtime: str | None = None
    """The runtime to use when no job names another; None leaves it to what the board has."""

    @property
    def name(self) -> str:
        return self.transport.name

    @property
    def info(self) -> BoardInfo:
        return self.store.facts.info(self.name)


@contextlib.contextmanager
def open_board(profile: BoardProfile, meanwhile: Callable[[], None] | None = None) -> Iterator[OpenBoard]:
    """Connects by SSH and opens the store; both are closed at the end of the block.

    `meanwhile` is done while the board starts its store service.
    """
    with connect(profile) as transport, open_store(transport, profile.python, meanwhile, profile.store) as store:
        yield OpenBoard(transport, store, profile.runtime)
