"""What a doctor asks of a board, as raw texts: bounded in size and time, standard library only. The host reads them."""

import grp
import itertools
import os
import platform
import pwd
import shutil
import stat
import time
from functools import partial
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.firmware import ask_firmware, kernel_throttled
from edgeproof_agent.machine.kernel_files import MAX_ENTRIES, TEXT_BYTES, VALUE_BYTES, entries, read_value, told
from edgeproof_agent.machine.video_nodes import video_nodes

_MAX_INCOMING_FILES = 4096

VCGENCMD_QUESTIONS = ("get_throttled", "measure_temp")


def examine(store_root: Path, root: Path = Path("/")) -> dict[str, Any]:
    """`root` holds /proc, /sys and /dev. Keys as the host's `Examination` has them; what is not there is empty."""
    home = told(lambda: store_root if store_root.is_dir() else store_root.parent, store_root.parent)
    disk_total_bytes, disk_free_bytes = told(partial(_disk_bytes, home), (0, 0))
    return {
        "kernel_machine": told(platform.machine, ""),
        "user": _user_name(),
        "groups": _group_names(),
        "home": told(lambda: os.path.realpath(home), str(home)),
        "compatible": read_value(root / "proc/device-tree/compatible", 1024).rstrip("\0").replace("\0", "\n"),
        "cpuinfo": read_value(root / "proc/cpuinfo", TEXT_BYTES),
        "meminfo": read_value(root / "proc/meminfo", TEXT_BYTES),
        "uptime": read_value(root / "proc/uptime"),
        "loadavg": read_value(root / "proc/loadavg"),
        "mountinfo": read_value(root / "proc/self/mountinfo", TEXT_BYTES),
        "card_type": _card_type(root, home),
        "disk_total_bytes": disk_total_bytes,
        "disk_free_bytes": disk_free_bytes,
        "cpufreq": [_cpufreq(policy) for policy in entries(root / "sys/devices/system/cpu/cpufreq", "policy*")],
        "thermal": [
            {"type": read_value(zone / "type"), "temp": read_value(zone / "temp")}
            for zone in entries(root / "sys/class/thermal", "thermal_zone*")
        ],
        "cameras": video_nodes(root),
        "vcgencmd": {question: ask_firmware(question) for question in VCGENCMD_QUESTIONS},
        "firmware_throttled": kernel_throttled(root),
        "linger": _linger(root),
        "incoming": [_incoming(entry) for entry in entries(store_root / "incoming", "*")],
    }


def _cpufreq(policy: Path) -> dict[str, str]:
    names = ("related_cpus", "scaling_governor", "scaling_cur_freq", "scaling_min_freq", "scaling_max_freq")
    return {name: read_value(policy / name) for name in (*names, "cpuinfo_max_freq")}


def _card_type(root: Path, home: Path) -> str:
    """`SD` or `MMC` when the home folder is on a card: of the disk that its file system's partition belongs to."""

    def find() -> Optional[Path]:
        device = home.stat().st_dev
        return (root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)

    partition: Optional[Path] = told(find, None)
    if partition is None:
        return ""
    return read_value(partition.parent / "device/type") or read_value(partition / "device/type")


def _incoming(entry: Path) -> dict[str, Any]:
    """A partial upload: its name, size, and for how long nobody has continued it."""
    paths: list[Path] = told(lambda: list(itertools.islice(entry.rglob("*"), _MAX_INCOMING_FILES)), [])
    size = sum(told(partial(_regular_bytes, path), 0) for path in paths)
    age_seconds = told(lambda: max(0, int(time.time() - entry.stat().st_mtime)), 0)
    return {"name": entry.name[:VALUE_BYTES], "size_bytes": size, "age_seconds": age_seconds}


def _disk_bytes(folder: Path) -> tuple[int, int]:
    """All and the free ones. Raises what `statvfs` raises."""
    disk = shutil.disk_usage(folder)
    return disk.total, disk.free


def _regular_bytes(path: Path) -> int:
    """Raises what `lstat` raises."""
    status = path.lstat()
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _linger(root: Path) -> str:
    """Whether systemd keeps the user's services after the last login: yes, no, or empty without systemd."""
    if not told((root / "run/systemd/system").is_dir, False):
        return ""
    return "yes" if told((root / "var/lib/systemd/linger" / _user_name()).exists, False) else "no"


def _user_name() -> str:
    return told(lambda: pwd.getpwuid(os.getuid()).pw_name, str(os.getuid()))


def _group_names() -> list[str]:
    numbers: list[int] = told(lambda: [os.getgid(), *os.getgroups()], [])
    names = {told(partial(_group_name, number), "") for number in numbers[:MAX_ENTRIES]}
    return sorted(names - {""})


def _group_name(number: int) -> str:
    """Raises `KeyError` for a group without a name."""
    return grp.getgrgid(number).gr_name
