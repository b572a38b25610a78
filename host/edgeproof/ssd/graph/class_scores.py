"""Turns whatever a network gives for the classes into what edgeproof converts: scores in 0..1, background first."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.source_options import ScoreConverter, SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow
from edgeproof.wording.counting import counted

# They move numbers and leave them as they are.
_PASSIVE = ("Identity", "Reshape", "Transpose", "Squeeze", "ExpandDims", "ConcatV2", "Pack", "StridedSlice", "Slice")
_ACTIVATIONS = {"Sigmoid": ScoreConverter.SIGMOID, "Softmax": ScoreConverter.SOFTMAX}


@dataclass(frozen=True)
class ScoreTreatment:
    """What is put behind the network's class predictions."""

    converter: ScoreConverter = ScoreConverter.IDENTITY
    add_background: bool = False
    background_last: bool = False
    """The last column of the predictions is the background."""

    @property
    def changes_nothing(self) -> bool:
        return self == ScoreTreatment()

    def apply(self, predictions: Any) -> Any:
        """Scores [1, A, C + 1] of the predictions' tensor, [1, A, C + 1] or [1, A, C] without the background."""
        tensorflow = import_tensorflow()
        if self.converter is ScoreConverter.SIGMOID:
            predictions = tensorflow.sigmoid(predictions)
        elif self.converter is ScoreConverter.SOFTMAX:
            predictions = tensorflow.nn.softmax(predictions)
        if self.background_last:
            predictions = tensorflow.concat([predictions[:, :, -1:], predictions[:, :, :-1]], axis=2)
        if self.add_background:
            predictions = tensorflow.concat([tensorflow.zeros_like(predictions[:, :, :1]), predictions], axis=2)
        return predictions

    def words(self) -> str:
        words = [] if self.converter is ScoreConverter.IDENTITY else [f"{self.converter.value} added"]
        if self.background_last:
            words.append("background moved from the last column to the first")
        return ", ".join([*words, "background column added"] if self.add_background else words)


LabelsFit = Callable[[int], object]
"""Raises UsageError when the labels do not fit so many classes."""


def decide_treatment(
    graph: Graph, nodes: Sequence[str], columns: int, options: SourceOptions, labels: Path | None, file: str
) -> ScoreTreatment:
    """By the options; else by the graph's last activation, and by the number of labels.

    `columns` is the last side of the class predictions that `nodes` make, one a level. Raises NotAnSsdError or
    UsageError when it cannot be told.
    """
    fit = None if labels is None else functools.partial(read_labels, labels)
    activation, node = last_activation(graph, *nodes), nodes[0]
    if activation is ScoreConverter.SOFTMAX and background_cut_off(graph, node):
        if options.background or options.background_last:
            raise UsageError(
                f"{file}: its graph cuts the first column, the background, off behind the softmax ('{node}'). "
                "Leave --background out: taken for the background, the first class would be lost."
            )
        options = replace(options, background=False)
    return choose_treatment(activation, node, columns, options, fit, file)


def choose_treatment(
    activation: ScoreConverter | None,
    name: str,
    columns: int,
    options: SourceOptions,
    labels_fit: LabelsFit | None,
    file: str,
) -> ScoreTreatment:
    """The same when the last activation is known; `name` is that of the class predictions."""
    converter = options.score_converter
    if converter is not None and converter is activation:
        raise UsageError(
            f"{file}: its class predictions ('{name}') have passed a {converter.value} already, and "
            f"--score-converter {converter.value} would apply it twice. Leave the option out."
        )
    if converter is None:
        converter = options.usual_converter if activation is None else ScoreConverter.IDENTITY
        if converter is None:
            raise NotAnSsdError(
                f"{file}: its class predictions ('{name}') do not end in a sigmoid or softmax: these are logits. "
                "Say what makes scores of them with --score-converter sigmoid or softmax (identity: they are scores)."
            )
    if options.background_last:
        return ScoreTreatment(converter, background_last=True)
    softmax = ScoreConverter.SOFTMAX in (converter, activation)
    background = _has_background(columns, softmax, options, labels_fit, file)
    return ScoreTreatment(converter, add_background=not background)


def last_activation(graph: Graph, *names: str) -> ScoreConverter | None:
    """The activation that all numbers of the tensors come from; None when they come from anything else."""
    found: set[ScoreConverter | None] = set()
    waiting, seen = list(names), set()
    while waiting:
        current = waiting.pop().split(":")[0]
        if current in seen or current not in graph:
            continue
        seen.add(current)
        node = graph.node(current)
        inputs = graph.inputs(node)
        if node.op == "ConcatV2":
            waiting += inputs[:-1]
        elif node.op == "Pack":
            waiting += inputs
        elif node.op in _PASSIVE:
            waiting += inputs[:1]
        elif node.op != "Const":
            found.add(_ACTIVATIONS.get(node.op))
    return found.pop() if len(found) == 1 else None


def background_cut_off(graph: Graph, name: str) -> bool:
    """Whether a slice between the last activation and the tensor `name` leaves out the first column."""
    current = name.split(":")[0]
    while current in graph:
        node = graph.node(current)
        if node.op not in _PASSIVE:
            return False
        inputs = graph.inputs(node)
        begin = graph.constant(inputs[1]) if node.op in ("StridedSlice", "Slice") and len(inputs) > 1 else None
        if begin is not None and begin.size == 3 and begin[-1] == 1:
            return True
        current = inputs[0].split(":")[0] if inputs else ""
    return False


def _has_background(
    columns: int, softmax: bool, options: SourceOptions, labels_fit: LabelsFit | None, file: str
) -> bool:
    if options.background is not None:
        return options.background
    if labels_fit is not None:
        if _fits(labels_fit, columns):
            return columns > 1 and _fits(labels_fit, columns - 1)
        # The first column is the background in most models, so what does not fit is told of the others.
        labels_fit(max(columns - 1, 1))
        return True
    if softmax and columns > 1:
        return True
    raise UsageError(
        f"{file}: its class scores have {counted(columns, 'column')}, and nothing says whether the first is the "
        "background. Give the labels with --labels, or say --background or --no-background."
    )


def _fits(labels_fit: LabelsFit, num_classes: int) -> bool:
    try:
        labels_fit(num_classes)
    except UsageError:
        return False
    return True
