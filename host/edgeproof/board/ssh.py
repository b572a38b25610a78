"""SSH as transport: fabric reads ~/.ssh/config, paramiko connects, and an unknown host key is refused."""

import contextlib
import logging
import shlex
import socket
import threading
from pathlib import Path
from typing import Any

import fabric
import paramiko

from edgeproof.board.deadline import Deadline
from edgeproof.board.host_keys import (
    SYSTEM_KNOWN_HOSTS,
    RefuseUnknownHostKey,
    changed_host_key,
    known_hosts_name,
    known_hosts_path,
)
from edgeproof.board.profile import BoardProfile, parse_target
from edgeproof.board.transport import Channel, ErrorOutput, ExitStatus, Transport
from edgeproof.errors import AuthenticationError, BoardUnreachableError

# What goes wrong becomes an error in our words; without a handler, paramiko's tracebacks would stand beside it.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

CONNECT_SECONDS = 10.0
_KEEPALIVE_SECONDS = 15
_STDERR_POLL_SECONDS = 0.2
_READ_BYTES = 1 << 15


class SshChannel(Channel):
    def __init__(self, channel: paramiko.Channel) -> None:
        self.error_output = ErrorOutput()
        self._channel = channel
        self._drain = threading.Thread(target=self._drain_stderr, name="stderr", daemon=True)
        self._drain.start()

    def send(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        while view:
            self._channel.settimeout(deadline.remaining_seconds())
            try:
                sent = self._channel.send(view)  # type: ignore[arg-type]  # takes any buffer
            except TimeoutError:
                raise deadline.error() from None
            except (paramiko.SSHException, EOFError) as error:  # the transport ended while keys were exchanged anew
                raise BrokenPipeError(str(error)) from error
            if sent == 0:
                raise BrokenPipeError("the channel is closed")
            view = view[sent:]

    def receive(self, max_bytes: int, deadline: Deadline) -> bytes:
        self._channel.settimeout(deadline.remaining_seconds())
        try:
            return self._channel.recv(max_bytes)
        except TimeoutError:
            raise deadline.error() from None

    def wait(self, deadline: Deadline) -> ExitStatus:
        if not self._channel.status_event.wait(deadline.remaining_seconds()):
            raise deadline.error()
        self._drain.join(_STDERR_POLL_SECONDS * 5)
        return ExitStatus(self._channel.exit_status)

    def close(self) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()

    def _drain_stderr(self) -> None:
        # Unread error output fills the channel's window and then blocks the far side.
        while True:
            try:
                data = self._channel.recv_stderr(_READ_BYTES)
            except TimeoutError:
                continue
            except OSError:
                return
            if not data:
                return
            self.error_output.add(data)


class SshTransport(Transport):
    """A connected board."""

    def __init__(self, name: str, connection: fabric.Connection) -> None:
        self.name = name
        self._connection = connection
        transport = connection.transport
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        self._transport: paramiko.Transport = transport

    def open(self, command: str) -> Channel:
        try:
            channel = self._transport.open_session(timeout=CONNECT_SECONDS)
            channel.settimeout(_STDERR_POLL_SECONDS)
            wrapped = SshChannel(channel)
            # paramiko waits without a limit for the answer to this; a closed channel ends the wait.
            limit = threading.Timer(CONNECT_SECONDS, wrapped.close)
            limit.daemon = True
            limit.start()
            try:
                # The login shell may be any; the command is for a POSIX shell.
                channel.exec_command(f"exec /bin/sh -c {shlex.quote(command)}")
            finally:
                limit.cancel()
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise BoardUnreachableError(
                f"the connection to {self.name} broke: {error or type(error).__name__}"
            ) from error
        return wrapped

    def close(self) -> None:
        self._connection.close()


def _make_transport(sock: socket.socket, **kwargs: Any) -> paramiko.Transport:
    """AES-GCM first: paramiko lists it last though it is its cheapest cipher."""
    transport = paramiko.Transport(sock, **kwargs)
    options = transport.get_security_options()
    options.ciphers = tuple(sorted(options.ciphers, key=lambda cipher: "gcm" not in cipher))
    return transport


def connect(profile: BoardProfile) -> SshTransport:
    """Connects and logs in.

    Raises `BoardUnreachableError`, `HostKeyError` or `AuthenticationError`, each saying what to do.
    """
    connection = make_connection(profile)
    try:
        connection.open()
    except paramiko.BadHostKeyException as error:
        raise changed_host_key(
            profile, known_hosts_name(connection.host, connection.port), error.expected_key, error.key
        ) from error
    except paramiko.AuthenticationException as error:
        raise _not_let_in(profile, connection) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        if "authentication methods" in str(error):  # there was no key to offer
            raise _not_let_in(profile, connection) from error
        raise BoardUnreachableError(
            f"{_where(profile, connection)} does not complete an SSH handshake: {error or type(error).__name__}. "
            "Is an SSH server listening there?"
        ) from error
    return SshTransport(profile.name, connection)


def make_connection(profile: BoardProfile) -> fabric.Connection:
    """A connection that is not open yet but for its socket, with TCP_NODELAY set and host keys checked."""
    kwargs: dict[str, Any] = {"transport_factory": _make_transport, "banner_timeout": CONNECT_SECONDS}
    kwargs["auth_timeout"] = CONNECT_SECONDS * 2
    if profile.identity_file:
        kwargs |= {
            "pkey": _load_key(profile, Path(profile.identity_file)),
            "look_for_keys": False,
            "allow_agent": False,
        }
    connection = fabric.Connection(
        host=profile.host,
        user=profile.user,
        port=profile.port,
        connect_timeout=CONNECT_SECONDS,
        connect_kwargs=kwargs,
    )
    _check_host_keys(connection, profile)
    hop = connection.gateway
    while isinstance(hop, fabric.Connection):
        # fabric trusts the hosts on the way (ProxyJump) blindly, too.
        _check_host_keys(hop, parse_target(f"{hop.user}@{hop.host}:{hop.port}"))
        hop = hop.gateway
    if not connection.gateway:
        # paramiko would make the same socket without TCP_NODELAY, which costs 40 ms a request.
        connection.connect_kwargs["sock"] = open_socket(profile, connection.host, connection.port)
    return connection


def _load_key(profile: BoardProfile, path: Path) -> paramiko.PKey:
    if not path.is_file():
        raise AuthenticationError(f"the key {path} of {profile.name} is not there; see identity_file in edgeproof.toml")
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError) as error:
        raise AuthenticationError(
            f"the key {path} of {profile.name} is protected by a passphrase. Unlock it (ssh-add {path}) and leave "
            "identity_file out of edgeproof.toml, so that the SSH agent is asked."
        ) from error
    except (paramiko.SSHException, OSError, ValueError) as error:
        raise AuthenticationError(f"the key {path} of {profile.name} is not a private key: {error}") from error


