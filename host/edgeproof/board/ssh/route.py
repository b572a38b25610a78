"""The way to a board: the jump hosts of ~/.ssh/config and the board itself, each with its host key checked."""

import getpass
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import paramiko

from edgeproof.board.ssh.algorithms import make_transport, nothing_in_common
from edgeproof.board.ssh.config import load_ssh_config
from edgeproof.board.ssh.host_keys import (
    SYSTEM_KNOWN_HOSTS,
    RefuseUnknownHostKey,
    changed_host_key,
    known_hosts_name,
    known_hosts_path,
)
from edgeproof.board.ssh.login_keys import LoginKeys
from edgeproof.board.ssh.quick_socket import quick
from edgeproof.board.ssh.refusals import Refusal
from edgeproof.config.boards import BoardProfile, parse_target
from edgeproof.config.host_names import require_host, require_user
from edgeproof.errors import BoardSilentError, BoardUnreachableError, ConnectionRefusedByBoardError, ProfileError

CONNECT_SECONDS = 10.0
_MAX_HOPS = 8


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way; the last one is the board."""

    profile: BoardProfile
    host: str
    port: int
    user: str
    options: paramiko.SSHConfigDict
    """What ~/.ssh/config says of it."""
    client: paramiko.SSHClient
    before: "Hop | None" = None
    """Through whose connection this one is reached."""

    def log_in(self) -> paramiko.Transport:
        """Connects and logs in here, after every hop before.

        Raises `BoardUnreachableError`, `HostKeyError` or `AuthenticationError`, each saying what to do.
        """
        keys = LoginKeys(self.profile, self.user, self.options, f"{self.user}@{self.host}:{self.port}")
        sock = self.open_socket()
        host, port = self.key_place
        start = time.monotonic()
        try:
            self.client.connect(
                hostname=host,  # by which the host key is looked up: the socket is open
                port=port,
                username=self.user,
                sock=sock,
                timeout=CONNECT_SECONDS,
                banner_timeout=CONNECT_SECONDS,
                auth_timeout=CONNECT_SECONDS * 2,
                auth_strategy=keys,
                transport_factory=make_transport,
            )
            transport = self.client.get_transport()
            assert transport is not None
            return transport
        except paramiko.BadHostKeyException as error:
            raise changed_host_key(self.profile, known_hosts_name(host, port), error.expected_key, error.key) from error
        except paramiko.AuthenticationException as error:
            refusal = Refusal(self._where(), self.user, self.host, self.port, keys, self.client.get_transport())
            raise refusal.error(error) from error
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._no_handshake(error, self.client.get_transport(), time.monotonic() - start) from error

    @property
    def key_place(self) -> tuple[str, int]:
        """Host and port by which the host key is known: `HostKeyAlias` stands for both."""
        alias = self.options.get("hostkeyalias")
        return (alias, paramiko.config.SSH_PORT) if alias else (self.host, self.port)

    def show_host_key(self) -> paramiko.PKey:
        """The host key as it is shown now, without logging in here and without trusting it."""
        transport = make_transport(self.open_socket())
        start = time.monotonic()
        try:
            transport.start_client(timeout=CONNECT_SECONDS)
            return transport.get_remote_server_key()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._no_handshake(error, transport, time.monotonic() - start) from error
        finally:
            transport.close()

    def close(self) -> None:
        """Closes the connection and those of the hops before."""
        self.client.close()
        if self.before is not None:
            self.before.close()

    def open_socket(self) -> Any:
        """A socket to this server: of TCP, of a ProxyCommand, or through the hop before."""
        if self.before is not None:
            return self._through(self.before)
        if "proxycommand" in self.options:
            return self._through_command(self.options["proxycommand"])
        return _open_tcp(self.profile, self.host, self.port)

    def _through(self, before: "Hop") -> paramiko.Channel:
        transport = before.log_in()
        try:
            return transport.open_channel("direct-tcpip", (self.host, self.port), ("", 0), timeout=CONNECT_SECONDS)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise BoardUnreachableError(
                f"{before.profile.name}, the jump host, does not reach {self.profile.name} ({self.host} port "
                f"{self.port}): {error or type(error).__name__}. Is the board switched on, is that its address in the "
                "jump host's network, and does the jump host allow forwarding (AllowTcpForwarding)?"
            ) from error

    def _through_command(self, command: str) -> paramiko.ProxyCommand:
        try:
            return paramiko.ProxyCommand(command)
        except (OSError, ValueError) as error:
            raise BoardUnreachableError(
                f"the ProxyCommand of {self.profile.name} in ~/.ssh/config cannot be started: {command} ({error})"
            ) from error

    def _where(self) -> str:
        return f"{self.profile.name} ({self.host} port {self.port})"

    def _no_handshake(
        self, error: BaseException, transport: paramiko.Transport | None, seconds: float
    ) -> BoardUnreachableError:
        """`seconds` is how long it was waited for."""
        nothing = nothing_in_common(transport) if isinstance(error, paramiko.SSHException) else None
        if nothing is not None:
            return BoardUnreachableError(f"{self._where()} {nothing}")
        kind = BoardSilentError if seconds >= CONNECT_SECONDS else BoardUnreachableError
        return kind(
            f"{self._where()} does not complete an SSH handshake: {error or type(error).__name__}. "
            "Is an SSH server listening there?"
        )


def find_route(profile: BoardProfile) -> Hop:
    """The board as ~/.ssh/config has it, behind its jump hosts; nothing is connected yet. Raises `ProfileError`."""
    return _hop(profile, load_ssh_config(), 0)


def _hop(profile: BoardProfile, config: paramiko.SSHConfig, depth: int, before: Hop | None = None) -> Hop:
    if depth > _MAX_HOPS:
        raise ProfileError(f"the jump hosts of {profile.name} in ~/.ssh/config lead round in a circle")
    _require_names(profile.host, profile.user)  # ahead of any look-up: ssh_config may hand them to a shell
    try:
        options = config.lookup(profile.host)
        host = options.get("hostname", profile.host)
        port = profile.port or int(options.get("port", paramiko.config.SSH_PORT))
    except (paramiko.SSHException, ValueError, KeyError) as error:
        raise ProfileError(f"what ~/.ssh/config says of {profile.host} is not right: {error}") from error
    user = profile.user or options.get("user", getpass.getuser())
    _require_names(host, user)
    profile = _with_known_hosts(profile, options)
    if "@" not in profile.name and depth:  # a jump host, which is called as a board can be called
        profile = msgspec.structs.replace(profile, name=f"{user}@{profile.name}")
    jumps = [] if before else _jumps(options, config, (host, str(port)))
    for target in jumps:
        before = _hop(target, config, depth + 1, before)
    return Hop(profile, host, port, user, options, _client(profile), before)


def _require_names(host: str, user: str | None) -> None:
    require_host(host)
    if user is not None:
        require_user(user)


def _jumps(
    options: paramiko.SSHConfigDict, config: paramiko.SSHConfig, board: tuple[str, str]
) -> Iterator[BoardProfile]:
    """The jump hosts ahead of `board`, its host and port."""
    text = options.get("proxyjump", "none")
    for target in [] if text.lower() == "none" else text.split(","):
        jump = parse_target(target.strip().removeprefix("ssh://").rstrip("/"))
        own = config.lookup(jump.host)
        if (own.get("hostname", jump.host), str(jump.port or own.get("port", paramiko.config.SSH_PORT))) == board:
            return  # `Host *` with a ProxyJump is about the jump hosts, too: each is reached by those ahead of it
        yield jump


def _with_known_hosts(profile: BoardProfile, options: paramiko.SSHConfigDict) -> BoardProfile:
    """With the first file of `UserKnownHostsFile`, unless the profile names one itself; no file at all is not taken."""
    named = options.get("userknownhostsfile", "").split()[:1]
    if profile.known_hosts or not named or named[0] in ("none", "/dev/null"):
        return profile
    return msgspec.structs.replace(profile, known_hosts=named[0])


def _client(profile: BoardProfile) -> paramiko.SSHClient:
    """A client that trusts the host keys of the system and of the user, and no others."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(RefuseUnknownHostKey(profile))
    for path in (SYSTEM_KNOWN_HOSTS, known_hosts_path(profile)):
        if path.is_file():
            client.load_system_host_keys(str(path))
    return client


def _open_tcp(profile: BoardProfile, host: str, port: int) -> socket.socket:
    where = f"{profile.name} ({host} port {port})" if host not in profile.name else f"{profile.name} (port {port})"
    try:
        sock = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except socket.gaierror:
        raise BoardUnreachableError(
            f"no such board: the name {host!r} of {profile.name} is not known on this network. "
            "Check its spelling, or use the board's address."
        ) from None
    except ConnectionRefusedError:
        raise ConnectionRefusedByBoardError(
            f"{where} refuses the connection: nothing listens on that port. "
            "Is SSH enabled on the board (sudo systemctl enable --now ssh), and is the port right?"
        ) from None
    except TimeoutError:
        raise BoardSilentError(
            f"{where} does not answer within {CONNECT_SECONDS:g} s. Is it switched on and on this network?"
        ) from None
    except OSError as error:
        raise BoardUnreachableError(f"{where} cannot be reached: {error.strerror or error}.") from None
    return quick(sock)
