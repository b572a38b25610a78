"""Narrows the range of class logits to what a score can tell."""

from edgeproof.convert.correction.network import Network

_MOVING = ("RESHAPE", "CONCATENATION", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS", "PACK")
LOGIT_LIMIT = 8.0
"""A sigmoid of 8 is .99966: what lies beyond is the same score, and would take a finer scale from all others."""


def cap_logits(network: Network) -> int:
    """Narrows the range of the last sigmoid's logits to `LOGIT_LIMIT`; returns how many tensors were narrowed.

    Not a softmax's: it compares logits, also large ones.
    """
    narrowed = 0
    for place in [place for place in range(len(network.operators)) if network.kind(place) == "LOGISTIC"][-1:]:
        for tensor in _moved_from(network, int(network.operators[place].inputs[0])):
            found = network.range(tensor)
            if found is not None and (found[0] < -LOGIT_LIMIT or found[1] > LOGIT_LIMIT):
                # Zero stays within: integers have one of their own for it.
                low, high = max(found[0], -LOGIT_LIMIT), min(found[1], LOGIT_LIMIT)
                network.set_range(tensor, min(low, 0.0), max(high, 0.0))
                narrowed += 1
    return narrowed


def _moved_from(network: Network, tensor: int) -> set[int]:
    """The tensors whose numbers these are, as far as they were only moved on the way."""
    producers, waiting = network.producers, [tensor]
    found: set[int] = set()
    while waiting:
        current = waiting.pop()
        if current in found or network.is_constant(current):
            continue
        found.add(current)
        place = producers.get(current)
        if place is not None and network.kind(place) in _MOVING:
            waiting += [int(other) for other in network.operators[place].inputs]
    return found
