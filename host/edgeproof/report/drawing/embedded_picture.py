"""Pictures as data: URIs, shrunk so that a page of them stays small."""

import base64
from pathlib import Path

from edgeproof.local_files.shrunken_picture import shrunken_jpeg

_QUALITY = 82


def data_uri(path: Path, widest: int) -> str | None:
    """The picture in `path` as a JPEG of at most `widest` pixels width; None when it cannot be read (any more)."""
    jpeg = shrunken_jpeg(path, widest, _QUALITY)
    return None if jpeg is None else jpeg_uri(jpeg)


def jpeg_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
