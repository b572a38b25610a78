"""This machine in the part of a board, as the contract tests use it."""

from dataclasses import dataclass

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.deploy import open_session
from edgeproof.board.link.transport import Transport
from edgeproof.board.open_board import OpenBoard
from edgeproof.board.store.client import BoardStore
from edgeproof_agent.store.objects import Kind


@dataclass(frozen=True)
class LocalBoard:
    """A home folder of its own on this machine, provisioned as any board is."""

    opened: OpenBoard
    bundles: dict[str, str]
    """Variant of the tiny SSD to its digest in the board's store; `raw-` ahead where the agent suppresses itself."""

    @property
    def transport(self) -> Transport:
        return self.opened.transport

    @property
    def store(self) -> BoardStore:
        return self.opened.store

    @property
    def runtime(self) -> str:
        assert self.opened.runtime is not None
        return self.opened.runtime

    def session(self) -> AgentSession:
        return open_session(self.opened)

    def bundle_path(self, variant: str) -> str:
        return self.store.path(Kind.BUNDLE, self.bundles[variant])
