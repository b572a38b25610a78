"""Encoded pictures become uint8 BGR, upright and with three channels, or an error that says what is wrong."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from edgeproof_agent.pictures.decoding import MAX_SIDE, PictureError, decode_picture

# Red, green, blue and white quarters: every turn and reflection of it looks different.
QUARTERS = np.zeros((32, 48, 3), np.uint8)
QUARTERS[:16, :24] = (0, 0, 255)
QUARTERS[:16, 24:] = (0, 255, 0)
QUARTERS[16:, :24] = (255, 0, 0)
QUARTERS[16:, 24:] = (255, 255, 255)


def encoded(picture: np.ndarray, extension: str = ".png") -> bytes:
    return bytes(cv2.imencode(extension, picture)[1])


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment that holds this one tag (274, a short)."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 274, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def png_header_of(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return header + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))


@pytest.mark.parametrize("extension", [".png", ".bmp", ".webp", ".jpg", ".tiff"])
def test_the_usual_formats_become_bgr_bytes(extension: str) -> None:
    picture = decode_picture(encoded(QUARTERS, extension))
    assert picture.dtype == np.uint8
    assert picture.shape == (32, 48, 3)
    for row, column in ((4, 6), (4, 40), (28, 6), (28, 40)):
        assert np.abs(picture[row, column].astype(int) - QUARTERS[row, column]).max() <= 8


# Sources of the transforms: the table of EXIF 2.32, 4.6.4 A, orientation.
ORIENTATIONS = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_orientation_that_exif_names_is_applied(orientation: int) -> None:
    jpeg = encoded(QUARTERS, ".jpg")
    upright = ORIENTATIONS[orientation](decode_picture(jpeg))
    np.testing.assert_array_equal(decode_picture(with_orientation(jpeg, orientation)), upright)


def test_gray_becomes_three_equal_channels() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(decode_picture(encoded(gray)), np.repeat(gray[:, :, np.newaxis], 3, axis=2))


def test_an_alpha_channel_is_dropped() -> None:
    alpha = np.dstack([QUARTERS, np.full(QUARTERS.shape[:2], 100, np.uint8)])
    np.testing.assert_array_equal(decode_picture(encoded(alpha)), QUARTERS)


def test_sixteen_bits_a_channel_become_eight() -> None:
    deep = np.full((4, 5, 3), 0x8040, np.uint16)
    picture = decode_picture(encoded(deep))
    assert picture.dtype == np.uint8
    assert set(picture.ravel().tolist()) == {0x80}


@pytest.mark.parametrize(
    "data", [b"no picture at all", bytes(100), b"\x89PNG\r\n\x1a\n", encoded(QUARTERS, ".jpg")[:30]]
)
def test_what_is_broken_or_no_picture_is_an_error(data: bytes) -> None:
    with pytest.raises(PictureError, match="broken or not a picture|cannot decode"):
        decode_picture(data)


def test_nothing_is_an_error() -> None:
    with pytest.raises(PictureError, match="it is empty"):
        decode_picture(b"")


@pytest.mark.parametrize(("width", "height"), [(1 << 16, 1 << 16), (1 << 30, 1), (20000, 10000)])
def test_a_picture_that_would_unpack_to_gigabytes_is_an_error(width: int, height: int) -> None:
    with pytest.raises(PictureError):
        decode_picture(png_header_of(width, height))


def test_a_picture_is_as_long_as_it_can_be_resampled() -> None:
    assert decode_picture(encoded(np.zeros((1, MAX_SIDE, 3), np.uint8))).shape == (1, MAX_SIDE, 3)
    with pytest.raises(PictureError, match="it is 1 x 32767 pixels; a side may have 32766"):
        decode_picture(encoded(np.zeros((MAX_SIDE + 1, 1, 3), np.uint8)))
