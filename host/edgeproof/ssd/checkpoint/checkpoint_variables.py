"""The variables of a TensorFlow 2 checkpoint by their full names, which its object graph keeps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_OPTIMIZER = "optimizer"
_BESIDE_MODEL = ("step", "global_step", "save_counter")
_AVERAGE_SLOT = "average"
_SHOWN = 4


class CheckpointVariables:
    """Implements `layers.Weights`. What is missing is given as zeros, and told of in one error by `finish`.

    Only variables that belong to the model count; the optimizer's, its slots and step counters do not.
    """

    def __init__(self, prefix: Path) -> None:
        """Raises NotAnSsdError when it is no whole checkpoint of TensorFlow 2."""
        tensorflow = import_tensorflow()
        self._file = str(prefix)
        try:
            with quiet():
                self._reader = tensorflow.train.load_checkpoint(str(prefix))
                self._shapes = self._reader.get_variable_to_shape_map()
                graph = self._object_graph()
        except (tensorflow.errors.OpError, RuntimeError, ValueError, IndexError) as error:
            raise self._broken(error) from error
        self._names = _model_variables(graph)
        self.has_moving_averages = any(
            slot.slot_name == _AVERAGE_SLOT for node in graph.nodes for slot in node.slot_variables
        )
        """Averages of the weights, kept by the optimizer. They are not read: the API's own exporter does not either."""
        self._taken: dict[str, str | None] = {}
        """Keys by the names that were asked for."""
        self._problems: list[str] = []

    def take(self, name: str, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Raises NotAnSsdError when the variable is there and cannot be read."""
        expected = [int(side) for side in shape]
        first = name not in self._taken
        if first:
            self._taken[name] = self._find(name)
        key = self._taken[name]
        found = None if key is None else list(self._shapes[key])
        if found != expected:
            if first and key is not None:
                self._problems.append(f"'{self._names[key]}' is {found}, and the network needs {expected}")
            return np.zeros(expected, np.float32)
        tensorflow = import_tensorflow()
        try:
            with quiet():
                return np.asarray(self._reader.get_tensor(key), np.float32)
        except (tensorflow.errors.OpError, RuntimeError, ValueError, IndexError) as error:
            raise self._broken(error) from error

    def finish(self) -> None:
        """Raises NotAnSsdError when variables were missing, of another shape, or not asked for."""
        problems = list(self._problems)
        missing = [name for name, key in self._taken.items() if key is None]
        if missing:
            problems.insert(0, f"{len(missing)} of {len(self._taken)} variables are missing ({_listed(missing)})")
        taken = set(self._taken.values())
        left = sorted(name for key, name in self._names.items() if key not in taken)
        if left:
            problems.append(f"{len(left)} of its variables have no place in the network ({_listed(left)})")
        if problems:
            shown, more = problems[:_SHOWN], len(problems) - _SHOWN
            words = "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
            raise NotAnSsdError(
                f"{self._file}: the checkpoint does not fit its pipeline.config: {words}. "
                "Give the pipeline.config that the model was trained with, unchanged."
            )

    def _find(self, name: str) -> str | None:
        """Keras puts scopes in front of a name, other ones in other releases."""
        keys = [key for key, full_name in self._names.items() if f"/{full_name}".endswith(f"/{name}")]
        if len(keys) > 1:
            raise NotAnSsdError(
                f"{self._file}: '{name}' is there {len(keys)} times ({_listed(sorted(keys))}). "
                "Give a checkpoint of the detection model alone."
            )
        return keys[0] if keys else None

    def _object_graph(self) -> Any:
        if _OBJECT_GRAPH not in self._shapes:
            raise NotAnSsdError(
                f"{self._file}: it is a checkpoint of TensorFlow 1, without names of objects. Freeze it there "
                "(export_tflite_ssd_graph.py, or export_inference_graph.py) and give the .pb file."
            )
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        graph: Any = trackable_object_graph_pb2.TrackableObjectGraph()
        graph.ParseFromString(self._reader.get_tensor(_OBJECT_GRAPH))
        return graph

    def _broken(self, error: Exception) -> NotAnSsdError:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return NotAnSsdError(f"{self._file}: TensorFlow cannot read the checkpoint: {reason}. Copy it again, whole.")


def _model_variables(graph: Any) -> dict[str, str]:
    """Full names by key, of what the root leads to without passing through an optimizer."""
    names: dict[str, str] = {}
    waiting, seen = [0], set()
    while waiting:
        number = waiting.pop()
        if number in seen or number >= len(graph.nodes):
            continue
        seen.add(number)
        node = graph.nodes[number]
        names.update({item.checkpoint_key: item.full_name or item.checkpoint_key for item in node.attributes})
        waiting += [
            child.node_id
            for child in node.children
            if child.local_name != _OPTIMIZER and not (number == 0 and child.local_name in _BESIDE_MODEL)
        ]
    return names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
