"""Host keys: an unknown or changed one is refused with its fingerprint and the command that would trust it."""

import shlex
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeys

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import HostKeyError, UnknownHostKeyError
from edgeproof.local_files.atomic_file import write_atomically

SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


def known_hosts_path(profile: BoardProfile) -> Path:
    """Where this board's host key is trusted: the file that `ssh` itself uses, unless the profile names another."""
    return Path(profile.known_hosts or "~/.ssh/known_hosts").expanduser()


def known_hosts_name(host: str, port: int) -> str:
    """The name under which OpenSSH and paramiko look a host up."""
    return host if port == 22 else f"[{host}]:{port}"


class RefuseUnknownHostKey(paramiko.MissingHostKeyPolicy):
    """Takes the place of a warning: paramiko asks it about a host that it has never seen."""

    def __init__(self, profile: BoardProfile) -> None:
        self._profile = profile

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise UnknownHostKeyError(
            f"the host key of {self._profile.name} ({hostname}) is not known, so the connection is refused.\n"
            f"Its {key.get_name()} fingerprint is {key.fingerprint}\n"
            "Compare that with what the board shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). If it is the "
            f"same, trust it with:\n  {trust_command(self._profile, key)}"
        )


def changed_host_key(profile: BoardProfile, where: str, expected: paramiko.PKey, got: paramiko.PKey) -> HostKeyError:
    return HostKeyError(
        f"the host key of {profile.name} ({where}) HAS CHANGED, so the connection is refused.\n"
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
    path = known_hosts_path(profile).resolve()
    name = known_hosts_name(host, port)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    lines = text.removesuffix("\n").split("\n") if text else []
    kept = [f"{line}\n" for line in (_without(line, name) for line in lines) if line is not None]
    content = "".join(kept) + f"{name} {key.get_name()} {key.get_base64()}\n"
    write_atomically(path, content.encode("utf-8", "surrogateescape"), new_mode=0o600)
    return path


def _without(line: str, name: str) -> str | None:
    """A line of known_hosts as it is without this host, plain or hashed; None when it was about this host alone."""
    hosts, rest = [*line.split(maxsplit=1), "", ""][:2]
    if not hosts or hosts.startswith(("#", "@")):
        return line
    kept = [host for host in hosts.split(",") if not _is(host, name)]
    if len(kept) == hosts.count(",") + 1:
        return line
    return f"{','.join(kept)} {rest}" if kept else None


def _is(host: str, name: str) -> bool:
    if not host.startswith("|1|"):
        return host == name
    try:
        return HostKeys.hash_host(name, host) == host
    except (AssertionError, IndexError, ValueError):  # not a hash that OpenSSH makes
        return False
