"""The cameras of a board: what its kernel says that it can capture from, and what libcamera lists."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from edgeproof.board.store.client import BoardStore
from edgeproof.wording.printable import printable_line
from edgeproof_agent.machine.camera_formats import PixelFormat, read_formats
from edgeproof_agent.wire.fields import Fields

SCHEMA = "edgeproof.cameras/1"
_MOST = 64
_MAX_TEXT = 512


@dataclass(frozen=True)
class Camera:
    node: str
    """Its device file."""
    name: str
    driver: str
    names: tuple[str, ...]
    """What it is called whenever it is plugged in, in /dev/v4l/by-id and by-path."""
    formats: tuple[PixelFormat, ...]

    @property
    def source(self) -> str:
        """As --source takes it."""
        return f"camera:{self.names[0] if self.names else self.node.removeprefix('/dev/video')}"


@dataclass(frozen=True)
class LibcameraCamera:
    number: int
    model: str
    id: str


@dataclass(frozen=True)
class Cameras:
    cameras: tuple[Camera, ...]
    unreadable: tuple[tuple[str, str], ...]
    """Device files that the login user may not open, each with the group that may."""
    libcamera: tuple[LibcameraCamera, ...]
    libcamera_trouble: str | None
    """Why libcamera's are not told."""

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}


def read_cameras(store: BoardStore) -> Cameras:
    """Asks the board. Raises `ProtocolError` when it answers something else."""
    fields = store.cameras()
    with store.reading():
        libcamera = fields.nested("libcamera")
        return Cameras(
            cameras=tuple(_camera(item) for item in fields.objects("cameras", _MOST)),
            unreadable=tuple(
                (_text(item, "node"), _text(item, "group")) for item in fields.objects("unreadable", _MOST)
            ),
            libcamera=tuple(
                LibcameraCamera(item.integer("number", high=_MOST), _text(item, "model"), _text(item, "id"))
                for item in libcamera.objects("cameras", _MOST)
            ),
            libcamera_trouble=_text(libcamera, "trouble") if "trouble" in libcamera else None,
        )


def _camera(item: Fields) -> Camera:
    return Camera(
        node=_text(item, "node"),
        name=_text(item, "name"),
        driver=_text(item, "driver"),
        names=tuple(printable_line(str(name)[:_MAX_TEXT]) for name in item.items("names", _MOST)),
        formats=tuple(replace(one, format=printable_line(one.format)) for one in read_formats(item)),
    )


def _text(fields: Fields, name: str) -> str:
    return printable_line(fields.text(name, max_length=_MAX_TEXT))
