"""Video nodes of the kernel, and what each says of itself."""

import fcntl
import grp
import os
import struct
from functools import partial
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.kernel_files import VALUE_BYTES, entries, read_value, told

# struct v4l2_capability and VIDIOC_QUERYCAP of include/uapi/linux/videodev2.h.
_CAPABILITY = struct.Struct("=16s32s32sIII12x")
_QUERYCAP = 0x80685600
_HAS_DEVICE_CAPS = 0x8000_0000


def video_nodes(root: Path) -> list[dict[str, Any]]:
    """`root` holds /sys and /dev. `capabilities` is left out where the node may not be opened or does not answer."""
    names = _names_by_id(root)
    return [_node(root, entry, names) for entry in entries(root / "sys/class/video4linux", "video*")]


def _node(root: Path, entry: Path, names: dict[str, str]) -> dict[str, Any]:
    device = root / "dev" / entry.name
    capabilities = told(lambda: _capabilities(device), None)
    return {
        "node": entry.name,
        "name": read_value(entry / "name"),
        "usable": told(lambda: os.access(device, os.R_OK | os.W_OK), False),
        "group": told(lambda: _group(device), ""),
        "bus": told(lambda: (entry / "device").resolve(strict=True).name[:VALUE_BYTES], ""),
        "by_id": names.get(entry.name, ""),
        **({} if capabilities is None else {"capabilities": capabilities}),
    }


def _capabilities(device: Path) -> Optional[int]:
    """What this node does, which is less than what its whole device does. Raises what opening and asking raise."""
    descriptor = os.open(device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(descriptor, _QUERYCAP, bytes(_CAPABILITY.size))
    finally:
        os.close(descriptor)
    _, _, _, _, all_nodes, this_node = _CAPABILITY.unpack(answer)
    return int(this_node if all_nodes & _HAS_DEVICE_CAPS else all_nodes)


def _names_by_id(root: Path) -> dict[str, str]:
    """By node, its name that outlives plugging in."""
    links = entries(root / "dev/v4l/by-id", "*")
    return {told(partial(_target, link), ""): link.name[:VALUE_BYTES] for link in links}


def _target(link: Path) -> str:
    """Raises `OSError`."""
    return os.readlink(link).rpartition("/")[2]


def _group(path: Path) -> str:
    """Raises `OSError` or `KeyError`."""
    return grp.getgrgid(path.stat().st_gid).gr_name
