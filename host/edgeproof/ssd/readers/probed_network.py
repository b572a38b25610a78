"""A network that was run on two pictures, so that its outputs tell what they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.head_layout import BOXES, SCORES, HeadLayout, Layout
from edgeproof.ssd.head_roles import Outputs
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof_agent.bundle.manifest import InputContract

Pictures = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class ProbedNetwork:
    function: Any
    """Takes the picture, float32 [1, H, W, 3], and gives the outputs in the order of `names`."""
    names: tuple[str, ...]
    outputs: Outputs
    """Of a picture of zeros."""
    others: Outputs
    """Of a picture of noise."""
    pictures: Pictures
    file: str

    @classmethod
    def probe(cls, function: Any, names: tuple[str, ...], pictures: Pictures, file: str) -> "ProbedNetwork":
        """Raises NotAnSsdError when it does not run."""
        outputs, others = (_run(function, names, picture, file) for picture in pictures)
        return cls(function, names, outputs, others, pictures, file)

    @property
    def constant(self) -> set[str]:
        """The outputs that the picture does not change."""
        return {name for name in self.names if np.array_equal(self.outputs[name], self.others[name])}

    def with_function(self, function: Any, *names: str) -> "ProbedNetwork":
        return self.probe(function, names, self.pictures, self.file)

    def joined(self, layout: Layout) -> "ProbedNetwork":
        """With the two heads of the layout, `BOXES` and `SCORES`, and the constant outputs."""
        kept = [name for name in self.names if name in self.constant]
        tensorflow = import_tensorflow()

        def head(values: Mapping[str, Any], part: HeadLayout) -> Any:
            lists = [
                tensorflow.reshape(values[name], [1, rows, part.columns])
                for name, rows in zip(part.parts, part.rows, strict=True)
            ]
            return lists[0] if len(lists) == 1 else tensorflow.concat(lists, axis=1)

        def run(image: Any) -> Any:
            values = dict(zip(self.names, self.function(image), strict=True))
            return head(values, layout.boxes), head(values, layout.scores), *(values[name] for name in kept)

        return self.with_function(self._wrapped(run), BOXES, SCORES, *kept)

    def reshaped(self, boxes: str, scores: str, rows: int, columns: int) -> "ProbedNetwork":
        """With two outputs alone, `BOXES` [1, rows, 4] and `SCORES` [1, rows, columns]."""
        outputs = tuple(self.function.outputs[self.names.index(name)] for name in (boxes, scores))
        only = self.with_function(self.function.prune(self.function.inputs[0], outputs), boxes, scores)
        return only.joined(Layout(HeadLayout((boxes,), (rows,), 4), HeadLayout((scores,), (rows,), columns)))

    def _wrapped(self, run: Callable[[Any], Any]) -> Any:
        tensorflow = import_tensorflow()
        spec = tensorflow.TensorSpec(self.function.inputs[0].shape, tensorflow.float32, "image")
        return tensorflow.compat.v1.wrap_function(run, [spec])


def probe_pictures(contract: InputContract) -> Pictures:
    """Zeros, and noise as the network takes it, float32 [1, H, W, 3]."""
    shape = (1, contract.height, contract.width, 3)
    low, high = contract.mean[0], contract.std[0]
    noise = (np.random.default_rng(0).integers(0, 256, shape).astype(np.float32) - low) / high
    return np.zeros(shape, np.float32), noise.astype(np.float32)


def _run(function: Any, names: tuple[str, ...], picture: Any, file: str) -> dict[str, Any]:
    tensorflow = import_tensorflow()
    try:
        with quiet():
            return {
                name: np.asarray(output.numpy())
                for name, output in zip(names, function(tensorflow.constant(picture)), strict=True)
            }
    except (tensorflow.errors.OpError, ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise NotAnSsdError(f"{file}: it does not run on a picture of {list(picture.shape)}: {reason}") from error
