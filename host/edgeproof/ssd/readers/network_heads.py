"""Finds box predictions and class predictions of a frozen network, however its outputs hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edgeproof.errors import NotAnSsdError
from edgeproof.ssd.graph.graph import Graph
from edgeproof.ssd.graph.graph_cut import cut_network
from edgeproof.ssd.head_layout import BOXES, SCORES, find_layout, joined_options
from edgeproof.ssd.head_roles import HeadRoles, find_head_roles
from edgeproof.ssd.readers.joined_output import ANCHORS, JoinedOutput, find_joined_output, split, with_joined
from edgeproof.ssd.readers.probed_network import ProbedNetwork, probe_pictures
from edgeproof.ssd.readers.suppression_inside import SuppressionInside, coder_of, find_suppression, heads_before
from edgeproof.ssd.source_options import SourceOptions
from edgeproof_agent.bundle.manifest import InputContract


@dataclass(frozen=True)
class SignatureNetwork:
    """A network whose weights are constants of its graph."""

    graph: Graph
    image: str
    """Name of the placeholder that takes the picture."""
    image_shape: tuple[int | None, ...]
    outputs: Mapping[str, str]
    """Names of the tensors (`node:0`), by the names that the exporter gave."""


@dataclass(frozen=True)
class NetworkHeads:
    probed: ProbedNetwork
    roles: HeadRoles
    options: SourceOptions
    """What was said, and what the outputs said by themselves."""
    words: tuple[str, ...]
    score_tensors: tuple[str, ...] = ()
    """The tensors of the graph that the class predictions come from, where no output is named like them."""
    joined: JoinedOutput | None = None


def find_network_heads(
    network: SignatureNetwork, contract: InputContract, options: SourceOptions, file: str
) -> NetworkHeads:
    """Runs the network on two pictures. Raises NotAnSsdError or UsageError naming the option that helps."""
    probed = _probe(network, network.outputs, contract, file)
    joined = find_joined_output(probed.outputs, probed.others)
    if joined is not None:
        options = with_joined(options, joined)
        parts = probed.with_function(split(probed.function, joined), SCORES, BOXES, ANCHORS)
        roles = find_head_roles(parts.outputs, parts.others, options, file)
        return NetworkHeads(parts, roles, options, _named(roles), joined=joined)
    shapes = {name: values.shape for name, values in probed.outputs.items()}
    layout = find_layout(shapes, probed.constant, options, file)
    if layout is not None:
        together, said = probed.joined(layout), joined_options(options)
        roles = find_head_roles(together.outputs, together.others, said, file)
        tensors = tuple(network.outputs[name] for name in layout.scores.parts)
        shown = HeadRoles(", ".join(layout.boxes.parts), ", ".join(layout.scores.parts), roles.anchors)
        return NetworkHeads(together, roles, options, (*_named(shown), layout.words()), tensors)
    try:
        roles = find_head_roles(probed.outputs, probed.others, options, file)
    except NotAnSsdError:
        inside = find_suppression(network.graph)
        if inside is None or options.boxes is not None or options.scores is not None:
            raise
        return _before_suppression(network, inside, contract, options, file)
    return NetworkHeads(probed, roles, options, _named(roles))


def _before_suppression(
    network: SignatureNetwork, inside: SuppressionInside, contract: InputContract, options: SourceOptions, file: str
) -> NetworkHeads:
    tensors = {name: name for name in (inside.boxes, *inside.scores)}
    probed, tensor = heads_before(inside, _probe(network, tensors, contract, file))
    options = replace(options, box_coder=options.box_coder or coder_of(probed.outputs, probed.others))
    if inside.a_class_a_column and options.background is None and not options.background_last:
        options = replace(options, background=False)
    roles = HeadRoles(BOXES, SCORES, None)
    return NetworkHeads(probed, roles, options, (inside.words(), f"class scores '{tensor}'"), (tensor,))


def _probe(network: SignatureNetwork, outputs: Mapping[str, str], contract: InputContract, file: str) -> ProbedNetwork:
    shape = (1, contract.height, contract.width, 3)
    function = cut_network(network.graph, network.image, shape, list(outputs.values()), file)
    return ProbedNetwork.probe(function, tuple(outputs), probe_pictures(contract), file)


def _named(roles: HeadRoles) -> tuple[str, ...]:
    return f"box encodings '{roles.box_encodings}'", f"class scores '{roles.class_scores}'"
