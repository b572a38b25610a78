"""What the board is: model, system, Python, memory, storage, cameras, its clock."""

from collections.abc import Iterator

from edgeproof.board.doctor.cameras import CSI_DRIVERS, Camera, cameras
from edgeproof.board.doctor.examination import ClockComparison, Examination
from edgeproof.board.doctor.finding import Finding, Level, Value, bad, good, not_available, warning
from edgeproof.board.doctor.readings import memory, mount_of, uptime_seconds
from edgeproof.board.facts import BoardFacts
from edgeproof.wording.printable import printable_line

_LITTLE_MEMORY_MIB = 200.0
"""A detector of 300 x 300 takes 110 to 150 MiB at its peak."""
_NO_MEMORY_MIB = 80.0
_GROUP_SHARE = 0.9
_LITTLE_DISK_MIB = 600.0
"""A runtime takes some 290 MiB when it is built, and 90 more while its wheels are unpacked."""
_NO_DISK_MIB = 64.0
_CLOCK_SECONDS = 5.0

_VOLATILE = ("tmpfs", "ramfs", "overlay", "squashfs")
_NO_LINKS = ("vfat", "exfat", "msdos")


def system(facts: BoardFacts, examination: Examination, emulated: bool) -> Iterator[Finding]:
    if emulated:
        yield warning(
            "model",
            facts.machine,
            "The processor is emulated: test there, and measure latency on hardware",
            emulated=True,
        )
    else:
        yield good("model", facts.machine, emulated=False)
    seconds = uptime_seconds(examination.uptime)
    up = "" if seconds is None else f", up {_duration(seconds)}"
    load = " ".join(examination.loadavg.split()[:1])
    busy = f", load {load}" if load else ""
    yield good("system", f"{facts.os}, Linux {facts.kernel}{up}{busy}", uptime_seconds=seconds)
    glibc = "another libc than glibc" if facts.glibc is None else f"glibc {facts.glibc[0]}.{facts.glibc[1]}"
    python = f"{facts.python_version} ({printable_line(facts.python_executable)})"
    yield good("python", python, version=facts.python_version)
    yield good("libc", glibc, version=None if facts.glibc is None else ".".join(map(str, facts.glibc)))
    yield memory_finding(examination.meminfo, facts.memory_available_mib)
    yield _disk(examination)
    yield _cameras(examination)
    yield clock_skew(examination.clock)
    if examination.linger:
        yield _linger(examination)


def memory_finding(meminfo: str, group_mib: float = 0.0) -> Finding:
    """Of the text of /proc/meminfo; `group_mib` is what control groups leave to this login, 0 when not told."""
    told = memory(meminfo)
    if told is None:
        return not_available("memory")
    swap = f"{told.swap_free_mib:.0f} of {told.swap_total_mib:.0f} MiB swap free" if told.swap_total_mib else "no swap"
    # The kernel's own figure is of another moment; what control groups take away is more than that makes.
    grouped = 0.0 < group_mib < _GROUP_SHARE * told.available_mib
    available_mib = group_mib if grouped else told.available_mib
    whose = " to this login, by its control groups" if grouped else ""
    value = f"{available_mib:.0f} of {told.total_mib:.0f} MiB available{whose}, {swap}"
    data = {
        "total_mib": told.total_mib,
        "available_mib": available_mib,
        "swap_total_mib": told.swap_total_mib,
        "swap_free_mib": told.swap_free_mib,
    }
    remedy = "Stop what the board does not need, a desktop first (sudo raspi-config, boot to the console), or add swap"
    if available_mib + told.swap_free_mib < _NO_MEMORY_MIB:
        return bad("memory", value, remedy, **data)
    if available_mib < _LITTLE_MEMORY_MIB:
        return warning("memory", value, remedy, **data)
    return good("memory", value, **data)