def _check_host_keys(connection: fabric.Connection, profile: BoardProfile) -> None:
    client: paramiko.SSHClient = connection.client
    client.set_missing_host_key_policy(RefuseUnknownHostKey(profile))
    for path in (SYSTEM_KNOWN_HOSTS, known_hosts_path(profile)):
        if path.is_file():
            client.load_system_host_keys(str(path))


def open_socket(profile: BoardProfile, host: str, port: int) -> socket.socket:
    """A TCP connection to a board's SSH port. Raises `BoardUnreachableError` in words for people."""
    where = f"{profile.name} ({host} port {port})" if host not in profile.name else f"{profile.name} (port {port})"
    try:
        sock = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except socket.gaierror:
        raise BoardUnreachableError(
            f"no such board: the name {host!r} of {profile.name} is not known on this network. "
            "Check its spelling, or use the board's address."
        ) from None
    except ConnectionRefusedError:
        raise BoardUnreachableError(
            f"{where} refuses the connection: nothing listens on that port. "
            "Is SSH enabled on the board (sudo systemctl enable --now ssh), and is the port right?"
        ) from None
    except TimeoutError:
        raise BoardUnreachableError(
            f"{where} does not answer within {CONNECT_SECONDS:g} s. Is it switched on and on this network?"
        ) from None
    except OSError as error:
        raise BoardUnreachableError(f"{where} cannot be reached: {error.strerror or error}.") from None
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def fetch_host_key(profile: BoardProfile) -> tuple[str, int, paramiko.PKey]:
    """(host, port, key) as the board shows it now, without logging in and without trusting it."""
    connection = make_connection(profile)
    sock = connection.open_gateway() if connection.gateway else connection.connect_kwargs["sock"]
    transport = _make_transport(sock)
    try:
        transport.start_client(timeout=CONNECT_SECONDS)
        return connection.host, connection.port, transport.get_remote_server_key()
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise BoardUnreachableError(f"{profile.name} does not complete an SSH handshake: {error}") from error
    finally:
        transport.close()


def _not_let_in(profile: BoardProfile, connection: fabric.Connection) -> AuthenticationError:
    return AuthenticationError(
        f"{_where(profile, connection)} does not let {connection.user} in with the keys that were offered. Put your "
        f"public key on the board (ssh-copy-id -p {connection.port} {connection.user}@{connection.host}), or name the "
        "right key: identity_file in edgeproof.toml, IdentityFile in ~/.ssh/config"
    )


def _where(profile: BoardProfile, connection: fabric.Connection) -> str:
    return f"{profile.name} ({connection.host} port {connection.port})"
