"""Puts a constant that is added behind a residual sum into the convolution in front of it: one rounding less."""

from dataclasses import dataclass

from edgeproof.convert.correction.network import Convolution, Network


@dataclass(frozen=True)
class _Foldable:
    convolution: Convolution
    addition: int
    """The operator that adds the constant."""
    constant: int
    """Tensor."""
    residual: int
    """The operator that adds the convolution's output to something else."""


def fold_constants(network: Network) -> int:
    """(convolution + other) + constant becomes (convolution with another bias) + other, the same in exact arithmetic.

    Returns how many constants were folded.
    """
    count = 0
    while found := next(filter(None, (_foldable(network, place) for place in range(len(network.operators)))), None):
        bias = network.values(found.convolution.bias)
        network.set_values(found.convolution.bias, bias + network.values(found.constant).reshape(-1))
        network.redirect_output(found.residual, int(network.operators[found.addition].outputs[0]))
        network.remove(found.addition)
        count += 1
    return count


def _foldable(network: Network, place: int) -> _Foldable | None:
    """What the addition at `place` adds to what, when nobody else reads what lies between."""
    producers, consumers = network.producers, network.consumers
    if network.kind(place) != "ADD":
        return None
    first, second = (int(tensor) for tensor in network.operators[place].inputs)
    between, constant = (second, first) if network.is_constant(first) else (first, second)
    residual = producers.get(between)
    if not network.is_constant(constant) or residual is None or network.kind(residual) != "ADD":
        return None
    if len(consumers[between]) != 1 or not network.adds_plainly(residual):
        return None
    convolutions = {convolution.output: convolution for convolution in network.convolutions if convolution.linear}
    for tensor in (int(tensor) for tensor in network.operators[residual].inputs):
        convolution = convolutions.get(tensor)
        if convolution is None or len(consumers[tensor]) != 1:
            continue
        size = network.values(constant).size
        if size in (1, network.shape(convolution.bias)[0]):
            return _Foldable(convolution, place, constant, residual)
    return None
