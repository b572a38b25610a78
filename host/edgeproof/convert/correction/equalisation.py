"""Gives the channels of a tensor like ranges, so that its one scale serves them all: what a layer multiplies by, the
next one divides by (Nagel et al., Data-Free Quantization, 2019), here also across residual sums."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from edgeproof.convert.correction.activations import Activations, Floats
from edgeproof.convert.correction.network import Convolution, Network

_MOST = 16.0
"""No channel is stretched further: its weights would take the place of all others'."""


def equalise(network: Network, seen: Activations) -> int:
    """Changes weights, biases, ranges and what was `seen` alike. Returns how many groups of tensors were stretched.

    Linear bottlenecks, each with all that it is added to. The network computes the same as before, up to rounding.
    """
    number_of = {convolution.operator: number for number, convolution in enumerate(network.convolutions)}
    producers, consumers, done = network.producers, network.consumers, 0
    for tensors in _groups(network):
        # An addition within the group stretches both sides alike; one of a constant does not, and is no convolution.
        inner = {producers[tensor] for tensor in tensors if _adds_within(network, producers[tensor], tensors)}
        readers = [place for tensor in tensors for place in consumers[tensor] if place not in inner]
        writers = [producers[tensor] for tensor in tensors if producers[tensor] not in inner]
        if not readers or any(tensor not in seen.ranges for tensor in tensors):
            continue
        if any(place not in number_of for place in (*readers, *writers)):
            continue
        if any(not network.convolutions[number_of[place]].linear for place in writers):
            continue
        if any(not network.adds_plainly(place) for place in inner):
            continue
        largest = np.max([_magnitude(seen, tensor) for tensor in tensors], axis=0)
        largest = np.maximum(largest, 1e-6 * largest.max())
        if not largest.max() > 0:
            continue
        stretch = np.clip(largest.max() / largest, 1.0, _MOST)
        _stretch(network, seen, stretch, tensors, [number_of[p] for p in writers], [number_of[p] for p in readers])
        done += 1
    return done


def _stretch(
    network: Network,
    seen: Activations,
    stretch: Floats,
    tensors: Sequence[int],
    writers: Sequence[int],
    readers: Sequence[int],
) -> None:
    """`writers` and `readers` are places in `network.convolutions`; `stretch` has a factor a channel."""
    for number in writers:
        _multiply_output(network, network.convolutions[number], stretch)
    for number in readers:
        convolution = network.convolutions[number]
        network.set_values(convolution.weights, network.values(convolution.weights) / stretch)
        moments = seen.moments[number]
        if convolution.depthwise:
            moments.total = moments.total * stretch[:, None]
            if moments.products is not None:
                moments.products = moments.products * (stretch**2)[:, None, None]
        else:
            repeated = np.tile(stretch, len(moments.total) // len(stretch))
            moments.total = moments.total * repeated
            if moments.products is not None:
                moments.products = moments.products * repeated[:, None] * repeated[None]
    for tensor in tensors:
        found = seen.ranges[tensor]
        found.low, found.high = found.low * stretch, found.high * stretch
        network.set_range(tensor, float(found.low.min()), float(found.high.max()))


def _multiply_output(network: Network, convolution: Convolution, factors: Floats) -> None:
    shape = [1, 1, 1, 1]
    shape[convolution.channel_axis] = -1
    network.set_values(convolution.weights, network.values(convolution.weights) * factors.reshape(shape))
    network.set_values(convolution.bias, network.values(convolution.bias) * factors)


def _magnitude(seen: Activations, tensor: int) -> Floats:
    found = seen.ranges[tensor]
    return np.maximum(np.abs(found.low), np.abs(found.high))


def _adds_within(network: Network, place: int, tensors: Sequence[int]) -> bool:
    if network.kind(place) != "ADD":
        return False
    return all(int(tensor) in tensors for tensor in network.operators[place].inputs)


def _groups(network: Network) -> list[list[int]]:
    """Outputs of linear convolutions, together where an addition of two computed tensors makes one scale of theirs."""
    producers = network.producers
    roots: dict[int, int] = {c.output: c.output for c in network.convolutions if c.linear}

    def root(tensor: int) -> int:
        while roots.setdefault(tensor, tensor) != tensor:
            tensor = roots[tensor]
        return tensor

    for place, operator in enumerate(network.operators):
        if network.kind(place) == "ADD" and all(int(tensor) in producers for tensor in operator.inputs):
            tensors = [*(int(tensor) for tensor in operator.inputs), int(operator.outputs[0])]
            for tensor in tensors[1:]:
                roots[root(tensor)] = root(tensors[0])
    groups: dict[int, list[int]] = defaultdict(list)
    for tensor in list(roots):
        groups[root(tensor)].append(tensor)
    return list(groups.values())
