"""The SSH agent that holds a user's keys: the one of SSH_AUTH_SOCK, or the one that ~/.ssh/config names."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paramiko
from paramiko.agent import AgentSSH

_AGENT_SECONDS = 10.0


class _AgentAt(AgentSSH):
    """The agent behind a socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_AGENT_SECONDS)
        try:
            self._socket.connect(str(path))
            self._connect(self._socket)  # type: ignore[attr-defined]  # as paramiko's own Agent does
        except BaseException:
            self._socket.close()
            raise
        self._socket.settimeout(None)  # a key can want to be touched

    def close(self) -> None:
        self._socket.close()


def open_agent(options: Mapping[str, Any]) -> "paramiko.Agent | _AgentAt | None":
    """`options` are ssh_config's: `IdentityAgent` names another one, or none. None where there is no agent."""
    named = str(options.get("identityagent", "SSH_AUTH_SOCK"))
    if named.lower() == "none":
        return None
    try:
        if named == "SSH_AUTH_SOCK":
            return paramiko.Agent()
        return _AgentAt(Path(os.path.expandvars(named)).expanduser())
    except (paramiko.SSHException, OSError, EOFError, RuntimeError):  # it is not there, or something else listens
        return None
