"""The cameras of this machine: which nodes bring pictures, their stable names, and one by its name."""

import errno
import glob
import os
import re
from functools import partial
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.camera_formats import formats_to_json
from edgeproof_agent.machine.kernel_files import entries, read_value, told
from edgeproof_agent.machine.v4l2 import CaptureDevice, DeviceNode

_NODE = re.compile(r"video[0-9]{1,4}")
_NAME_FOLDERS = ("dev/v4l/by-id", "dev/v4l/by-path")
_HOLDERS_TOLD = 3


class CameraError(Exception):
    """There is no such camera, or it cannot be used now; the message says which there are, or who has it."""


def list_cameras(root: Path = Path("/")) -> dict[str, Any]:
    """`cameras`: what brings pictures; `unreadable`: nodes that may, but that this user may not open."""
    cameras, unreadable = [], []
    for node in _nodes(root):
        try:
            device = _capture_device(node)
        except PermissionError:
            unreadable.append({"node": str(node), "group": owning_group(node)})
            continue
        except Exception:  # noqa: BLE001  # whatever a driver does, the others are told
            continue
        if device is not None:
            cameras.append({"node": str(node), "names": stable_names(node, root), **_described(device)})
    return {"cameras": cameras, "unreadable": unreadable}


def find_camera(name: str, root: Path = Path("/")) -> Path:
    """The node of `0` (/dev/video0), of a name in /dev/v4l/by-id or by-path, or of a part of one that only one has.

    Raises `CameraError`.
    """
    if name.isdecimal():
        node = root / f"dev/video{int(name)}"
        if not told(node.exists, False):
            raise CameraError(f"there is no camera {name} ({node}){_known(root)}")
        return node
    by_name = {label: node for node in _nodes(root) for label in stable_names(node, root)}
    found = {by_name[name]} if name in by_name else {node for label, node in by_name.items() if name in label}
    capturing = {node for node in found if len(found) == 1 or _brings_pictures(node)}
    if len(capturing) != 1:
        trouble = "several cameras are called" if capturing else "no camera is called"
        raise CameraError(f"{trouble} {name}{_known(root)}")
    return capturing.pop()


def check_camera(node: Path, root: Path = Path("/")) -> Optional[CaptureDevice]:
    """What a node is; None where the kernel does not tell. Raises `CameraError` when it cannot be captured from now."""
    try:
        with DeviceNode(node) as opened:
            device = opened.capture_device()
            busy = opened.is_busy()
    except PermissionError as error:
        group = owning_group(node)
        raise CameraError(
            f"this user may not read {node}. Once: sudo usermod -aG {group or 'video'} USER, then log in anew"
        ) from error
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise CameraError(f"{node} is busy{_holders(node, root)}") from error
        raise CameraError(f"{node} cannot be opened: {error.strerror}{_known(root)}") from error
    except Exception as error:
        raise CameraError(f"{node} does not answer as a camera does: {error or type(error).__name__}") from error
    if device is None:
        raise CameraError(f"{node} brings no pictures: it is a codec, metadata or the like{_known(root)}")
    if busy:
        raise CameraError(f"{node} is busy{_holders(node, root)}")
    return device


def stable_names(node: Path, root: Path = Path("/")) -> list[str]:
    """The names of a node that stay when it is plugged in again, by-id first."""
    links = [link for folder in _NAME_FOLDERS for link in entries(root / folder, "*")]
    return [link.name for link in links if told(partial(_is_same, link, node), False)]


def _is_same(link: Path, node: Path) -> bool:
    """Raises what a link that leads nowhere raises."""
    return link.resolve() == node.resolve()


def _nodes(root: Path) -> list[Path]:
    return [node for node in entries(root / "dev", "video*") if _NODE.fullmatch(node.name)]


def _capture_device(node: Path) -> Optional[CaptureDevice]:
    with DeviceNode(node) as opened:
        return opened.capture_device()


def _brings_pictures(node: Path) -> bool:
    return told(lambda: _capture_device(node) is not None, False)


def _described(device: CaptureDevice) -> dict[str, Any]:
    return {
        "name": device.name,
        "driver": device.driver,
        "formats": formats_to_json(device.formats),
    }


def _known(root: Path) -> str:
    known = [f"camera:{one['node'].rpartition('video')[2]} ({one['name']})" for one in list_cameras(root)["cameras"]]
    return f"; there are {', '.join(known)}" if known else "; this board has no capture device"


def _holders(node: Path, root: Path) -> str:
    """The processes of this user that have a node open."""
    here = str(os.getpid())
    holders: list[str] = []
    links: list[str] = told(lambda: glob.glob(str(root / "proc/[0-9]*/fd/*")), [])
    for link in links:
        process = Path(link).parents[1]
        held = told(partial(os.readlink, link), "") == str(node)
        words = f"{read_value(process / 'comm')} (process {process.name})"
        if held and process.name != here and words not in holders:
            holders.append(words)
    return f": {', '.join(holders[:_HOLDERS_TOLD])} has it open" if holders else ": another process has it"


def owning_group(node: Path) -> str:
    """The group that may open a node; empty when it is not told."""
    import grp

    return told(lambda: grp.getgrgid(node.stat().st_gid).gr_name, "")
