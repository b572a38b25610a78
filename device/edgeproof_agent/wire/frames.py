"""The frame: a fixed binary prefix (magic, header length, payload length), a JSON header and a binary payload."""

import json
import struct
from typing import Any, Callable, NamedTuple, Optional

MAGIC = b"EPR1"
MAX_HEADER_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 1 << 26

_PREFIX = struct.Struct(">4sII")
PREFIX_BYTES = _PREFIX.size
_READ_BYTES = 1 << 17
_MAX_INTEGER_DIGITS = 19


class FrameError(ValueError):
    """The bytes are not a frame: wrong magic, absurd lengths, a header that is not a JSON object, or cut short."""


class Frame(NamedTuple):
    header: dict[str, Any]
    payload: bytes = b""


def encode_frame(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One buffer for the whole frame, so that one write carries it. Raises `FrameError` when it is over the bounds."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    _check_lengths(len(text), len(payload))
    return b"".join((_PREFIX.pack(MAGIC, len(text), len(payload)), text, payload))


def read_frame(read: Callable[[int], bytes]) -> Optional[Frame]:
    """Reads one frame; None when the stream ends before its first byte.

    `read(n)` gives 1 to n bytes, and none at the end of the stream. Memory grows only with bytes that have arrived.
    Raises `FrameError` for anything that is not a whole frame.
    """
    prefix = _read_exactly(read, PREFIX_BYTES, "its prefix", at_start=True)
    if prefix is None:
        return None
    header_bytes, payload_bytes = decode_prefix(prefix)
    text = _read_exactly(read, header_bytes, "its header")
    payload = _read_exactly(read, payload_bytes, "its payload")
    assert text is not None
    assert payload is not None
    return Frame(decode_header(text), payload)


def decode_prefix(prefix: bytes) -> tuple[int, int]:
    """Header length and payload length in bytes, both within their bounds."""
    magic, header_bytes, payload_bytes = _PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise FrameError(f"a frame starts with {MAGIC!r}, got {magic!r}")
    _check_lengths(header_bytes, payload_bytes)
    return header_bytes, payload_bytes


def decode_header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), parse_int=_parse_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"the header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise FrameError("the header is not a JSON object")
    return header


def _check_lengths(header_bytes: int, payload_bytes: int) -> None:
    if not 2 <= header_bytes <= MAX_HEADER_BYTES:
        raise FrameError(f"a header of {header_bytes} bytes; 2 to {MAX_HEADER_BYTES} are allowed")
    if payload_bytes > MAX_PAYLOAD_BYTES:
        raise FrameError(f"a payload of {payload_bytes} bytes; at most {MAX_PAYLOAD_BYTES} are allowed")


def _read_exactly(read: Callable[[int], bytes], count: int, what: str, at_start: bool = False) -> Optional[bytes]:
    data = bytearray()  # a list of parts would take many times their bytes from a peer that sends them one by one
    while len(data) < count:
        missing = count - len(data)
        part = read(min(missing, _READ_BYTES))
        if not part:
            if at_start and not data:
                return None
            raise FrameError(f"the stream ended inside a frame: {missing} of {count} bytes of {what} are missing")
        if len(part) == count:
            return part
        data += part
    return bytes(data)


def _parse_integer(digits: str) -> int:
    # Python turns a million digits into an integer in quadratic time.
    if len(digits) > _MAX_INTEGER_DIGITS + 1:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
