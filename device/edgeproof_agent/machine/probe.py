"""What this machine is, as raw texts and numbers; the host makes sense of them."""

import os
import platform
import shutil
import site
import struct
import sys
import sysconfig
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Optional

from edgeproof_agent.machine.kernel_files import TEXT_BYTES, read_value, told

# What a runtime takes from the distribution where there are no wheels of it.
_SYSTEM_MODULES = ("numpy", "cv2")


def probe(root: Path = Path("/"), home: Optional[Path] = None) -> dict[str, Any]:
    """Standard library only: it runs before anything is installed. `root` holds /proc, /sys and /etc."""
    return {
        "machine": told(platform.machine, ""),
        "pointer_bits": struct.calcsize("P") * 8,
        "multiarch": sysconfig.get_config_var("MULTIARCH"),
        "soabi": sysconfig.get_config_var("SOABI"),
        "python": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "python_executable": sys.executable,
        "libc": _libc(),
        "system_modules": [name for name in _SYSTEM_MODULES if _is_installed(name)],
        "kernel": told(platform.release, ""),
        "cpu_count": told(os.cpu_count, None) or 1,
        "disk_free_bytes": told(lambda: shutil.disk_usage(home or Path.home()).free, 0),
        "model": read_value(root / "proc/device-tree/model").rstrip("\0\n"),
        "os_release": read_value(root / "etc/os-release", TEXT_BYTES),
        "meminfo": read_value(root / "proc/meminfo", TEXT_BYTES),
        "cpuinfo": read_value(root / "proc/cpuinfo", TEXT_BYTES),
    }


def _is_installed(module: str) -> bool:
    """Whether the distribution's packages (not the user's own) bring a module; it is not imported."""
    return told(lambda: PathFinder.find_spec(module, site.getsitepackages()) is not None, False)


def _libc() -> str:
    """For example `glibc 2.36`; empty for a libc that is not GNU's (musl)."""
    return told(lambda: os.confstr("CS_GNU_LIBC_VERSION"), None) or ""
