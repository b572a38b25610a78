"""What the agent's `examine` brought back: still raw texts, but bounded, typed and printable."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.wording.printable import printable, printable_line
from edgeproof_agent.wire.fields import Fields

_MAX_TEXT = 65_536
_MAX_VALUE = 1024
_MAX_ENTRIES = 64
_MAX_NANOSECONDS = 2**63


@dataclass(frozen=True)
class ClockPolicy:
    """One `cpufreq` policy of the kernel, as it says it: frequencies in kHz."""

    related_cpus: str
    scaling_governor: str
    scaling_cur_freq: str
    scaling_min_freq: str
    scaling_max_freq: str
    cpuinfo_max_freq: str


@dataclass(frozen=True)
class ThermalZone:
    type: str
    temp: str
    """Thousandths of a degree Celsius."""


@dataclass(frozen=True)
class CameraNode:
    node: str
    """`video0`."""
    name: str
    """As the driver names it."""
    usable: bool
    """Whether the login user may read and write it."""
    group: str
    """The group that may; empty when unknown."""
    capabilities: int | None = None
    """V4L2's device_caps; None where the node was not asked."""
    bus: str = ""
    """The device that it belongs to: nodes of one camera share it."""
    by_id: str = ""


@dataclass(frozen=True)
class FirmwareAnswer:
    """What `vcgencmd` said. `outcome` is ok, failed, hung or absent."""

    outcome: str
    output: str


@dataclass(frozen=True)
class PartialUpload:
    name: str
    size_bytes: int
    age_seconds: int


@dataclass(frozen=True)
class ClockComparison:
    """When the question left this machine and when the answer came, by this machine's clock and by the board's."""

    asked_ns: int
    received_ns: int
    """By the board's clock."""
    replied_ns: int
    """By the board's clock."""
    answered_ns: int

    @property
    def offset_seconds(self) -> float:
        """How far the board's clock is ahead (RFC 5905, section 8: theta)."""
        return ((self.received_ns - self.asked_ns) + (self.replied_ns - self.answered_ns)) / 2e9

    @property
    def uncertainty_seconds(self) -> float:
        """Half the round trip: the offset is at most this much off."""
        travelled_ns = (self.answered_ns - self.asked_ns) - (self.replied_ns - self.received_ns)
        return max(0.0, travelled_ns / 2e9)


@dataclass(frozen=True)
class Examination:
    kernel_machine: str
    """`uname -m`: the kernel's architecture, which the userland need not share."""
    user: str
    groups: tuple[str, ...]
    home: str
    compatible: str
    """The device tree's `compatible`, one name a line."""
    cpuinfo: str
    meminfo: str
    uptime: str
    loadavg: str
    mountinfo: str
    card_type: str
    """`SD` or `MMC` when the home folder is on a memory card; else empty."""
    disk_total_bytes: int
    disk_free_bytes: int
    cpufreq: tuple[ClockPolicy, ...]
    thermal: tuple[ThermalZone, ...]
    cameras: tuple[CameraNode, ...]
    vcgencmd: Mapping[str, FirmwareAnswer]
    """By question: get_throttled, measure_temp."""
    firmware_throttled: str
    """What the firmware's driver says in /sys where there is one."""
    linger: str
    """Whether services of the user outlive the last login: yes, no, or empty where there is no systemd."""
    incoming: tuple[PartialUpload, ...]
    clock: ClockComparison


def parse_examination(fields: Fields, asked_ns: int, answered_ns: int) -> Examination:
    """Raises `FieldError` for what no agent answers."""

    def text(name: str) -> str:
        return printable(fields.text(name, max_length=_MAX_TEXT), _MAX_TEXT)

    vcgencmd = fields.nested("vcgencmd")
    return Examination(
        kernel_machine=_value(fields, "kernel_machine"),
        user=_value(fields, "user"),
        groups=tuple(printable_line(name) for name in fields.items("groups", _MAX_ENTRIES) if isinstance(name, str)),
        home=_value(fields, "home"),
        compatible=text("compatible"),
        cpuinfo=text("cpuinfo"),
        meminfo=text("meminfo"),
        uptime=text("uptime"),
        loadavg=text("loadavg"),
        mountinfo=text("mountinfo"),
        card_type=_value(fields, "card_type"),
        disk_total_bytes=fields.integer("disk_total_bytes", high=2**63),
        disk_free_bytes=fields.integer("disk_free_bytes", high=2**63),
        cpufreq=tuple(
            ClockPolicy(**{name: _value(item, name) for name in ClockPolicy.__dataclass_fields__})
            for item in fields.objects("cpufreq", _MAX_ENTRIES)
        ),
        thermal=tuple(
            ThermalZone(_value(item, "type"), _value(item, "temp")) for item in fields.objects("thermal", _MAX_ENTRIES)
        ),
        cameras=tuple(
            CameraNode(
                _value(item, "node"),
                _value(item, "name"),
                item.flag("usable"),
                _value(item, "group"),
                item.integer("capabilities", high=2**32) if "capabilities" in item else None,
                printable_line(item.text("bus", default="", max_length=_MAX_VALUE)),
                printable_line(item.text("by_id", default="", max_length=_MAX_VALUE)),
            )
            for item in fields.objects("cameras", _MAX_ENTRIES)
        ),
        vcgencmd={
            question: FirmwareAnswer(
                vcgencmd.nested(question).choice("outcome", ["ok", "failed", "hung", "absent"]),
                _value(vcgencmd.nested(question), "output"),
            )
            for question in ("get_throttled", "measure_temp")
        },
        firmware_throttled=_value(fields, "firmware_throttled"),
        linger=fields.choice("linger", ["yes", "no", ""]),
        incoming=tuple(
            PartialUpload(
                _value(item, "name"), item.integer("size_bytes", high=2**63), item.integer("age_seconds", high=2**63)
            )
            for item in fields.objects("incoming", _MAX_ENTRIES)
        ),
        clock=ClockComparison(
            asked_ns,
            fields.integer("received_ns", low=-_MAX_NANOSECONDS, high=_MAX_NANOSECONDS),
            fields.integer("answered_ns", low=-_MAX_NANOSECONDS, high=_MAX_NANOSECONDS),
            answered_ns,
        ),
    )


def _value(fields: Fields, name: str) -> str:
    return printable_line(fields.text(name, max_length=_MAX_VALUE))
