"""The agent as it profiles a loaded bundle."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgeproof.board.agent.loading import SILENCE_MARGIN_SECONDS, LoadingAgent
from edgeproof.board.link.conversation import Reply, Request
from edgeproof.record.measured.profile import MAX_OPERATORS, ProfileSamples, RanOperator
from edgeproof.wording.printable import printable
from edgeproof_agent.detection.arrays import pack_arrays, unpack_arrays
from edgeproof_agent.profiling.operators import START_SECONDS
from edgeproof_agent.wire.answering import MAX_MESSAGE_CHARACTERS
from edgeproof_agent.wire.fields import FieldError, Fields

_MAX_TEXT = 4096
_MAX_US = 2**62
_COLUMNS = ("invoke_us", "plain_us", "profiled_us")


class ProfilingAgent(LoadingAgent):
    """Also profiles."""

    def profile(
        self, picture: bytes, proof: bytes, runs: int, warmup_runs: int, max_seconds: float
    ) -> ProfileSamples | str:
        """What each operator takes on an encoded picture, in at most `runs` runs and about `max_seconds`; or why that
        cannot be told.

        `proof` is the model of `prove`, which the profiler must get right first.
        """
        arrays = {"picture": np.frombuffer(picture, np.uint8), "proof": np.frombuffer(proof, np.uint8)}
        described, payload = pack_arrays(arrays)
        arguments = {"runs": runs, "warmup_runs": warmup_runs, "max_seconds": max_seconds, "arrays": described}
        longest = self._silence_seconds + max_seconds + START_SECONDS + SILENCE_MARGIN_SECONDS
        reply = self._conversation.request(Request("profile", arguments, payload), longest)
        with self._conversation.reading():
            if "unavailable" in reply.fields:
                return printable(reply.fields.text("unavailable", max_length=MAX_MESSAGE_CHARACTERS))
            return _samples(reply, runs)


def _samples(reply: Reply, runs: int) -> ProfileSamples:
    """Raises `FieldError` for what is no profile of at most so many runs."""
    operators = tuple(_ran(item) for item in reply.fields.objects("operators", MAX_OPERATORS))
    arrays = unpack_arrays(reply.fields, reply.payload)
    us = _times(arrays, "us", 2)
    if us.shape[1] != len(operators) or not 1 <= len(us) <= runs or not operators:
        raise FieldError(f"{len(operators)} operators and times of the shape {list(us.shape)} do not go together")
    columns = {name: _times(arrays, name, 1) for name in _COLUMNS}
    if any(len(column) != len(us) for column in columns.values()):
        raise FieldError("the profiled runs differ in number")
    return ProfileSamples(operators, us, threads=reply.fields.integer("threads", low=1, high=4096), **columns)


def _ran(fields: Fields) -> RanOperator:
    def text(name: str) -> str:
        return printable(fields.text(name, max_length=_MAX_TEXT))

    named = "layer" in fields
    return RanOperator(
        text("kernel"), fields.flag("delegated"), text("operator") if named else None, text("layer") if named else None
    )


def _times(arrays: dict[str, npt.NDArray[Any]], name: str, dimensions: int) -> npt.NDArray[np.int64]:
    array = arrays.get(name)
    if array is None or array.dtype != np.int64 or array.ndim != dimensions:
        raise FieldError(f"the array {name!r} is missing")
    # What is added up must not overflow.
    if array.size and (array.min() < 0 or array.max() > _MAX_US // array.size):
        raise FieldError(f"the array {name!r} holds what is no time")
    return array
