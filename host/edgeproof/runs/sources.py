"""The sources of a command: pictures of this machine, which go to the board one by one, and what the board streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import UsageError
from edgeproof.local_files.picture_files import PICTURE_SUFFIXES
from edgeproof_agent.sources.grammar import Source, SourceKind, SourceNameError, parse_source

VIDEO_SUFFIXES = (".avi", ".h264", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm")


@dataclass(frozen=True)
class Sources:
    pictures: tuple[Path, ...]
    """Pictures, folders of them, or one COCO JSON file, of this machine."""
    streams: tuple[Source, ...]
    """What the board reads frame by frame, in turn; a video of this machine is sent there first."""


def sort_sources(texts: Sequence[str], paths: Sequence[Path] = ()) -> Sources:
    """Raises `UsageError` for what is no source, and for a file of this machine that is not there."""
    pictures, streams = list(paths), []
    for text in texts:
        try:
            source = parse_source(text)
        except SourceNameError as error:
            raise UsageError(str(error)) from error
        if source.kind is not SourceKind.FILE:
            streams.append(source)
            continue
        path = Path(source.place).expanduser()
        if not path.exists():
            raise UsageError(f"{text}: there is no such file or folder here. One of the board is board:{text}")
        if path.is_dir() or path.suffix.lower() in (*PICTURE_SUFFIXES, ".json"):
            pictures.append(path)
        else:
            streams.append(Source(SourceKind.FILE, str(path)))
    for path in list(pictures):
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            pictures.remove(path)
            streams.append(Source(SourceKind.FILE, str(path)))
    return Sources(tuple(pictures), tuple(streams))
