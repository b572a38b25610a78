"""What a runtime takes of a board, stated before anything is sent."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.board.facts import BoardFacts
from edgeproof.errors import ProvisionError
from edgeproof_agent.store.unused_files import is_unused
from edgeproof_agent.store.uploads import DISK_RESERVE_BYTES

_BLOCK_BYTES = 4096
_MIB = 1 << 20


@dataclass(frozen=True)
class Footprint:
    disk_bytes: int
    """Of the built runtime."""
    peak_disk_bytes: int
    """While it is built: the wheels are there, too."""
    memory_mib: float
    """Of the agent that runs in it; a model's own comes on top."""

    @classmethod
    def of(cls, wheels: Sequence[Path], memory_mib: float) -> "Footprint":
        unpacked = unpacked_bytes(wheels)
        return cls(unpacked, unpacked + sum(wheel.stat().st_size for wheel in wheels), memory_mib)

    def describe(self, what: str, board: str, facts: BoardFacts) -> str:
        """One sentence with all figures."""
        text = (
            f"{what} needs {self.peak_disk_bytes / _MIB:.0f} MiB of disk on {board} while it is set up and "
            f"{self.disk_bytes / _MIB:.0f} MiB after ({facts.disk_free_mib:.0f} MiB are free), and "
            f"{self.memory_mib:.0f} MiB of memory"
        )
        return f"{text} ({facts.memory_available_mib:.0f} MiB are available)" if facts.memory_available_mib else text

    def require_room(self, what: str, board: str, facts: BoardFacts) -> None:
        """Raises `ProvisionError` where the built runtime would not fit, however much of the wheels is there."""
        if facts.disk_free_mib * _MIB < self.disk_bytes + DISK_RESERVE_BYTES:
            raise ProvisionError(
                f"{what} does not fit on {board}: it takes {self.peak_disk_bytes / _MIB:.0f} MiB of disk while it is "
                f"set up and {self.disk_bytes / _MIB:.0f} MiB after, and {facts.disk_free_mib:.0f} MiB are free. "
                f"Nothing was changed. Free some space on the board (edgeproof prune {board} drops what nothing points "
                "to) and try again."
            )

    def is_short_of_memory(self, facts: BoardFacts) -> bool:
        """Whether the agent does not fit into what is available now; False when the board does not say."""
        return 0 < facts.memory_available_mib < self.memory_mib


def unpacked_bytes(wheels: Sequence[Path]) -> int:
    """What the wheels take on the board once they are installed, in whole blocks, with what Python compiles."""
    total = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if is_unused(entry.filename):
                    continue
                size = entry.file_size * (2 if entry.filename.endswith(".py") else 1)
                total += -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
    return total
