"""Reads how large an encoded picture is, and whether a JPEG is whole, before anything is decoded.

A few hundred kilobytes can claim, and become, gigabytes of pixels. Sources: JPEG (ITU T.81, annex B), PNG (ISO 15948,
11.2), the WebP container (RFC 9649), TIFF 6.0, BITMAPINFOHEADER, netpbm's ppm(5) and pam(5).
"""

import re
import struct
from typing import Callable, NamedTuple, Optional

_SEARCHED_BYTES = 1 << 16
_PNM_NUMBER = rb"(?:\s|#[^\n]*\n)+([0-9]{1,10})"
_PNM = re.compile(rb"P[1-6]" + _PNM_NUMBER + _PNM_NUMBER + rb"\s")
_PAM_SIDE = {name: re.compile(rb"\n\s*" + name + rb"\s+([0-9]{1,10})\s") for name in (b"WIDTH", b"HEIGHT")}
_STANDALONE = frozenset([0x01, *range(0xD0, 0xD9)])
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_FORMATS = {3: "H", 4: "I", 16: "Q"}


class HeaderError(ValueError):
    """The picture ends, or contradicts its format, before its size is told."""


class PictureSize(NamedTuple):
    width: int
    height: int


def read_size(data: bytes) -> Optional[PictureSize]:
    """Width and height as the file's header says, before EXIF turns it; None for a format that is not read here.

    Raises `HeaderError`, also for a JPEG without an end: some versions of OpenCV fill up what is missing with grey.
    """
    for magic, read in _READERS:
        if magic.match(data):
            try:
                return PictureSize(*read(data))
            except (struct.error, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
                raise HeaderError(str(error) if isinstance(error, HeaderError) else "its header is broken") from None
    return None


def is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff")


def _jpeg(data: bytes) -> tuple[int, int]:
    size: Optional[tuple[int, int]] = None
    position = 2
    while True:
        if data[position] != 0xFF:
            raise HeaderError("its JPEG segments are broken")
        while data[position] == 0xFF:  # any number of fill bytes may come ahead of a marker
            position += 1
        marker = data[position]
        position += 1
        if marker in _STANDALONE:
            continue
        if marker == _END_OF_IMAGE:
            raise HeaderError("it is a JPEG without pixels")
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise HeaderError("its JPEG segments are broken")
        if marker in _FRAMES and size is None:
            height, width = struct.unpack_from(">HH", data, position + 3)
            size = width, height
        position += length
        if marker == _START_OF_SCAN:
            break
    if size is None:
        raise HeaderError("it is a JPEG that does not tell its size")
    # Within a scan 0xFF is followed by 0 or a restart, so the first end is that of this picture, not of a preview.
    if data.find(b"\xff\xd9", position) < 0:
        raise HeaderError("it is a JPEG that was cut off")
    return size


def _png(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise HeaderError("it is a PNG that does not tell its size")
    width, height = struct.unpack_from(">II", data, 16)
    position, has_pixels = 8, False
    while True:
        # OpenCV takes as much memory as a chunk claims to have before it looks for the chunk's end, and where no pixels
        # came it goes on behind the end of the picture.
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if position > len(data):
            raise HeaderError("it is a PNG that was cut off")
        has_pixels |= kind == b"IDAT"
        if kind == b"IEND":
            if not has_pixels:
                raise HeaderError("it is a PNG without pixels")
            return width, height


def _bmp(data: bytes) -> tuple[int, int]:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_bytes == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise HeaderError("it is a WebP that does not tell its size")


def _tiff(data: bytes) -> tuple[int, int]:
    """Of the first page, which is the one that is decoded."""
    order = "<" if data.startswith(b"II") else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    offset_format, count_format, entry_bytes, value_at = ("Q", "Q", 20, 12) if big else ("I", "H", 12, 8)
    (offset,) = struct.unpack_from(order + offset_format, data, 8 if big else 4)
    (count,) = struct.unpack_from(order + count_format, data, offset)
    sides = {}
    first = offset + struct.calcsize(order + count_format)
    for entry in range(first, first + entry_bytes * min(count, 1 << 12), entry_bytes):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            (sides[tag],) = struct.unpack_from(order + _TIFF_FORMATS[kind], data, entry + value_at)
        if tag > _TIFF_HEIGHT:
            break
    return sides[_TIFF_WIDTH], sides[_TIFF_HEIGHT]


def _pnm(data: bytes) -> tuple[int, int]:
    match = _PNM.match(data, 0, _SEARCHED_BYTES)
    if match is None:
        raise HeaderError("its header is broken")
    return int(match.group(1)), int(match.group(2))


def _pam(data: bytes) -> tuple[int, int]:
    header = data[:_SEARCHED_BYTES].partition(b"ENDHDR")[0]
    width, height = (max(map(int, pattern.findall(header))) for pattern in _PAM_SIDE.values())
    return width, height


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


_READERS: list[tuple["re.Pattern[bytes]", Callable[[bytes], tuple[int, int]]]] = [
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), _tiff),
    (re.compile(rb"P[1-6]\s"), _pnm),
    (re.compile(rb"P7\s"), _pam),
    (re.compile(rb"GIF8[79]a"), _gif),
]
