"""What a virtual board consists of: a kernel for each kind of machine, and a Debian userland by suite. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

USER, USER_ID = "pi", 1000
HOST_NAME = "virtual"
SSH_PORT = 22

KERNEL_SUITE = "bookworm"
"""Its arm64 kernel is a plain image, which every QEMU starts, and it has the camera's module."""


@dataclass(frozen=True)
class Platform:
    """A kind of machine that QEMU plays."""

    name: str
    architecture: str
    """Of its kernel, in Debian's words."""
    kernel_packages: tuple[str, ...]
    emulator: str
    emulator_package: str
    options: tuple[str, ...]
    """Machine, CPU and how its code is run. KVM, where a host offers it, does not always run it: not used."""
    serial: str
    """What its kernel calls the first serial port."""


ARM = Platform(
    "arm64",
    "arm64",
    ("linux-image-arm64", "busybox-static"),
    "qemu-system-aarch64",
    "qemu-system-arm",
    ("-M", "virt,gic-version=3", "-cpu", "cortex-a72", "-accel", "tcg,thread=multi"),
    "ttyAMA0",
)
PC = Platform(
    "amd64",
    "amd64",
    ("linux-image-amd64", "busybox-static"),
    "qemu-system-x86_64",
    "qemu-system-x86",
    ("-M", "q35", "-cpu", "max", "-accel", "tcg,thread=multi"),
    "ttyS0",
)
"""No board is one, but its file system is the same, and an x86 development machine emulates it fastest."""

KERNEL_MODULES: Mapping[str, str] = {
    "virtio_pci": "",
    "virtio_blk": "",
    "crc32c_generic": "",
    "ext4": "",
    "virtio_net": "",
    "virtio_rng": "",
    # A camera: one virtual V4L2 device that captures.
    "vivid": "n_devs=1 node_types=0x1",
}
"""Modules to load with their parameters, in this order; what they depend on is found out."""

_BASE_PACKAGES = ("python3", "openssh-server", "procps", "ca-certificates", "libstdc++6")
_ARMHF = "usr/lib/arm-linux-gnueabihf"


@dataclass(frozen=True)
class Suite:
    """A userland: release, architecture and packages."""

    name: str
    release: str
    architecture: str
    """In Debian's words: arm64, or armhf for 32 bits, which the 64-bit kernel runs as well."""
    description: str
    packages: tuple[str, ...] = _BASE_PACKAGES
    links: Mapping[str, str] = field(default_factory=dict)
    """Symbolic links that the packages' scripts would have made."""

    @property
    def platform(self) -> Platform:
        return PC if self.architecture == "amd64" else ARM


SUITES = {
    suite.name: suite
    for suite in (
        Suite("bookworm", "bookworm", "arm64", "Debian 12, Python 3.11, 64-bit"),
        Suite("bookworm-amd64", "bookworm", "amd64", "Debian 12, Python 3.11, for power cuts by the hundred"),
        Suite("trixie", "trixie", "arm64", "Debian 13, Python 3.13, 64-bit"),
        Suite("bookworm-armhf", "bookworm", "armhf", "Debian 12, Python 3.11, 32-bit on a 64-bit kernel"),
        Suite("trixie-armhf", "trixie", "armhf", "Debian 13, Python 3.13, 32-bit on a 64-bit kernel"),
        Suite(
            "bookworm-armhf-opencv",
            "bookworm",
            "armhf",
            "the same with Debian's NumPy and OpenCV, 1 GB",
            (*_BASE_PACKAGES, "python3-numpy", "python3-opencv"),
            {
                f"{_ARMHF}/libblas.so.3": "blas/libblas.so.3",
                f"{_ARMHF}/liblapack.so.3": "lapack/liblapack.so.3",
            },
        ),
    )
}
