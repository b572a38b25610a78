"""A disk with a write cache that a power cut empties, offered to an emulated machine by the NBD protocol.

What the machine has written and not flushed is in the cache alone. When the power goes, each cached block is lost or
kept by chance, as a real drive may have written any of them in any order; all that was flushed is there.

Protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md (fixed newstyle, simple replies).
"""

import contextlib
import mmap
import random
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType

BLOCK_BYTES = 4096
"""What a drive writes as a whole; ext4's own block size as well."""

_MAGIC, _OPTION_MAGIC, _OPTION_REPLY = b"NBDMAGIC", b"IHAVEOPT", 0x3E889045565A9
_REQUEST, _SIMPLE_REPLY = 0x25609513, 0x67446698
_FIXED_NEWSTYLE_NO_ZEROES = 3
_ACK, _INFO, _UNSUPPORTED = 1, 3, 0x80000001
_GO, _INFO_QUERY, _ABORT = 7, 6, 2
_FLAGS = 1 | 1 << 2 | 1 << 3  # has flags, takes FLUSH, takes FUA
_READ, _WRITE, _DISCONNECT, _FLUSH = range(4)
_FUA = 1
_EINVAL = 22


class VolatileDisk:
    """A disk that begins as a copy of `image`, which stays as it is. As a context it serves a socket in `folder`.

    A machine is attached by `url`, and one at a time. `cut` is the power cut; the next machine finds what is left.
    """

    def __init__(self, image: Path, folder: Path) -> None:
        with image.open("rb") as file:
            self._image = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size_bytes = len(self._image)
        self._durable: dict[int, bytes] = {}
        self._cached: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._path = folder / "disk.socket"
        self.flushes = 0
        """How often the machine has asked for what it wrote to be on the disk."""

    @property
    def url(self) -> str:
        """As QEMU names it."""
        return f"nbd+unix:///?socket={self._path}"

    @property
    def cached_blocks(self) -> int:
        """Blocks that a power cut would lose now."""
        with self._lock:
            return len(self._cached)

    def __enter__(self) -> "VolatileDisk":
        self._listener.bind(str(self._path))
        self._listener.listen(1)
        threading.Thread(target=self._serve, name="disk", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._listener.close()
        self.cut(random.Random(0), 0.0)
        self._path.unlink(missing_ok=True)

    def cut(self, chance: random.Random, kept_share: float) -> int:
        """Takes the power away, from one request to the next. Of the cached blocks each is kept with the probability
        `kept_share`. Returns how many were lost."""
        with self._lock:
            kept = {number: block for number, block in self._cached.items() if chance.random() < kept_share}
            lost = len(self._cached) - len(kept)
            self._durable.update(kept)
            self._cached = {}
            connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return lost

    def read(self, offset: int, length: int) -> bytes:
        """What the machine sees."""
        with self._lock:
            return self._read(offset, length)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connection = connection
            with connection, contextlib.suppress(OSError, EOFError):
                _negotiate(connection, self.size_bytes)
                while self._answer(connection):
                    pass

    def _answer(self, connection: socket.socket) -> bool:
        """One request; False at the end."""
        magic, flags, command, handle, offset, length = struct.unpack(">IHHQQI", _receive(connection, 28))
        if magic != _REQUEST or command == _DISCONNECT:
            return False
        written = _receive(connection, length) if command == _WRITE else b""
        read, error = b"", 0
        with self._lock:
            if self._connection is not connection:
                return False  # the power is gone
            if command == _READ:
                read = self._read(offset, length)
            elif command == _WRITE:
                self._write(offset, written)
                if flags & _FUA:
                    numbers = range(offset // BLOCK_BYTES, -(-(offset + length) // BLOCK_BYTES))
                    self._durable.update({number: self._cached.pop(number) for number in numbers})
            elif command == _FLUSH:
                self.flushes += 1
                self._durable.update(self._cached)
                self._cached = {}
            else:
                error = _EINVAL
        connection.sendall(struct.pack(">IIQ", _SIMPLE_REPLY, error, handle) + read)
        return True

    def _block(self, number: int) -> bytes:
        found = self._cached.get(number) or self._durable.get(number)
        return found or self._image[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]

    def _read(self, offset: int, length: int) -> bytes:
        first, end = offset // BLOCK_BYTES, -(-(offset + length) // BLOCK_BYTES)
        data = b"".join(map(self._block, range(first, end)))
        return data[offset - first * BLOCK_BYTES :][:length]

    def _write(self, offset: int, data: bytes) -> None:
        first, end = offset // BLOCK_BYTES, -(-(offset + len(data)) // BLOCK_BYTES)
        before = self._block(first)[: offset - first * BLOCK_BYTES]
        after = self._block(end - 1)[offset + len(data) - (end - 1) * BLOCK_BYTES :]
        whole = before + data + after
        for number in range(first, end):
            start = (number - first) * BLOCK_BYTES
            self._cached[number] = whole[start : start + BLOCK_BYTES]


def _negotiate(connection: socket.socket, size_bytes: int) -> None:
    """Up to the first request. Raises `EOFError` when the machine wants something else."""
    connection.sendall(_MAGIC + _OPTION_MAGIC + struct.pack(">H", _FIXED_NEWSTYLE_NO_ZEROES))
    _receive(connection, 4)
    while True:
        magic, option, length = struct.unpack(">8sII", _receive(connection, 16))
        _receive(connection, length)
        if magic != _OPTION_MAGIC or option == _ABORT:
            raise EOFError
        if option not in (_GO, _INFO_QUERY):
            _reply(connection, option, _UNSUPPORTED)
            continue
        _reply(connection, option, _INFO, struct.pack(">HQH", 0, size_bytes, _FLAGS))
        _reply(connection, option, _ACK)
        if option == _GO:
            return


def _reply(connection: socket.socket, option: int, kind: int, data: bytes = b"") -> None:
    connection.sendall(struct.pack(">QIII", _OPTION_REPLY, option, kind, len(data)) + data)


def _receive(connection: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = connection.recv(min(1 << 20, length - len(data)))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
