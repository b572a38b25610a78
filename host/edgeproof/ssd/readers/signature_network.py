"""An SSD out of a frozen network with named outputs: a Keras model's or a SavedModel's signature."""

import functools
from pathlib import Path

import numpy as np

from edgeproof.errors import UsageError
from edgeproof.ssd.box_reading import Reading
from edgeproof.ssd.conventions import AnchorUnits, BoxCoder, CoordinateOrder
from edgeproof.ssd.files.anchors import Anchors, convert_anchors, read_anchors, require_count
from edgeproof.ssd.files.labels import read_labels
from edgeproof.ssd.graph.box_treatment import BoxTreatment
from edgeproof.ssd.graph.class_scores import choose_treatment, decide_treatment
from edgeproof.ssd.graph.graph_cut import heads_module
from edgeproof.ssd.graph.input_range import stated_contract
from edgeproof.ssd.head_roles import listed
from edgeproof.ssd.heads import probe_heads
from edgeproof.ssd.model import DEFAULT_BOX_SCALES, BoxScales, Predictions, Source, SsdModel
from edgeproof.ssd.readers.network_heads import SignatureNetwork, find_network_heads
from edgeproof.ssd.source_options import AnchorFormat, SourceOptions
from edgeproof_agent.bundle.manifest import Coordinates


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
    found = find_network_heads(network, contract, options, file)
    options, probed, roles = found.options, found.probed, found.roles
    predictions = probed.outputs[roles.class_scores]
    columns = predictions.shape[2] if predictions.ndim == 3 else 0
    shown_scores = f"{file}: {roles.class_scores}"
    if found.joined is None:
        nodes = found.score_tensors or (network.outputs[roles.class_scores],)
        treatment = decide_treatment(network.graph, nodes, columns, options, labels, shown_scores)
    else:
        fit = None if labels is None else functools.partial(read_labels, labels)
        treatment = choose_treatment(found.joined.activation, found.joined.name, columns, options, fit, shown_scores)
    size = contract.height, contract.width
    coder = options.box_coder or BoxCoder.CENTRE
    in_pixels = size if options.anchor_units is AnchorUnits.PIXELS else None
    if options.anchors_file is not None:
        anchors = read_anchors(options.anchors_file, options.anchor_format, options.anchor_order, in_pixels, size)
        require_count(anchors, options.anchors_file, probed.outputs[roles.box_encodings].shape)
    elif roles.anchors is not None:
        values, shown = probed.outputs[roles.anchors], f"{file}: {roles.anchors}"
        anchors = convert_anchors(values, shown, options.anchor_format, None, options.anchor_order, in_pixels)
    elif not coder.reads_anchors:
        rows = probed.outputs[roles.box_encodings].shape[1]
        anchors = Anchors(np.tile(np.array([0.5, 0.5, 1, 1], np.float32), (rows, 1)), AnchorFormat.CENTRE)
    else:
        raise UsageError(
            f"{file}: it has no output with its anchors. Give them with --anchors, as a .npy file [anchors, 4] or a "
            "JSON anchor description; or say --box-coder boxes if the boxes are decoded already. "
            f"Its outputs:{listed(probed.outputs)}"
        )
    found_scales = choose_box_scales(options, anchors, coder)
    scales = (found_scales.y, found_scales.x, found_scales.height, found_scales.width)
    boxes_as = BoxTreatment(coder, options.box_order or CoordinateOrder.YX, scales, size)
    treat = None if boxes_as.changes_nothing else functools.partial(boxes_as.apply, anchors=anchors.centres)
    boxes, scores = probed.names.index(roles.box_encodings), probed.names.index(roles.class_scores)
    module = heads_module(probed.function, boxes, scores, treatment, treat)
    heads = probe_heads(module, *size, file)
    words = [*found.words, treatment.words(), boxes_as.words()]
    if coder.reads_anchors:
        words.append(f"anchors as {anchors.format.value}")
    words += [range_words, scale_words(options, anchors) if coder is BoxCoder.CENTRE else ""]
    reading = Reading(coder, boxes_as.order, anchors.format, anchors.order, scales)
    given = anchors.centres if anchors.values is None else anchors.values
    return SsdModel(
        name=name or path.stem,
        heads=heads,
        anchors=boxes_as.canonical_anchors(anchors.centres),
        box_scales=boxes_as.canonical_scales(),
        input=contract,
        labels=read_labels(labels, heads.class_scores_shape[-1] - 1),
        source=Source(kind, ", ".join([description, *(word for word in words if word)]), path.name, sha256),
        predictions=Predictions(module, given, reading),
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
