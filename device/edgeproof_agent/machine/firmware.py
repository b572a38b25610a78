"""What a board's firmware and sensors say of heat and throttling: one place for a bench's state and for the doctor."""

import os
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Optional

from edgeproof_agent.machine.kernel_files import VALUE_BYTES, entries, number, read_value, told

OUTPUT_BYTES = 4 * VALUE_BYTES
COMMAND_SECONDS = 3.0
# Where Raspberry Pi OS keeps or kept vcgencmd; an SSH command's PATH need not name them.
MORE_FOLDERS = ":/usr/bin:/bin:/opt/vc/bin"


def ask_firmware(question: str, limit: int = OUTPUT_BYTES) -> dict[str, str]:
    """Asks a Raspberry Pi's firmware; at most `limit` bytes of its answer are kept.

    `outcome` is ok, failed, hung, or absent where there is no such command.
    """
    command: Optional[str] = told(
        lambda: shutil.which("vcgencmd", path=os.environ.get("PATH", "") + MORE_FOLDERS), None
    )
    if command is None:
        return {"outcome": "absent", "output": ""}
    return told(partial(_asked, command, question, limit), {"outcome": "failed", "output": "it cannot be asked"})


def _asked(command: str, question: str, limit: int) -> dict[str, str]:
    try:
        process = subprocess.Popen(
            [command, question], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        return {"outcome": "failed", "output": str(error)[:VALUE_BYTES]}
    try:
        output = process.communicate(timeout=COMMAND_SECONDS)[0]
    except subprocess.TimeoutExpired:
        # Not waited for: what hangs in the firmware's driver does not die of a signal.
        told(process.kill, None)
        if process.stdout is not None:
            told(process.stdout.close, None)
        return {"outcome": "hung", "output": ""}
    text = output[:limit].decode("utf-8", errors="replace")
    return {"outcome": "failed" if process.returncode else "ok", "output": text}


def kernel_throttled(root: Path) -> str:
    """The same bits as the kernel's driver of the firmware has them, in hexadecimal; empty where there is none."""
    return next(map(read_value, entries(root / "sys/devices/platform", "soc*/*firmware/get_throttled")), "")


def throttled_bits(root: Path) -> Optional[int]:
    """Bits of `vcgencmd get_throttled` (0-3 now, 16-19 since boot): from the kernel, else from the firmware."""
    bits = kernel_throttled(root)
    if not bits and told((root / "dev/vcio").exists, False):
        bits = ask_firmware("get_throttled")["output"].strip().partition("=")[2]
    match = re.fullmatch(r"(?:0x)?([0-9a-fA-F]{1,8})", bits)
    return None if match is None else int(match.group(1), 16)


def cpu_celsius(root: Path) -> Optional[float]:
    """The CPU's temperature: of the zone that names itself after the CPU, else of the first that tells."""
    zones = entries(root / "sys/class/thermal", "thermal_zone*")
    zones.sort(key=lambda zone: "cpu" not in read_value(zone / "type").lower())
    temperatures = (number(read_value(zone / "temp")) for zone in zones)
    return next((millidegrees / 1000 for millidegrees in temperatures if millidegrees is not None), None)
