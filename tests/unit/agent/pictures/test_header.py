"""A picture's size is told by its header, as OpenCV finds it, and checked before anything is decoded."""

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof_agent.pictures.decoding import PictureError, decode_picture
from edgeproof_agent.pictures.header import HeaderError, PictureSize, read_size
from edgeproof_agent.pictures.opencv import MAX_PIXELS

NOISE = np.random.default_rng(3).integers(0, 256, (37, 91, 3), np.uint8)
KINDS = {
    ".jpg": [],
    ".png": [],
    ".bmp": [],
    ".webp": [],
    ".tiff": [],
    ".ppm": [],
    ".pam": [],
    "progressive.jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts.jpg": [cv2.IMWRITE_JPEG_RST_INTERVAL, 1],
    "lossy.webp": [cv2.IMWRITE_WEBP_QUALITY, 50],
}


def encoded(kind: str) -> bytes:
    return bytes(cv2.imencode("." + kind.rpartition(".")[2], NOISE, KINDS[kind])[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_size_is_that_of_the_decoded_picture(kind: str) -> None:
    data = encoded(kind)
    height, width = decode_picture(data).shape[:2]
    assert read_size(data) == PictureSize(width, height) == PictureSize(91, 37)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_cut_anywhere_is_an_error_of_the_header_or_has_its_size(kind: str) -> None:
    data = encoded(kind)
    for length in range(len(data)):
        try:
            assert read_size(data[:length]) in (None, PictureSize(91, 37))
        except HeaderError:
            continue


@pytest.mark.parametrize("kind", [name for name in KINDS if name.endswith("jpg")])
def test_a_jpeg_that_was_cut_off_is_an_error(kind: str) -> None:
    """Some versions of OpenCV would fill up what is missing with grey."""
    data = encoded(kind)
    for length in range(1, len(data) - 1):
        with pytest.raises(PictureError):
            decode_picture(data[:length])


def claiming(width: int, height: int, rows: bytes = b"") -> bytes:
    """A grey PNG whose header says so."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def test_a_picture_with_more_pixels_than_fit_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*arguments: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", decoded)
    with pytest.raises(PictureError, match="11000 x 11000 pixels; 100 million are the most that fit"):
        decode_picture(claiming(11_000, 11_000))
    with pytest.raises(PictureError, match="20 x 20 pixels; 0.0003 million"):
        decode_picture(claiming(20, 20), max_pixels=300)
    with pytest.raises(PictureError, match="a side may have 32766"):
        decode_picture(claiming(40_000, 1))


@pytest.mark.parametrize(("side", "decoded"), [(10_000, True), (10_001, False)])
def test_opencv_itself_has_the_limit_in_force(side: int, decoded: bool, tmp_path: Path) -> None:
    """In a process of its own, whose user has set another one: OpenCV reads it once, as it is loaded."""
    assert (side * side <= MAX_PIXELS) == decoded
    black = tmp_path / "black.png"
    black.write_bytes(claiming(side, side, bytes(side * (side + 1))))
    code = "import sys; from edgeproof_agent.pictures.opencv import cv2; print(cv2.imread(sys.argv[1], 0) is not None)"
    environment = {**os.environ, "OPENCV_IO_MAX_IMAGE_PIXELS": str(1 << 40)}
    done = subprocess.run([sys.executable, "-c", code, black], env=environment, capture_output=True, text=True)
    assert (done.stdout.strip() == "True") == decoded


def chunk(kind: bytes, content: bytes, claims: "int | None" = None) -> bytes:
    """A PNG chunk with its checksum; `claims` is the length that it tells in place of its own."""
    length = len(content) if claims is None else claims
    return struct.pack(">I", length) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("behind", [b"", chunk(b"IDAT", b"x", 1 << 30), chunk(b"tEXt", b"x", (1 << 31) - 1)])
@pytest.mark.parametrize("ahead", [b"", chunk(b"tEXt", b"a note"), chunk(b"I\x7fAT", b"nearly pixels")])
def test_a_png_without_pixels_is_refused_whatever_lies_behind_its_end(ahead: bytes, behind: bytes) -> None:
    """OpenCV would look for pixels there, and take the memory that the next chunk claims."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + ahead + chunk(b"IEND", b"") + behind
    with pytest.raises(HeaderError, match="PNG without pixels"):
        read_size(data)
    with pytest.raises(PictureError, match="PNG without pixels"):
        decode_picture(data)


def test_what_lies_behind_a_whole_png_is_not_looked_at() -> None:
    """Some programs put a file of their own there."""
    data = encoded(".png") + chunk(b"IDAT", b"x", 1 << 30)
    np.testing.assert_array_equal(decode_picture(data), NOISE)
