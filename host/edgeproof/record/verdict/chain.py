"""Which step from the source to the board makes a difference: each step's two ends held against each other."""

import enum
from dataclasses import dataclass
from typing import Any


class ChainStep(enum.Enum):
    """From the source to the board, in their order."""

    CONVERSION = "conversion"
    QUANTIZATION = "quantization"
    KERNELS = "kernels"

    @property
    def ends(self) -> str:
        return {
            ChainStep.CONVERSION: "source to float32",
            ChainStep.QUANTIZATION: "float32 to this variant, both on the host",
            ChainStep.KERNELS: "this variant on the host to the board",
        }[self]


@dataclass(frozen=True)
class ChainLink:
    """One step: the confident detections that both of its ends have, and those that differ."""

    step: ChainStep
    same: int = 0
    differing: int = 0
    borderline: int = 0
    same_pictures: int = 0
    """On how many pictures no confident detection differs."""
    missing: str | None = None
    """Why nothing can be told of it."""

    def to_json(self) -> dict[str, Any]:
        if self.missing is not None:
            return {"step": self.step.value, "missing": self.missing}
        return {
            "step": self.step.value,
            "same": self.same,
            "differing": self.differing,
            "borderline": self.borderline,
            "same_pictures": self.same_pictures,
        }


def deciding_step(chain: tuple[ChainLink, ...]) -> ChainStep | None:
    """The step with the most differing detections; None when nothing differs, or two have equally many."""
    by_count = sorted((link for link in chain if link.differing), key=lambda link: -link.differing)
    if not by_count or (len(by_count) > 1 and by_count[0].differing == by_count[1].differing):
        return None
    return by_count[0].step
