"""`python -c "... worker.main()" LIBRARY THREADS WARMUP_RUNS RUNS SECONDS`: profiles a model in a process of its own.

A library whose structures are other than this agent knows them can end the process that asks it; here it ends nothing
else. On standard input: what makes and proves a run (see `read_parts`). On standard output: one JSON object, either
`{"refused": why}` or what `profile` gives.
"""

import base64
import json
import os
import resource
import struct
import sys
import time
from typing import Any, BinaryIO

from edgeproof_agent.profiling.litert import (
    DELEGATE,
    DELEGATE_OPERATOR,
    OPERATOR,
    WHOLE,
    Event,
    LiteRtError,
    ProfiledModel,
)

PLACES = {OPERATOR: "runtime", DELEGATE: "delegate", DELEGATE_OPERATOR: "delegate"}
"""By an event's type, where an operator ran."""
_WHOLE_TAG = "Invoke"
_MAX_PART_BYTES = 1 << 31
# What the proof's model is given: as many float32 as it takes, which it gives back with one added.
_PROOF_VALUES = (-1.5, 0.0, 0.25, 3.0)


def read_parts(stream: BinaryIO, count: int) -> list[bytes]:
    """Byte strings, each after its length as 64 bits. Raises `ValueError` when they are not whole."""
    parts = []
    for _ in range(count):
        head = stream.read(8)
        if len(head) != 8:
            raise ValueError("the input ended early")
        (size,) = struct.unpack("<Q", head)
        part = stream.read(size) if size <= _MAX_PART_BYTES else b""
        if len(part) != size:
            raise ValueError("the input ended early")
        parts.append(part)
    return parts


def joined_parts(*parts: bytes) -> bytes:
    """What `read_parts` reads."""
    return b"".join(struct.pack("<Q", len(part)) + part for part in parts)


def prove(library: str, model: bytes) -> None:
    """Runs a model that adds one to its float32 input, and looks at what the profiler says of it.

    Raises `LiteRtError` when either is wrong: then nothing that this library says of another model counts.
    """
    profiled = ProfiledModel(library, model, threads=1)
    size = 4
    while True:  # the model's size is not told: 1, 2, 4 ... values fit it
        given = [_PROOF_VALUES[place % len(_PROOF_VALUES)] for place in range(size // 4)]
        try:
            profiled.set_input(struct.pack(f"<{len(given)}f", *given))
            break
        except LiteRtError:
            size *= 2
            if size > 1 << 16:
                raise
    profiled.run()
    start = time.monotonic_ns()
    profiled.start_profiler()
    profiled.run()
    events = profiled.stop_profiler()
    passed_us = (time.monotonic_ns() - start) / 1000
    made = struct.unpack(f"<{len(given)}f", profiled.outputs()[0])
    if list(made) != [value + 1 for value in given]:
        raise LiteRtError(f"x + 1 of {given} gave {list(made)}")
    operators = [event for event in events if event.type in PLACES]
    if not operators or _whole_us(events) > passed_us or sum(event.elapsed_us for event in operators) > passed_us:
        raise LiteRtError("its profiler's times do not fit into the time that passed")


def profile(
    library: str, model: bytes, given: bytes, threads: int, warmup_runs: int, runs: int, seconds: float
) -> dict[str, Any]:
    """Runs a model without and with its profiler in turns, for `seconds` at the most but once in any case.

    `operators` are [tag, place, where], in the order in which they ran; `us` what each took, and `invoke_us` what the
    whole took, by run; `plain_us` what a run took without profiling, by the clock. Raises `LiteRtError`.
    """
    profiled = ProfiledModel(library, model, threads)
    profiled.set_input(given)
    for _ in range(warmup_runs):
        profiled.run()
    operators: list[list[Any]] = []
    us, invoke_us, plain_us, profiled_us = [], [], [], []
    end = time.monotonic() + seconds
    for _ in range(runs):
        start = time.monotonic_ns()
        profiled.run()
        plain_us.append((time.monotonic_ns() - start) // 1000)
        profiled.start_profiler()
        start = time.monotonic_ns()
        profiled.run()
        profiled_us.append((time.monotonic_ns() - start) // 1000)
        events = profiled.stop_profiler()
        listed = [event for event in events if event.type in PLACES]
        seen = [[event.tag, event.place, PLACES[event.type]] for event in listed]
        if not seen or (operators and seen != operators):
            raise LiteRtError("its profiler told of other operators from one run to the next")
        operators = seen
        us.append([event.elapsed_us for event in listed])
        invoke_us.append(_whole_us(events))
        if time.monotonic() >= end:
            break
    outputs = [base64.b64encode(output).decode("ascii") for output in profiled.outputs()]
    return {
        "operators": operators,
        "us": us,
        "invoke_us": invoke_us,
        "plain_us": plain_us,
        "profiled_us": profiled_us,
        "outputs": outputs,
    }


def main() -> int:
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the library prints
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        library, threads, warmup_runs, runs, seconds = sys.argv[1:]
        proof, model, given = read_parts(sys.stdin.buffer, 3)
        prove(library, proof)
        found = profile(library, model, given, int(threads), int(warmup_runs), int(runs), float(seconds))
    except (LiteRtError, ValueError) as error:
        found = {"refused": str(error)}
    with answer:
        json.dump(found, answer)
    # Its destructors are not ours to try.
    os._exit(0)


def _whole_us(events: list[Event]) -> int:
    whole = [event.elapsed_us for event in events if event.type == WHOLE and event.tag == _WHOLE_TAG]
    if len(whole) != 1:
        raise LiteRtError(f"its profiler told of {len(whole)} runs where there was one")
    return whole[0]
