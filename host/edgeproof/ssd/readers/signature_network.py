"""An SSD out of a frozen network with named outputs: a Keras model's or a SavedModel's signature."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.errors import NotAnSsdError, UsageError
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.files.anchors import Anchors, convert_anchors, read_anchors, require_count
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.box_treatment import BoxTreatment
from edgeproof.ssd.graph.class_scores import choose_treatment, decide_treatment
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network, heads_module
from edgeproof.ssd.graph.input_range import INPUT_TOLD, is_assumed, stated_contract
from edgeproof.ssd.head_roles import find_head_roles, listed
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import DEFAULT_BOX_SCALES, BoxScales, Predictions, Source, SsdModel
from edgeproof.ssd.readers.joined_output import ANCHORS, BOXES, SCORES, find_joined_output, split, with_joined
from edgeproof.ssd.source_options import AnchorFormat, SourceOptions
from edgeproof.ssd.tensorflow_import import import_tensorflow, quiet
from edgeproof_agent.bundle.manifest import Coordinates


@dataclass(frozen=True)
class SignatureNetwork:
    """A network whose weights are constants of its graph."""

    graph: Graph
    image: str
    """Name of the placeholder that takes the picture."""
    image_shape: tuple[int | None, ...]
    outputs: Mapping[str, str]
    """Names of the tensors (`node:0`), by the names that the exporter gave."""


def read_signature_network(
    network: SignatureNetwork,
    path: Path,
    kind: str,
    description: str,
    sha256: str,
    labels: Path | None,
    name: str | None,
    options: SourceOptions,
) -> SsdModel:
    """Runs the network to tell its heads, and reads the anchors from beside them or from a file.

    Raises NotAnSsdError or UsageError naming the option that helps.
    """
    file = str(path)
    contract, range_words = stated_contract(
        network.graph, network.image, network.image_shape, options, Coordinates.HALF_PIXEL, file
    )
    shape = (1, contract.height, contract.width, 3)
    names = list(network.outputs)
    function = cut_network(network.graph, network.image, shape, [network.outputs[item] for item in names], file)
    low, high = contract.mean[0], contract.std[0]
    noise = (np.random.default_rng(0).integers(0, 256, shape).astype(np.float32) - low) / high
    outputs, others = (_run(function, names, picture, file) for picture in (np.zeros(shape, np.float32), noise))
    joined = find_joined_output(outputs, others)
    if joined is not None:
        function, names, options = split(function, joined), [SCORES, BOXES, ANCHORS], with_joined(options, joined)
        outputs, others = (_run(function, names, picture, file) for picture in (np.zeros(shape, np.float32), noise))
    roles = find_head_roles(outputs, others, options, file)
    boxes, scores = names.index(roles.box_encodings), names.index(roles.class_scores)
    predictions = outputs[roles.class_scores]
    columns = predictions.shape[2] if predictions.ndim == 3 else 0
    shown_scores = f"{file}: {roles.class_scores}"
    if joined is None:
        node = network.outputs[roles.class_scores]
        treatment = decide_treatment(network.graph, node, columns, options, labels, shown_scores)
    else:
        fit = None if labels is None else functools.partial(read_labels, labels)
        treatment = choose_treatment(joined.activation, joined.name, columns, options, fit, shown_scores)
    size = contract.height, contract.width
    coder = options.box_coder or BoxCoder.CENTRE
    in_pixels = size if options.anchor_units is AnchorUnits.PIXELS else None
    if options.anchors_file is not None:
        anchors = read_anchors(options.anchors_file, options.anchor_format, options.anchor_order, in_pixels)
        require_count(anchors, options.anchors_file, outputs[roles.box_encodings].shape)
    elif roles.anchors is not None:
        values, shown = outputs[roles.anchors], f"{file}: {roles.anchors}"
        anchors = convert_anchors(values, shown, options.anchor_format, None, options.anchor_order, in_pixels)
    elif not coder.reads_anchors:
        rows = outputs[roles.box_encodings].shape[1]
        anchors = Anchors(np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (rows, 1)), AnchorFormat.CENTRE)
    else:
        raise UsageError(
            f"{file}: it has no output with its anchors. Give them with --anchors, as a .npy file [anchors, 4] or a "
            "JSON anchor description; or say --box-coder boxes if the boxes are decoded already. "
            f"Its outputs:{listed(outputs)}"
        )
    found_scales = choose_box_scales(options, anchors, coder)
    scales = (found_scales.y, found_scales.x, found_scales.height, found_scales.width)
    boxes_as = BoxTreatment(coder, options.box_order or CoordinateOrder.YX, scales, size)
    treat = None if boxes_as.changes_nothing else functools.partial(boxes_as.apply, anchors=anchors.centres)
    module = heads_module(function, boxes, scores, treatment, treat)
    heads = probe_heads(module, *size, file)
    found = [f"box encodings '{roles.box_encodings}'", f"class scores '{roles.class_scores}'", treatment.words()]
    found.append(boxes_as.words())
    if coder.reads_anchors:
        found.append(f"anchors as {anchors.format.value}")
    found += [range_words, scale_words(options, anchors) if coder is BoxCoder.CENTRE else ""]
    order = options.anchor_order or CoordinateOrder.YX
    # Of boxes that are decoded already there are no anchors, whose convention could be told.
    given_as = anchors.format if coder.reads_anchors else AnchorFormat.CENTRE
    reading = Reading(coder, boxes_as.order, given_as, order, scales, size)
    given = anchors.centres if anchors.values is None else anchors.values
    told = anchors.described if is_assumed(options, contract) else anchors.described | INPUT_TOLD
    return SsdModel(
        name=name or path.stem,
        heads=heads,
        anchors=boxes_as.canonical_anchors(anchors.centres),
        box_scales=boxes_as.canonical_scales(),
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=Source(kind, ", ".join([description, *(word for word in found if word)]), path.name, sha256),
        predictions=Predictions(module, given, reading, told, treatment.background),
    )


def choose_box_scales(options: SourceOptions, anchors: Anchors | None, coder: BoxCoder = BoxCoder.CENTRE) -> BoxScales:
    """By the options, else by the anchors' description, else the coder's usual ones."""
    scales = options.box_scales or (anchors.box_scales if anchors is not None else None)
    return BoxScales(*(scales or coder.usual_scales))


def scale_words(options: SourceOptions, anchors: Anchors) -> str:
    """Names the default where it is taken, else nothing."""
    if options.box_scales or anchors.box_scales:
        return ""
    return f"box scales {', '.join(f'{scale:g}' for scale in DEFAULT_BOX_SCALES)} (the default)"


def _run(function: Any, names: list[str], picture: Any, file: str) -> dict[str, Any]:
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
