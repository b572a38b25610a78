"""A frame survives the wire whole, or is refused before its claim costs anything."""

import json
import struct
from collections.abc import Callable

import pytest

from edgeproof_agent.wire.frames import (
    MAGIC,
    MAX_HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    PREFIX_BYTES,
    Frame,
    FrameError,
    decode_header,
    decode_prefix,
    encode_frame,
    read_frame,
)


def reader(data: bytes, at_once: int = 1 << 30) -> Callable[[int], bytes]:
    """Gives `data` in parts of at most `at_once` bytes, and nothing after its end."""
    left = memoryview(data)

    def read(count: int) -> bytes:
        nonlocal left
        assert count > 0
        part, left = bytes(left[: min(count, at_once)]), left[min(count, at_once) :]
        return part

    return read


def prefix(header_bytes: int, payload_bytes: int, magic: bytes = MAGIC) -> bytes:
    return struct.pack(">4sII", magic, header_bytes, payload_bytes)


@pytest.mark.parametrize("at_once", [1, 7, 4096, 1 << 30])
def test_frames_arrive_as_they_were_sent_however_the_stream_is_cut(at_once: int) -> None:
    frames = [Frame({"id": 1, "text": "Größe 🚦"}), Frame({"id": 2}, bytes(range(256)) * 20), Frame({}, b"x")]
    read = reader(b"".join(encode_frame(frame.header, frame.payload) for frame in frames), at_once)
    assert [read_frame(read) for _ in frames] == frames
    assert read_frame(read) is None


def test_a_frame_is_magic_two_big_endian_lengths_json_and_payload() -> None:
    assert encode_frame({"id": 7}, b"abc") == b"EPR1\x00\x00\x00\x08\x00\x00\x00\x03" + b'{"id":7}abc'


def test_a_stream_that_ends_between_frames_has_ended() -> None:
    assert read_frame(reader(b"")) is None


@pytest.mark.parametrize("length", range(1, len(encode_frame({"id": 1}, b"pay"))))
def test_a_stream_that_ends_inside_a_frame_says_what_is_missing(length: int) -> None:
    whole = encode_frame({"id": 1}, b"pay")
    with pytest.raises(
        FrameError, match=r"the stream ended inside a frame: \d+ of \d+ bytes of its (prefix|header|pay)"
    ):
        read_frame(reader(whole[:length]))


@pytest.mark.parametrize("magic", [b"EPR0", b"HTTP", b"\0\0\0\0"])
def test_another_magic_is_refused_before_anything_else_is_read(magic: bytes) -> None:
    with pytest.raises(FrameError, match="a frame starts with b'EPR1'"):
        read_frame(reader(prefix(2, 0, magic)))


@pytest.mark.parametrize(
    ("header_bytes", "payload_bytes"),
    [(0, 0), (1, 0), (MAX_HEADER_BYTES + 1, 0), (2**32 - 1, 0), (2, MAX_PAYLOAD_BYTES + 1), (2, 2**32 - 1)],
)
def test_lengths_out_of_bounds_are_refused(header_bytes: int, payload_bytes: int) -> None:
    with pytest.raises(FrameError, match="are allowed"):
        decode_prefix(prefix(header_bytes, payload_bytes))


def test_lengths_at_their_bounds_are_taken() -> None:
    assert decode_prefix(prefix(2, 0)) == (2, 0)
    assert decode_prefix(prefix(MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES)) == (MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nothing",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 21 + b"}",
        b'{"a": ' + b"1" * 1_000_000 + b"}",
        b"[" * 500_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda text: repr(text[:16]),
)
def test_a_header_that_is_not_plain_json_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError, match="the header is not JSON"):
        decode_header(text)


@pytest.mark.parametrize("text", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_header_that_is_not_an_object_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError, match="not a JSON object"):
        decode_header(text)


def test_integers_of_64_bits_pass() -> None:
    header = {"low": -(2**63), "high": 2**63 - 1}
    assert decode_header(json.dumps(header).encode()) == header


def test_what_is_over_the_bounds_is_not_sent_either() -> None:
    with pytest.raises(FrameError, match="a header of"):
        encode_frame({"a": "x" * MAX_HEADER_BYTES})
    with pytest.raises(FrameError, match="a payload of"):
        encode_frame({}, bytes(MAX_PAYLOAD_BYTES + 1))


def test_nan_is_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_frame({"a": float("nan")})


def test_no_more_is_asked_of_the_stream_than_the_frame_has_left() -> None:
    asked = []
    whole = encode_frame({"id": 1}, b"pay")
    read = reader(whole + b"the next frame")

    def watched(count: int) -> bytes:
        asked.append(count)
        return read(count)

    read_frame(watched)
    assert asked == [PREFIX_BYTES, len(b'{"id":1}'), 3]
