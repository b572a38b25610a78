"""How a source is to be captured. Light to import."""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class CaptureSettings:
    """What is asked of a source. What is None is left to it."""

    width: Optional[int] = None
    height: Optional[int] = None
    """In pixels, before the picture is turned."""
    fps: Optional[float] = None
    pixel_format: Optional[str] = None
    """Four characters, e.g. MJPG or YUYV."""
    rotate: int = 0
    """Degrees clockwise: 0, 90, 180 or 270."""
    flip: Optional[str] = None
    """`horizontal` or `vertical`, after turning."""
    recursive: bool = True
    """Of a folder: whether those below it are looked into."""
