"""Video nodes of the kernel, and what each says of itself."""

import os
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.cameras import owning_group, stable_names
from edgeproof_agent.machine.kernel_files import VALUE_BYTES, entries, read_value, told
from edgeproof_agent.machine.v4l2 import DeviceNode


def video_nodes(root: Path) -> list[dict[str, Any]]:
    """`root` holds /sys and /dev. `capabilities` is left out where the node may not be opened or does not answer."""
    return [_node(root, entry) for entry in entries(root / "sys/class/video4linux", "video*")]


def _node(root: Path, entry: Path) -> dict[str, Any]:
    device = root / "dev" / entry.name
    capabilities = told(lambda: _capabilities(device), None)
    return {
        "node": entry.name,
        "name": read_value(entry / "name"),
        "usable": told(lambda: os.access(device, os.R_OK | os.W_OK), False),
        "group": owning_group(device),
        "bus": told(lambda: (entry / "device").resolve(strict=True).name[:VALUE_BYTES], ""),
        "by_id": next(iter(stable_names(device, root)), "")[:VALUE_BYTES],
        **({} if capabilities is None else {"capabilities": capabilities}),
    }


def _capabilities(device: Path) -> Optional[int]:
    """Raises what opening raises."""
    with DeviceNode(device) as node:
        return node.capabilities()
