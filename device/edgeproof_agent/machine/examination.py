"""What a doctor asks of a board, as raw texts: bounded in size and time, standard library only. The host reads them."""

import contextlib
import grp
import itertools
import os
import platform
import pwd
import shutil
import stat
import time
from pathlib import Path
from typing import Any

from edgeproof_agent.machine.firmware import ask_firmware, kernel_throttled
from edgeproof_agent.machine.kernel_files import MAX_ENTRIES, TEXT_BYTES, VALUE_BYTES, entries, read_value

_MAX_INCOMING_FILES = 4096

VCGENCMD_QUESTIONS = ("get_throttled", "measure_temp")


def examine(store_root: Path, root: Path = Path("/")) -> dict[str, Any]:
    """`root` holds /proc, /sys and /dev. Keys as the host's `Examination` has them; what is not there is empty."""
    home = store_root.parent
    disk = shutil.disk_usage(home)
    return {
        "kernel_machine": platform.machine(),
        "user": _user_name(),
        "groups": _group_names(),
        "home": os.path.realpath(home),
        "compatible": read_value(root / "proc/device-tree/compatible", 1024).rstrip("\0").replace("\0", "\n"),
        "cpuinfo": read_value(root / "proc/cpuinfo", TEXT_BYTES),
        "meminfo": read_value(root / "proc/meminfo", TEXT_BYTES),
        "uptime": read_value(root / "proc/uptime"),
        "loadavg": read_value(root / "proc/loadavg"),
        "mountinfo": read_value(root / "proc/self/mountinfo", TEXT_BYTES),
        "card_type": _card_type(root, home),
        "disk_total_bytes": disk.total,
        "disk_free_bytes": disk.free,
        "cpufreq": [_cpufreq(policy) for policy in entries(root / "sys/devices/system/cpu/cpufreq", "policy*")],
        "thermal": [
            {"type": read_value(zone / "type"), "temp": read_value(zone / "temp")}
            for zone in entries(root / "sys/class/thermal", "thermal_zone*")
        ],
        "cameras": [_camera(root, node) for node in entries(root / "sys/class/video4linux", "video*")],
        "vcgencmd": {question: ask_firmware(question) for question in VCGENCMD_QUESTIONS},
        "firmware_throttled": kernel_throttled(root),
        "incoming": [_incoming(entry) for entry in entries(store_root / "incoming", "*")],
    }


def _cpufreq(policy: Path) -> dict[str, str]:
    names = ("related_cpus", "scaling_governor", "scaling_cur_freq", "scaling_min_freq", "scaling_max_freq")
    return {name: read_value(policy / name) for name in (*names, "cpuinfo_max_freq")}


def _camera(root: Path, node: Path) -> dict[str, Any]:
    device = root / "dev" / node.name
    return {
        "node": node.name,
        "name": read_value(node / "name"),
        "usable": os.access(device, os.R_OK | os.W_OK),
        "group": _group_of(device),
    }


def _card_type(root: Path, home: Path) -> str:
    """`SD` or `MMC` when the home folder is on a card: of the disk that its file system's partition belongs to."""
    try:
        device = home.stat().st_dev
        partition = (root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    except OSError:
        return ""
    return read_value(partition.parent / "device/type") or read_value(partition / "device/type")


def _incoming(entry: Path) -> dict[str, Any]:
    """A partial upload: its name, size, and for how long nobody has continued it."""
    size = 0
    for path in itertools.islice(entry.rglob("*"), _MAX_INCOMING_FILES):
        with contextlib.suppress(OSError):
            status = path.lstat()
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    try:
        age_seconds = max(0, int(time.time() - entry.stat().st_mtime))
    except OSError:
        age_seconds = 0
    return {"name": entry.name[:VALUE_BYTES], "size_bytes": size, "age_seconds": age_seconds}


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _group_names() -> list[str]:
    names = []
    for number in [os.getgid(), *os.getgroups()][:MAX_ENTRIES]:
        with contextlib.suppress(KeyError):
            names.append(grp.getgrgid(number).gr_name)
    return sorted(set(names))


def _group_of(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""
