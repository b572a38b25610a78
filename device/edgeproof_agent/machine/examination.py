"""What a doctor asks of a board, as raw texts: bounded in size and time, standard library only. The host reads them."""

import contextlib
import grp
import itertools
import os
import platform
import pwd
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any, Optional

_TEXT_BYTES = 16_384
_VALUE_BYTES = 128
_MAX_ENTRIES = 32
_MAX_INCOMING_FILES = 4096
_COMMAND_SECONDS = 3.0
# Where Raspberry Pi OS keeps or kept it; an SSH command's PATH need not name them.
_MORE_FOLDERS = ":/usr/bin:/bin:/opt/vc/bin"

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
        "compatible": _read(root / "proc/device-tree/compatible", 1024).rstrip("\0").replace("\0", "\n"),
        "cpuinfo": _read(root / "proc/cpuinfo", _TEXT_BYTES),
        "meminfo": _read(root / "proc/meminfo", _TEXT_BYTES),
        "uptime": _read(root / "proc/uptime"),
        "loadavg": _read(root / "proc/loadavg"),
        "mountinfo": _read(root / "proc/self/mountinfo", _TEXT_BYTES),
        "card_type": _card_type(root, home),
        "disk_total_bytes": disk.total,
        "disk_free_bytes": disk.free,
        "cpufreq": [_cpufreq(policy) for policy in _entries(root / "sys/devices/system/cpu/cpufreq", "policy*")],
        "thermal": [
            {"type": _read(zone / "type"), "temp": _read(zone / "temp")}
            for zone in _entries(root / "sys/class/thermal", "thermal_zone*")
        ],
        "cameras": [_camera(root, node) for node in _entries(root / "sys/class/video4linux", "video*")],
        "vcgencmd": {question: _vcgencmd(question) for question in VCGENCMD_QUESTIONS},
        "firmware_throttled": next(
            map(_read, _entries(root / "sys/devices/platform", "soc*/*firmware/get_throttled")), ""
        ),
        "incoming": [_incoming(entry) for entry in _entries(store_root / "incoming", "*")],
    }


def _cpufreq(policy: Path) -> dict[str, str]:
    names = ("related_cpus", "scaling_governor", "scaling_cur_freq", "scaling_min_freq", "scaling_max_freq")
    return {name: _read(policy / name) for name in (*names, "cpuinfo_max_freq")}


def _camera(root: Path, node: Path) -> dict[str, Any]:
    device = root / "dev" / node.name
    return {
        "node": node.name,
        "name": _read(node / "name"),
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
    return _read(partition.parent / "device/type") or _read(partition / "device/type")


def _vcgencmd(question: str) -> dict[str, str]:
    """Asks a Raspberry Pi's firmware. `outcome` is ok, failed, hung, or absent where there is no such command."""
    command = shutil.which("vcgencmd", path=os.environ.get("PATH", "") + _MORE_FOLDERS)
    if command is None:
        return {"outcome": "absent", "output": ""}
    try:
        process = subprocess.Popen(
            [command, question], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        return {"outcome": "failed", "output": str(error)[:_VALUE_BYTES]}
    try:
        output = process.communicate(timeout=_COMMAND_SECONDS)[0]
    except subprocess.TimeoutExpired:
        # Not waited for: what hangs in the firmware's driver does not die of a signal.
        with contextlib.suppress(OSError):
            process.kill()
        if process.stdout is not None:
            process.stdout.close()
        return {"outcome": "hung", "output": ""}
    text = output[: 4 * _VALUE_BYTES].decode("utf-8", errors="replace")
    return {"outcome": "failed" if process.returncode else "ok", "output": text}


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
    return {"name": entry.name[:_VALUE_BYTES], "size_bytes": size, "age_seconds": age_seconds}


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _group_names() -> list[str]:
    names = []
    for number in [os.getgid(), *os.getgroups()][:_MAX_ENTRIES]:
        with contextlib.suppress(KeyError):
            names.append(grp.getgrgid(number).gr_name)
    return sorted(set(names))


def _group_of(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        return ""


def _entries(folder: Path, pattern: str) -> list[Path]:
    """In the order of their numbers: video2 before video10."""
    try:
        found = list(folder.glob(pattern))
    except OSError:
        return []
    return sorted(found, key=lambda path: (len(path.name), path.name))[:_MAX_ENTRIES]


def _read(path: Path, limit: Optional[int] = None) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit or _VALUE_BYTES).decode("utf-8", errors="replace").strip()
    except OSError:  # an offline CPU or a sleeping sensor answers with an error, too
        return ""
