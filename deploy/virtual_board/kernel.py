"""The kernel of a virtual board, and an initramfs with the few modules that a board needs."""

import gzip
import lzma
import shlex
import shutil
from importlib import resources
from pathlib import Path

from deploy.virtual_board.artefacts import Artefact, content_digest
from deploy.virtual_board.cpio import cpio_archive
from deploy.virtual_board.debian import Unpacking, unpack
from deploy.virtual_board.errors import VirtualBoardError
from deploy.virtual_board.recipe import KERNEL_MODULES, KERNEL_SUITE, Platform
from deploy.virtual_board.tools import run_tool

KERNEL, INITRAMFS = "vmlinuz", "initramfs.gz"
_DEPMOD_SECONDS = 120.0


def kernel(platform: Platform) -> Artefact:
    """Kernel and initramfs, named by what goes into them."""
    unpacking = Unpacking(KERNEL_SUITE, platform.architecture, platform.kernel_packages, whole_system=False)
    init = (resources.files("deploy.virtual_board") / "init.sh").read_bytes()

    def build(folder: Path, work: Path) -> None:
        out = shlex.quote(str(work))
        unpack(unpacking, [f"copy-out /boot /lib/modules /bin/busybox {out}"])
        (image,) = work.glob("boot/vmlinuz-*")
        shutil.copyfile(image, folder / KERNEL)
        initramfs = work / "initramfs"
        _fill_initramfs(initramfs, work, init)
        (folder / INITRAMFS).write_bytes(gzip.compress(cpio_archive(initramfs), 1, mtime=0))

    digest = content_digest(KERNEL_SUITE, *unpacking.arguments(), init, *KERNEL_MODULES.items())
    return Artefact(f"kernel-{platform.name}", digest, platform, f"the kernel for {platform.name}", build)


def load_order(modules_dep: str, wanted: list[str]) -> list[str]:
    """Paths of the wanted modules and of what they depend on, each after its own dependencies.

    `modules_dep` is depmod's table: a line `a.ko: b.ko c.ko` says that a needs c, then b. Raises `VirtualBoardError`.
    """
    dependencies = {
        path: needed.split() for path, _, needed in (line.partition(":") for line in modules_dep.splitlines())
    }
    by_name = {path.rpartition("/")[2].partition(".")[0].replace("-", "_"): path for path in dependencies}
    order: dict[str, None] = {}
    for name in wanted:
        if name not in by_name:
            raise VirtualBoardError(f"the kernel has no module {name}")
        path = by_name[name]
        order.update(dict.fromkeys([*reversed(dependencies[path]), path]))
    return list(order)


def _fill_initramfs(folder: Path, unpacked: Path, init: bytes) -> None:
    for name in ("bin", "dev", "proc", "sys", "newroot", "modules"):
        (folder / name).mkdir(parents=True)
    shutil.copy(unpacked / "busybox", folder / "bin/busybox")
    (folder / "init").write_bytes(init)
    (folder / "init").chmod(0o755)
    (modules,) = (unpacked / "modules").iterdir()
    # depmod wants the modules below lib/modules of a root folder.
    (unpacked / "lib").symlink_to(".")
    run_tool(["depmod", "-b", unpacked, modules.name], "looking for the kernel's modules", _DEPMOD_SECONDS)
    lines = []
    for path in load_order((modules / "modules.dep").read_text(), list(KERNEL_MODULES)):
        data = (modules / path).read_bytes()
        file = path.rpartition("/")[2].partition(".")[0] + ".ko"
        (folder / "modules" / file).write_bytes(lzma.decompress(data) if path.endswith(".xz") else data)
        lines.append(f"{file} {KERNEL_MODULES.get(file.removesuffix('.ko').replace('-', '_'), '')}".strip())
    (folder / "modules/order").write_text("\n".join(lines) + "\n")
