"""The disk that forgets: spoken to as an NBD client does, by the protocol's document."""

import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.volatile_disk import BLOCK_BYTES, VolatileDisk

READ, WRITE, DISCONNECT, FLUSH, TRIM = range(5)
FUA = 1


class Client:
    def __init__(self, disk: VolatileDisk) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(disk.url.partition("socket=")[2])
        assert self._take(16) == b"NBDMAGICIHAVEOPT"
        (flags,) = struct.unpack(">H", self._take(2))
        self._socket.sendall(struct.pack(">I", flags))
        self._option(8, b"")  # structured replies, which are refused
        self._socket.sendall(struct.pack(">8sII", b"IHAVEOPT", 7, 6) + struct.pack(">IH", 0, 0))
        _, option, kind, length = struct.unpack(">QIII", self._take(20))
        assert (option, kind) == (7, 3)
        _, self.size_bytes, self.flags = struct.unpack(">HQH", self._take(length))
        assert struct.unpack(">QIII", self._take(20))[1:3] == (7, 1)

    def ask(self, command: int, offset: int = 0, data: bytes = b"", length: int = 0, flags: int = 0) -> bytes:
        size = len(data) or length
        self._socket.sendall(struct.pack(">IHHQQI", 0x25609513, flags, command, 77, offset, size) + data)
        magic, error, handle = struct.unpack(">IIQ", self._take(16))
        assert (magic, handle) == (0x67446698, 77)
        if error:
            raise OSError(error, "refused")
        return self._take(length) if command == READ else b""

    def _option(self, number: int, data: bytes) -> None:
        self._socket.sendall(struct.pack(">8sII", b"IHAVEOPT", number, len(data)) + data)
        assert struct.unpack(">QIII", self._take(20))[2] == 0x80000001

    def _take(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = self._socket.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        return data


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[VolatileDisk]:
    image = tmp_path / "image"
    image.write_bytes(b"i" * BLOCK_BYTES * 8)
    with VolatileDisk(image, tmp_path) as disk:
        yield disk
    assert image.read_bytes() == b"i" * BLOCK_BYTES * 8


def test_what_was_flushed_outlives_a_power_cut_and_the_rest_does_not(disk: VolatileDisk) -> None:
    client = Client(disk)
    assert client.size_bytes == BLOCK_BYTES * 8
    assert client.flags & 0b101, "it says that it takes flushes"
    client.ask(WRITE, 100, b"flushed")
    client.ask(FLUSH)
    client.ask(WRITE, 3 * BLOCK_BYTES - 2, b"cached")  # over two blocks
    client.ask(WRITE, 5 * BLOCK_BYTES, b"forced", flags=FUA)
    assert client.ask(READ, 3 * BLOCK_BYTES - 4, length=10) == b"iicachedii"
    assert disk.cached_blocks == 2
    assert disk.cut(random.Random(1), kept_share=0.0) == 2
    with pytest.raises((EOFError, OSError)):
        client.ask(FLUSH)
    again = Client(disk)
    assert again.ask(READ, 98, length=11) == b"iiflushedii"
    assert again.ask(READ, 3 * BLOCK_BYTES - 4, length=10) == b"i" * 10
    assert again.ask(READ, 5 * BLOCK_BYTES, length=7) == b"forcedi"
    assert disk.flushes == 1


def test_of_what_was_not_flushed_a_part_can_have_reached_the_disk(disk: VolatileDisk) -> None:
    client = Client(disk)
    for number in range(8):
        client.ask(WRITE, number * BLOCK_BYTES, b"w" * BLOCK_BYTES)
    lost = disk.cut(random.Random(1), kept_share=0.5)
    assert 0 < lost < 8
    kept = [Client(disk).ask(READ, number * BLOCK_BYTES, length=1) == b"w" for number in range(8)]
    assert kept.count(False) == lost


def test_what_the_disk_does_not_know_is_refused_and_it_goes_on(disk: VolatileDisk) -> None:
    client = Client(disk)
    with pytest.raises(OSError, match="refused"):
        client.ask(TRIM, length=BLOCK_BYTES)
    assert client.ask(READ, length=2) == b"ii"
