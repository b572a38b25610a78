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

from edgeproof_agent.machine.cpu_share import big_cpus, read_cpu_share
from edgeproof_agent.machine.kernel_files import TEXT_BYTES, read_value, told
from edgeproof_agent.machine.memory_limit import free_bytes

# What a runtime takes from the distribution where there are no wheels of it.
_SYSTEM_MODULES = ("numpy", "cv2")


def probe(root: Path = Path("/"), home: Optional[Path] = None) -> dict[str, Any]:
    """Standard library only: it runs before anything is installed. `root` holds /proc, /sys and /etc."""
    share = read_cpu_share(root)
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
        "cpu_count": share.total,
        "cpus_allowed": len(share.allowed),
        "cpu_quota": share.quota,
        "big_cpus": len(big_cpus(root)),
        "memory_free_bytes": free_bytes(root),
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
