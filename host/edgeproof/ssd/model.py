"""What edgeproof knows of an SSD, whatever it was read from: heads, anchors, box scales, input contract."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import BackgroundPlace
from edgeproof.ssd.files.labels import Labels
from edgeproof_agent.bundle.manifest import InputContract, InputType


@dataclass(frozen=True)
class BoxScales:
    """Divisors of the box encodings: Faster R-CNN's box coder calls them scale factors. 10, 10, 5, 5 is usual."""

    y: float
    x: float
    height: float
    width: float


DEFAULT_BOX_SCALES = (10.0, 10.0, 5.0, 5.0)
"""Of the Object Detection API's SSD configurations, and most that came after."""


@dataclass(frozen=True)
class Heads:
    """The network without pre- and post-processing, and the shapes that it was seen to give."""

    module: Any
    """A `tf.Module` that tracks all weights. Its concrete function `heads` takes float32 [1, H, W, 3] and gives box
    encodings, float32 [1, A, 4] as ty, tx, th, tw, and class scores, float32 [1, A, C + 1] in 0..1, background first.
    """
    box_encodings_shape: tuple[int, ...]
    class_scores_shape: tuple[int, ...]


@dataclass(frozen=True)
class Predictions:
    """The network's box predictions before anything was done to them, and how they are read."""

    module: Any
    """Its function `raw_heads` takes what `heads` takes, and gives the box predictions [1, A, 4] first."""
    anchors: npt.NDArray[np.float32]
    """[A, 4] in 0..1 in the order and the format that the source gives."""
    reading: Reading
    told: frozenset[str] = frozenset()
    """Names of the fields of `SourceOptions` that the source, or the file of its anchors, says itself."""
    background: BackgroundPlace = BackgroundPlace.FIRST
    """Where the network's own scores are taken to have it."""


@dataclass(frozen=True)
class Source:
    """Where a model was read from."""

    kind: str
    """E.g. `tf1-frozen-graph`."""
    description: str
    """The same in words, with what was found."""
    file_name: str
    sha256: str


@dataclass(frozen=True)
class SsdModel:
    """A detector that can be converted. Raises NotAnSsdError when its parts do not fit together."""

    name: str
    heads: Heads
    anchors: npt.NDArray[np.float32]
    """[A, 4] as centre y, centre x, height, width, in 0..1 of the picture."""
    box_scales: BoxScales
    input: InputContract
    """For float32: quantization belongs to a converted file."""
    labels: Labels
    source: Source
    predictions: Predictions | None = None
    """Where the source does not say itself what its boxes mean."""

    @property
    def num_classes(self) -> int:
        """Classes without the background."""
        return self.heads.class_scores_shape[2] - 1

    @property
    def num_anchors(self) -> int:
        return int(self.anchors.shape[0])

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise NotAnSsdError(f"{self.source.file_name}: {problem}. It is not an SSD that edgeproof can convert.")

    def _problems(self) -> list[str]:
        boxes, scores, anchors = self.heads.box_encodings_shape, self.heads.class_scores_shape, self.anchors
        problems = []
        if len(boxes) != 3 or boxes[0] != 1 or boxes[2] != 4:
            problems.append(f"the box encodings have shape {list(boxes)}, expected [1, anchors, 4]")
        if len(scores) != 3 or scores[0] != 1 or scores[2] < 2:
            problems.append(f"the class scores have shape {list(scores)}, expected [1, anchors, background + classes]")
        if anchors.ndim != 2 or anchors.shape[1] != 4 or anchors.dtype != np.float32:
            problems.append(f"the anchors are {anchors.dtype} {list(anchors.shape)}, expected float32 [anchors, 4]")
        if problems:
            return problems
        if not boxes[1] == scores[1] == anchors.shape[0]:
            problems.append(
                f"the heads disagree on the number of anchors: box encodings {boxes[1]}, class scores {scores[1]}, "
                f"anchors {anchors.shape[0]}"
            )
        if not np.isfinite(anchors).all():
            problems.append("some anchors are not finite numbers")
        elif (anchors[:, 2:] <= 0).any():
            problems.append("some anchors have no height or no width")
        elif np.abs(anchors).max() > 10:
            problems.append("the anchors are not in 0..1 of the picture (pixels?)")
        scales = (self.box_scales.y, self.box_scales.x, self.box_scales.height, self.box_scales.width)
        if not (np.isfinite(scales).all() and min(scales) > 0):
            problems.append(f"the box scales {scales} are not all positive")
        if self.input.dtype is not InputType.FLOAT32:
            problems.append("its input contract is not float32")
        return problems
