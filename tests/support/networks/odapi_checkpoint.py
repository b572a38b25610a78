"""Writes checkpoints with the object layout and the full names of the Object Detection API's `CheckpointManager`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_PREDICTOR = ("BoxPredictor/", "WeightSharedConvolutionalBoxPredictor/")


def write_checkpoint(
    folder: Path,
    variables: Mapping[str, npt.NDArray[np.float32]],
    *,
    number: int = 1,
    training: bool = False,
    averages: bool = False,
    prefix: str = "",
) -> Path:
    """`ckpt-N` in `folder` and the state file; its path. Training adds a step, an optimizer and its slots."""
    import tensorflow as tf

    model = tf.train.Checkpoint(_feature_extractor=tf.train.Checkpoint(), _box_predictor=tf.train.Checkpoint())
    kept = {name: tf.Variable(value, name=prefix + name) for name, value in variables.items()}
    for position, (name, variable) in enumerate(kept.items()):
        part = model._box_predictor if name.startswith(_PREDICTOR) else model._feature_extractor
        setattr(part, f"layer_{position}", variable)
    root: dict[str, Any] = {"model": model}
    if training:
        root |= {"step": tf.Variable(7, dtype=tf.int64), "optimizer": _optimizer(kept, averages)}
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(**root), str(folder), max_to_keep=3)
    return Path(manager.save(checkpoint_number=number))


def _optimizer(variables: Mapping[str, Any], averages: bool) -> Any:
    """A slot a variable, `NAME/momentum` or `NAME/average`, and one whose name ends as the variable's does."""
    import tensorflow as tf

    class Optimizer(tf.train.Checkpoint):  # type: ignore[misc, unused-ignore]
        """As optimizers do it, by the methods that a checkpoint looks for."""

        def get_slot_names(self) -> list[str]:
            return ["average" if averages else "momentum"]

        def get_slot(self, variable: Any, slot_name: str) -> Any:
            return slots.get(variable.ref())

    kind = "average" if averages else "momentum"
    slots = {item.ref(): tf.Variable(tf.zeros_like(item), name=f"{name}/{kind}") for name, item in variables.items()}
    first, variable = next(iter(variables.items()))
    return Optimizer(rate=tf.Variable(0.1), velocity=tf.Variable(tf.zeros_like(variable), name=f"sgd/{first}"))
