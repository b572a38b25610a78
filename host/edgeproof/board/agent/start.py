"""The command that starts the agent on a board, and its process while it starts."""

import shlex
from typing import TYPE_CHECKING, TypeVar

from edgeproof.board.agent.loading import LoadingAgent
from edgeproof.board.link.conversation import Conversation
from edgeproof.board.link.transport import Channel, Transport
from edgeproof.board.store.agent_object import PACKAGE
from edgeproof.board.store.client import BoardStore
from edgeproof_agent.store.objects import Kind

if TYPE_CHECKING:
    from edgeproof.board.agent.session import AgentSession

_Agent = TypeVar("_Agent", bound=LoadingAgent)


def runtime_python(runtime_path: str) -> str:
    """The interpreter of a runtime, given the runtime's folder on the board."""
    return f"{runtime_path}/venv/bin/python"


def agent_command(
    store: BoardStore, agent_digest: str, runtime_path: str, runtime_name: str, keep_bytecode: bool = False
) -> str:
    """The shell command that serves the detection operations. The shell stays its parent, so that a signal that kills
    the agent reaches the host as an exit status. Nothing of the user's Python settings gets in, and no `numpy.py` that
    lies in the home folder. `keep_bytecode` stores what Python compiles on the way, for the next start."""
    start = (
        f"import sys; sys.path.insert(0, {store.path(Kind.AGENT, agent_digest)!r}); "
        f"from {PACKAGE}.__main__ import main; sys.exit(main())"
    )
    python = shlex.quote(runtime_python(runtime_path))
    options = "-I" if keep_bytecode else "-I -B"
    lease = "" if store.lease_token is None else f" {store.lease_token}"
    return f"{python} {options} -c {shlex.quote(start)} {shlex.quote(runtime_name)}{lease}; exit $?"


class StartingAgent:
    """An agent whose process has been started by `command`, in one channel.

    It imports numpy and its runtime while the host does something else; `session` waits for it. As a context it hangs
    up at the end when no session was asked for.
    """

    def __init__(self, transport: Transport, command: str) -> None:
        self._board = transport.name
        self._channel: Channel | None = transport.open(command)

    def session(self) -> "AgentSession":
        """The session, once both have agreed on the protocol. It or `loading` is to be asked for, once.

        See `Conversation` for what it raises.
        """
        from edgeproof.board.agent.session import AgentSession  # NumPy comes with it, and takes a while

        return self._agreed(AgentSession)

    def loading(self) -> LoadingAgent:
        """The same, for who wants a bundle loaded and no more."""
        return self._agreed(LoadingAgent)

    def _agreed(self, kind: type[_Agent]) -> _Agent:
        assert self._channel is not None
        channel, self._channel = self._channel, None
        try:
            return kind(Conversation(channel, f"the agent on {self._board}"), self._board)
        except BaseException:
            channel.close()
            raise

    def __enter__(self) -> "StartingAgent":
        return self

    def __exit__(self, *_: object) -> None:
        if self._channel is not None:
            self._channel.close()
