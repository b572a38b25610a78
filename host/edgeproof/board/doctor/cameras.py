"""Which of a board's video nodes are cameras: by what each says it can do, and by name where it does not say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeproof.board.doctor.examination import CameraNode
from edgeproof_agent.machine.v4l2 import brings_pictures

CSI_DRIVERS = ("unicam", "rp1-cfe")
"""The Pi's drivers for cameras on the ribbon cable, up to the Pi 4 and on the Pi 5; each has several nodes."""

# Codecs, scalers and picture processors of the Pi's, Rockchip's, Allwinner's, NXP's and Hantro's drivers; and what an
# image processor has beside its pictures. Some of them say that they capture: they do, from memory.
_NO_CAMERA = re.compile(
    r"bcm2835-(codec|isp)|rpivid|rpi-hevc|pispbe|hantro|rkvdec|cedrus|vsi_v4l2(enc|dec)"
    r"|.*(-rga|-vpu|[-_](dec|enc|vepu|vdpu)|[-_]m2m|[-_]?(statistics|stats|params))$"
    r"|rkcif_(scale|tools)"
)
_ISP_PATHS = re.compile(r"rkisp_(mainpath|selfpath)")
_RAW_RECEIVERS = re.compile(r"stream_cif|rkcif")
"""What an image processor reads from: cameras of their own only on a board that has none."""


@dataclass(frozen=True)
class Camera:
    """A device; it can have several nodes."""

    name: str
    nodes: tuple[str, ...]
    usable: bool
    group: str
    by_id: str = ""
    """A name below /dev/v4l/by-id that stays when it is plugged in anew; empty where there is none."""


def cameras(nodes: Sequence[CameraNode]) -> list[Camera]:
    """Devices that can be cameras, each with its nodes: a USB camera has a second one for metadata."""
    with_isp = any(_ISP_PATHS.match(node.name) for node in nodes)
    found: dict[tuple[str, str], list[CameraNode]] = {}
    for node in nodes:
        if _is_camera(node, with_isp):
            name = next((driver for driver in CSI_DRIVERS if node.name.startswith(driver)), node.name)
            found.setdefault((name, node.bus), []).append(node)
    return [
        Camera(
            name,
            tuple(node.node for node in same),
            any(node.usable for node in same),
            same[0].group,
            next((node.by_id for node in same if node.by_id), ""),
        )
        for (name, _), same in found.items()
    ]


def _is_camera(node: CameraNode, with_isp: bool) -> bool:
    if _NO_CAMERA.match(node.name) or (with_isp and _RAW_RECEIVERS.match(node.name)):
        return False
    return node.capabilities is None or brings_pictures(node.capabilities)
