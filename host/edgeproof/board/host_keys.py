"""Host keys: an unknown or changed one is refused with its fingerprint and the command that would trust it."""

import os
import shlex
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey

from edgeproof.board.profile import BoardProfile
from edgeproof.errors import HostKeyError

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


def known_hosts_path(profile: BoardProfile) -> Path:
    """Where this board's host key is trusted: the file that `ssh` itself uses, unless the profile names another."""
    return Path(profile.known_hosts or "~/.ssh/known_hosts").expanduser()


def known_hosts_name(host: str, port: int) -> str:
    """The name under which OpenSSH and paramiko look a host up."""
    return host if port == 22 else f"[{host}]:{port}"


class RefuseUnknownHostKey(paramiko.MissingHostKeyPolicy):
    """Takes the place of fabric's default, which trusts every host that it has never seen."""

    def __init__(self, profile: BoardProfile) -> None:
        self._profile = profile

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise HostKeyError(
            f"the host key of {self._profile.name} ({hostname}) is not known, so the connection is refused.\n"
            f"Its {key.get_name()} fingerprint is {key.fingerprint}\n"
            "Compare that with what the board shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). If it is the "
            f"same, trust it with:\n  {trust_command(self._profile, key)}"
        )


def changed_host_key(profile: BoardProfile, hostname: str, expected: paramiko.PKey, got: paramiko.PKey) -> HostKeyError:
    return HostKeyError(
        f"the host key of {profile.name} ({hostname}) HAS CHANGED, so the connection is refused.\n"
        f"Known is     {expected.get_name()} {expected.fingerprint}\n"
        f"It now shows {got.get_name()} {got.fingerprint}\n"
        "Either the board was set up anew, or somebody answers in its place. If you know that it was set up anew:\n"
        f"  {trust_command(profile, got)}"
    )


def trust_command(profile: BoardProfile, key: paramiko.PKey) -> str:
    """The command that trusts exactly this key."""
    return f"edgeproof board trust {shlex.quote(profile.name)} --fingerprint {key.fingerprint}"


def trust(profile: BoardProfile, host: str, port: int, key: paramiko.PKey) -> Path:
    """Writes a key to known_hosts in place of any other of the same host; other lines stay as they are."""
    path = known_hosts_path(profile)
    name = known_hosts_name(host, port)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    kept = [line if line.endswith("\n") else line + "\n" for line in lines if not _names(line, name)]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text("".join(kept) + f"{name} {key.get_name()} {key.get_base64()}\n", encoding="utf-8")
    temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o600)
    temporary.replace(path)
    return path


def _names(line: str, name: str) -> bool:
    """Whether a line of known_hosts is about this host alone (hashed or plain)."""
    if not line.strip() or line.lstrip().startswith(("#", "@")):
        return False
    try:
        entry = HostKeyEntry.from_line(line)
    except (InvalidHostKey, paramiko.SSHException):
        return False
    if entry is None or entry.key is None or len(entry.hostnames) != 1:
        return False
    keys = HostKeys()
    keys.add(entry.hostnames[0], entry.key.get_name(), entry.key)
    return keys.lookup(name) is not None
