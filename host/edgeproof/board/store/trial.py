"""What the board found when it tried its own file system, Python and limits: see `edgeproof_agent.store.trial`."""

from collections.abc import Mapping
from dataclasses import dataclass

from edgeproof.errors import ProvisionError
from edgeproof.wording.printable import printable_line
from edgeproof_agent.wire.fields import Fields

_ANOTHER_PLACE = (
    'Name another folder of the board in edgeproof.toml, on ext4, btrfs, xfs or f2fs: store = "/path" (or `edgeproof '
    "board add NAME HOST --replace --store /path`)"
)
TRIAL_REMEDIES = {
    "readonly": "A worn or damaged card is mounted so: see `dmesg` on the board, or sudo mount -o remount,rw. "
    f"{_ANOTHER_PLACE}",
    "owner": "Was something run there with sudo? Give it back on the board: sudo chown -R $USER: FOLDER. "
    f"{_ANOTHER_PLACE}",
    "folder": "Make it on the board (mkdir -p), or mount what belongs there.",
    "noexec": f"Mount it without noexec (sudo mount -o remount,exec), or: {_ANOTHER_PLACE}",
    "links": _ANOTHER_PLACE,
    "locks": f"NFS without locks (nolock) is so. {_ANOTHER_PLACE}",
    "inodes": "Drop small files there (df -i shows how many there are), or: " + _ANOTHER_PLACE,
    "modules": "Install the rest of it. Debian: sudo apt install python3-full; OpenWrt: opkg install python3; Yocto: "
    "add python3-modules to IMAGE_INSTALL; Buildroot: the options below BR2_PACKAGE_PYTHON3",
    "limits": "Raise it for this user (/etc/security/limits.conf, or `ulimit` in a login file; MemoryMax= of a systemd "
    "slice), and connect again",
    "storage": f"See `dmesg` on the board. {_ANOTHER_PLACE}",
}
"""By a trouble's kind; `disk` has the store's own remedy."""
_MAX_TROUBLES = 32
_MAX_TEXT = 4096


@dataclass(frozen=True)
class StoreTrial:
    troubles: tuple[tuple[str, str], ...]
    """Kind and words of each."""
    figures: Mapping[str, int | None]
    """free_bytes, free_inodes, address_space_bytes, file_bytes, open_files, group_memory_bytes; None: no limit."""

    def require(self, board: str) -> None:
        """Raises `ProvisionError` with everything that is in the way, each with its remedy."""
        if self.troubles:
            lines = [f"{text}.\n{remedy_for(kind)}" for kind, text in self.troubles]
            raise ProvisionError(f"{board} cannot take a runtime, and nothing was sent: " + "\n".join(lines))


def remedy_for(kind: str) -> str:
    return TRIAL_REMEDIES.get(kind, "Free some space on the board (edgeproof prune drops what nothing points to).")


def parse_trial(reply: Fields) -> StoreTrial:
    """Raises `FieldError` for what no board answers."""
    figures = reply.nested("figures")
    names = ("free_bytes", "free_inodes", "address_space_bytes", "file_bytes", "open_files", "group_memory_bytes")
    return StoreTrial(
        tuple(
            (item.text("kind", max_length=64), printable_line(item.text("text", max_length=_MAX_TEXT), _MAX_TEXT))
            for item in reply.objects("troubles", _MAX_TROUBLES)
        ),
        {name: figures.integer(name, high=2**64) if name in figures else None for name in names},
    )
