"""Opens a source by its name."""

from dataclasses import replace

from edgeproof_agent.pictures.opencv import MAX_PIXELS
from edgeproof_agent.sources.frame import Capture
from edgeproof_agent.sources.grammar import Source, SourceKind
from edgeproof_agent.sources.picamera import open_picamera
from edgeproof_agent.sources.picture_folder import open_pictures, open_watched
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.video import open_camera, open_file, open_url, stable_name


def open_source(source: Source, settings: CaptureSettings, max_pixels: int = MAX_PIXELS) -> Capture:
    """Raises `CaptureError` with what there is instead."""
    if source.kind is SourceKind.CAMERA:
        return open_camera(source.place, settings)
    if source.kind is SourceKind.PICAMERA:
        return open_picamera(int(source.place), settings)
    if source.kind is SourceKind.URL:
        return open_url(source.place, settings)
    if source.kind is SourceKind.WATCH:
        return open_watched(source.place, settings, max_pixels)
    return open_pictures(source.place, settings, max_pixels) or open_file(source.place, settings)


def named_for_good(source: Source) -> Source:
    """A camera by a name that it keeps when it is plugged in again, where it has one."""
    if source.kind is not SourceKind.CAMERA:
        return source
    return replace(source, place=stable_name(source.place))
