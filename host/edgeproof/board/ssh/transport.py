"""SSH as transport: commands on a board that has been logged in to."""

import contextlib
import logging
import threading

import paramiko

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.link.first_contact import GreetedChannel, Ready
from edgeproof.board.link.transport import Channel, ErrorOutput, ExitStatus, Transport
from edgeproof.board.ssh.route import CONNECT_SECONDS, Hop, find_route
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import BoardUnreachableError

# What goes wrong becomes an error in our words; without a handler, paramiko's tracebacks would stand beside it.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_KEEPALIVE_SECONDS = 15
_STDERR_POLL_SECONDS = 0.2
_READ_BYTES = 1 << 15
_BROKEN = (paramiko.SSHException, OSError, EOFError)


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

    def end_input(self) -> None:
        """Tells the far side that nothing more will come."""
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.shutdown_write()

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

    def __init__(self, profile: BoardProfile, board: Hop) -> None:
        self.name = profile.name
        self._profile = profile
        self._boards: list[Hop] = []
        self._has_served = False
        self._transport = self._log_in(board)

    def open(self, command: str) -> GreetedChannel:
        ready = Ready()
        try:
            wrapped = self._start(ready.command(command))
        except _BROKEN as error:
            if not self._has_served:
                raise self._broke(error) from error
            # Dropbear ends a connection with its last channel, and MaxSessions allows one session at a time.
            try:
                self._transport = self._log_in(find_route(self._profile))
                wrapped = self._start(ready.command(command))
            except _BROKEN as second:
                raise self._broke(second) from error
        self._has_served = True  # this connection, or one like it
        return GreetedChannel(wrapped, ready, self.name, wrapped.end_input)

    def close(self) -> None:
        for board in self._boards:
            board.close()

    def _log_in(self, board: Hop) -> paramiko.Transport:
        self._boards.append(board)
        self.connections = len(self._boards)
        transport = board.log_in()
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        return transport

    def _start(self, command: str) -> SshChannel:
        channel = self._transport.open_session(timeout=CONNECT_SECONDS)
        channel.settimeout(_STDERR_POLL_SECONDS)
        wrapped = SshChannel(channel)
        # paramiko waits without a limit for the answer to this; a closed channel ends the wait.
        limit = threading.Timer(CONNECT_SECONDS, wrapped.close)
        limit.daemon = True
        limit.start()
        try:
            channel.exec_command(command)
        finally:
            limit.cancel()
        return wrapped

    def _broke(self, error: BaseException) -> BoardUnreachableError:
        return BoardUnreachableError(f"the connection to {self.name} broke: {error or type(error).__name__}")


def connect(profile: BoardProfile) -> SshTransport:
    """Connects and logs in.

    Raises `BoardUnreachableError`, `HostKeyError` or `AuthenticationError`, each saying what to do.
    """
    board = find_route(profile)
    try:
        return SshTransport(profile, board)
    except BaseException:
        board.close()  # the hops before
        raise


def fetch_host_key(profile: BoardProfile) -> tuple[Hop, paramiko.PKey]:
    """Which server that is, and the key that it shows now, without logging in and without trusting it."""
    with contextlib.closing(find_route(profile)) as board:
        return board, board.show_host_key()
