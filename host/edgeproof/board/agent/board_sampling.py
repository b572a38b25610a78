"""Reads what an agent has sampled of its board beside a bench."""

import json

from edgeproof.board.link.conversation import Reply
from edgeproof.record.detections import BenchResult
from edgeproof.record.measured.board_sample import read_timeline
from edgeproof.record.measured.energy import POWER_KINDS, PowerReadings
from edgeproof.wording.printable import printable
from edgeproof_agent.detection.arrays import unpack_arrays
from edgeproof_agent.machine.sampler import MAX_SAMPLES
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_BYTES = 4 << 20
_MAX_SECONDS = 1e7


def board_sampling(reply: Reply) -> BenchResult:
    """A bench without its samples and states: its seconds, the board meanwhile, what it drew. Raises `FieldError`."""
    array = unpack_arrays(reply.fields, reply.payload).get("sampling") if "arrays" in reply.fields else None
    if array is None or array.dtype != "uint8" or array.ndim != 1 or len(array) > _MAX_BYTES:
        raise FieldError("the samples of the board are missing")
    try:
        document = json.loads(array.tobytes())
    except (ValueError, RecursionError) as error:
        raise FieldError(f"the samples of the board are no JSON: {error}") from error
    fields = Fields(document, "sampling")
    return BenchResult(
        {},
        0,
        None,
        None,
        seconds=fields.number("seconds", low=0, high=_MAX_SECONDS),
        timeline=read_timeline(fields),
        power=_power(fields) if "source" in fields else None,
    )


def _power(fields: Fields) -> PowerReadings:
    source = fields.nested("source")
    return PowerReadings(
        printable(source.text("name", max_length=300)),
        source.choice("kind", POWER_KINDS),
        fields.number("seconds"),
        tuple(fields.numbers_up_to("watts", MAX_SAMPLES)),
        tuple(source.numbers_up_to("idle_watts", MAX_SAMPLES)),
    )
