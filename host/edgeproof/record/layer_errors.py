"""How much each layer of an int8 model loses against float, and which layers are worth keeping float."""

import csv
import io
import math
from dataclasses import dataclass

ROUNDING_ERROR = 1 / math.sqrt(12)
"""The relative error of a layer that loses by rounding alone: the standard deviation of a uniform distribution."""
SUSPICIOUS_ERROR = 0.7
"""From here on a layer is worth keeping float, by TensorFlow's guide to its quantization debugger."""
_MOST_KEPT = 5
_FIRST_TRIED = 2


@dataclass(frozen=True)
class LayerError:
    """How far one layer's int8 output is from its float output, both computed from the same input."""

    name: str
    """As `--keep-float` takes it."""
    operator: str
    scale: float
    """Of the int8 output: the step between two of its values."""
    rmse: float
    """Root of the mean square of the difference, over all elements and pictures."""
    max_error: float
    """The largest difference in a picture, on average over the pictures."""

    @property
    def relative(self) -> float:
        """RMSE / scale: `ROUNDING_ERROR` at its best, unless most values are alike."""
        return self.rmse / self.scale


@dataclass(frozen=True)
class QuantizationErrors:
    layers: tuple[LayerError, ...]
    """Worst first."""
    pictures: int

    @property
    def suspicious(self) -> tuple[LayerError, ...]:
        return tuple(layer for layer in self.layers if layer.relative >= SUSPICIOUS_ERROR)

    @property
    def to_keep_float(self) -> tuple[LayerError, ...]:
        """The worst of the suspicious layers; where there are none, those to try first."""
        return self.suspicious[:_MOST_KEPT] or self.layers[:_FIRST_TRIED]

    def to_csv(self) -> str:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["layer", "operator", "rmse_per_scale", "rmse", "max_error", "scale"])
        for layer in self.layers:
            numbers = (layer.relative, layer.rmse, layer.max_error, layer.scale)
            writer.writerow([layer.name, layer.operator, *(f"{number:.6g}" for number in numbers)])
        return text.getvalue()
