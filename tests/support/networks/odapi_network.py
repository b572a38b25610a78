"""What the Object Detection API itself builds of a `pipeline.config`, recorded: `odapi_networks/NAME.*`.

`NAME.config` is what it was given, `NAME.variables` are the full names and shapes of the variables that it wrote to its
checkpoint (tf-models-research-object-detection 2.8.0, TensorFlow 2.15.1, Keras 2), `NAME.json` some numbers that its
`predict` and its anchor generator gave, with the weights and the picture that the functions here make.
`tests/odapi/record_networks.py` writes the latter two.
"""

import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).with_name("odapi_networks")
NAMES = sorted(path.stem for path in FOLDER.glob("*.config"))


@dataclass(frozen=True)
class RecordedNetwork:
    name: str

    @property
    def config(self) -> Path:
        return FOLDER / f"{self.name}.config"

    @property
    def numbers(self) -> dict[str, Any]:
        """For `boxes`, `classes` (without a score converter) and `anchors` (corners): shape, positions and values."""
        read: dict[str, Any] = json.loads((FOLDER / f"{self.name}.json").read_text(encoding="utf-8"))
        return read

    def variables(self) -> dict[str, tuple[int, ...]]:
        """Shapes by full name. `layer/{gamma,beta}` stands for two variables."""
        found = {}
        for line in (FOLDER / f"{self.name}.variables").read_text(encoding="utf-8").splitlines():
            name, shape = line.split()
            group = re.search(r"\{(.*)\}", name)
            for part in group[1].split(",") if group else [""]:
                full_name = name.replace(group[0], part) if group else name
                found[full_name] = tuple(int(side) for side in shape.split("x"))
        return found


def weight(full_name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Spread-out numbers that depend on the name alone, the same with every release of numpy."""
    random, kind = np.random.RandomState(zlib.crc32(full_name.encode())), full_name.rpartition("/")[2]
    if kind in ("moving_variance", "gamma"):
        values = random.uniform(0.6, 1.6, shape)
    elif len(shape) == 1:
        values = random.normal(0, 0.3, shape)
    else:
        values = random.normal(0, np.sqrt(1.5 / np.prod(shape[: 2 if kind == "depthwise_kernel" else 3])), shape)
    return values.astype(np.float32)


def picture(height: int, width: int) -> npt.NDArray[np.float32]:
    """[1, height, width, 3] in -1..1."""
    return np.random.RandomState(0).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)
