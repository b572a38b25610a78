"""`python -m edgeproof_agent [RUNTIME [LEASE]]`: serves the detection operations on standard input and output."""

import gc
import sys
from pathlib import Path

from edgeproof_agent.store.usage_locks import hold
from edgeproof_agent.wire.answering import serve
from edgeproof_agent.wire.link import take_standard_streams

_COLLECTED_FROM = 50_000
"""New objects before Python looks for cycles, instead of 700: all that is imported stays."""


def main() -> int:
    """Exit status: 0 when the host has hung up, 3 when the stream broke, 4 when the runtime cannot be imported,
    7 when a model did not finish in time."""
    gc.set_threshold(_COLLECTED_FROM)
    link = take_standard_streams()
    for folder in (Path(__file__).parents[1], Path(sys.prefix).parent):  # the agent and the runtime in the store
        hold(folder)
    # numpy and the interpreter are imported only now, so that nothing they print gets into the stream.
    from edgeproof_agent.detection.interpreters import InterpreterError, import_runtime
    from edgeproof_agent.machine.allocator import keep_large_blocks
    from edgeproof_agent.machine.memory_limit import limit_memory
    from edgeproof_agent.serve.host_operations import DetectionOperations
    from edgeproof_agent.serve.run_limits import RunLimits
    from edgeproof_agent.serve.watchdog import Watchdog, kernel_alarm

    try:
        runtime = import_runtime(sys.argv[1] if len(sys.argv) > 1 else None)
    except InterpreterError as error:
        sys.stderr.write(f"edgeproof agent: {error}\n")
        return 4
    try:
        may_take_bytes = limit_memory()
        keep_large_blocks(may_take_bytes)
        limits = RunLimits(Watchdog(alarm=kernel_alarm), may_take_bytes)
        operations = DetectionOperations(runtime, limits, sys.argv[2] if len(sys.argv) > 2 else None)
        return serve(link, operations.table())
    except BrokenPipeError:
        return 3


if __name__ == "__main__":
    sys.exit(main())