def _disk(examination: Examination) -> Finding:
    free_mib, total_mib = examination.disk_free_bytes / (1 << 20), examination.disk_total_bytes / (1 << 20)
    mount = mount_of(examination.home, examination.mountinfo)
    card = {"SD": " on an SD card", "MMC": " on eMMC"}.get(examination.card_type, "")
    kind = printable_line(mount.type) if mount else ""
    value = f"{free_mib:.0f} of {total_mib:.0f} MiB free{f', {kind}' if kind else ''}{card}"
    data: dict[str, Value] = {"free_mib": free_mib, "total_mib": total_mib, "type": kind, "card": examination.card_type}
    if mount and mount.read_only:
        return bad(
            "disk",
            f"{value}, read-only",
            "Nothing can be put there. A worn or damaged card is mounted so: see `dmesg`, or sudo mount -o remount,rw "
            f"{printable_line(mount.point)}",
            **data,
        )
    if kind in _NO_LINKS:
        return bad("disk", value, "This file system has no links: give the user a home folder on ext4", **data)
    if free_mib < _NO_DISK_MIB:
        return bad("disk", value, "Free some space: sudo apt clean, and see `du -xh ~ | sort -h | tail`", **data)
    if kind in _VOLATILE:
        return warning(
            "disk",
            f"{value}, lost at the next start",
            "Switch the overlay file system off (sudo raspi-config, Performance) while edgeproof sets the board up",
            **data,
        )
    if free_mib < _LITTLE_DISK_MIB:
        remedy = "That is little for a runtime: sudo apt clean, and see `du -xh ~ | sort -h | tail`"
        return warning("disk", value, remedy, **data)
    return good("disk", value, **data)


def _cameras(examination: Examination) -> Finding:
    found = cameras(examination.cameras)
    if not found:
        return not_available("cameras", "none found")
    value = "\n".join(_camera(camera) for camera in found)
    data: dict[str, Value] = {"count": len(found), "usable": sum(camera.usable for camera in found)}
    data["nodes"] = "; ".join(" ".join(camera.nodes) for camera in found)
    closed = [camera for camera in found if not camera.usable]
    if not closed:
        return good("cameras", value, **data)
    group = closed[0].group or "video"
    if group in examination.groups:
        return warning(
            "cameras", value, f"Their nodes are not open to {examination.user}: see ls -l /dev/video*", **data
        )
    return warning("cameras", value, f"sudo usermod -aG {group} {examination.user}, and connect again", **data)


def _linger(examination: Examination) -> Finding:
    if examination.linger == "yes":
        return good("linger", f"services of {examination.user} go on after the last login", linger=True)
    return Finding(
        "linger",
        Level.NOT_AVAILABLE,
        f"services of {examination.user} end with the last login",
        f"For one that is to run all the time: sudo loginctl enable-linger {examination.user}",
        {"linger": False},
    )


def _camera(camera: Camera) -> str:
    csi = " (on the ribbon cable: pictures come by libcamera)" if camera.name in CSI_DRIVERS else ""
    closed = "" if camera.usable else ", not open to this user"
    stays = f" (/dev/v4l/by-id/{camera.by_id})" if camera.by_id else ""
    return f"/dev/{camera.nodes[0]} {camera.name or 'without a name'}{csi}{stays}{closed}"


def clock_skew(clock: ClockComparison) -> Finding:
    """The board's clock beside this machine's; the round trip bounds how exactly that can be told."""
    offset, uncertainty = clock.offset_seconds, clock.uncertainty_seconds
    data = {"offset_seconds": offset, "uncertainty_seconds": uncertainty}
    if abs(offset) <= max(uncertainty, 0.01):
        return good("clock skew", f"none (within {max(uncertainty, 0.01):.2f} s)", **data)
    side = "ahead of" if offset > 0 else "behind"
    value = f"{_duration(abs(offset))} {side} this machine (within {uncertainty:.2f} s)"
    if abs(offset) - uncertainty > _CLOCK_SECONDS:
        return warning(
            "clock skew",
            value,
            "sudo timedatectl set-ntp true; where no time server is reached, sudo date -s with this machine's time",
            **data,
        )
    return good("clock skew", value, **data)


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
