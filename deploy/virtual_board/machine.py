"""The emulated machine: one QEMU process."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.virtual_board.process import ProcessIdentity
from deploy.virtual_board.recipe import SSH_PORT, Platform


@dataclass(frozen=True)
class Machine:
    """A machine that can be started: its files and its size."""

    platform: Platform
    kernel: Path
    initramfs: Path
    disk: Path | str
    """A raw image with the root file system, or where an NBD server offers one: `nbd+unix:///?socket=PATH`."""
    console: Path
    """What the kernel and sshd print goes here."""
    port: int | None = None
    """Of 127.0.0.1, leads to the board's SSH server; None for a machine without network."""
    memory_mib: int = 1024
    cpu_count: int = 2
    keep_changes: bool = False
    """Writes to the image itself; else changes are gone with the machine."""
    task: str = "serve"
    """What init.sh is to do: `serve`, or `compile` and power off."""

    def command(self) -> list[str]:
        """The network leads nowhere but to the SSH port: the board has no internet."""
        snapshot = "off" if self.keep_changes else "on"
        command = [self.platform.emulator, *self.platform.options, "-smp", str(self.cpu_count)]
        command += ["-m", f"{self.memory_mib}M", "-display", "none", "-no-reboot"]
        command += ["-monitor", "none", "-serial", f"file:{_escaped(self.console)}"]
        command += ["-kernel", str(self.kernel), "-initrd", str(self.initramfs)]
        command += ["-append", f"console={self.platform.serial} quiet panic=-1 rdinit=/init task={self.task}"]
        command += ["-drive", f"if=none,id=disk,file={_escaped(self.disk)},format=raw,snapshot={snapshot}"]
        command += ["-device", "virtio-blk-pci,drive=disk"]
        command += ["-device", "virtio-rng-pci"]
        if self.port is None:
            return [*command, "-nic", "none"]
        forward = f"hostfwd=tcp:127.0.0.1:{self.port}-:{SSH_PORT}"
        command += ["-netdev", f"user,id=network,restrict=on,{forward}"]
        return [*command, "-device", "virtio-net-pci,netdev=network,romfile="]

    def start(self, errors: Path, bound: bool) -> ProcessIdentity:
        """Starts it; QEMU's own complaints go to `errors`. A `bound` machine ends with the thread that started it."""
        command = self.command()
        if bound:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with errors.open("wb") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        return ProcessIdentity.of(process.pid)


def _escaped(path: Path | str) -> str:
    """A comma separates QEMU's options, and is doubled to mean itself."""
    return os.fspath(path).replace(",", ",,")
