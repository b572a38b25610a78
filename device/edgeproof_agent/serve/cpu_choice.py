"""The CPUs that a model is to run on, by the host's choice: all that are ours, or the big ones among them."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeproof_agent.machine.cpu_share import big_cpus, read_cpu_share
from edgeproof_agent.wire.answering import RequestError

ALL, BIG = "all", "big"
CORES = (ALL, BIG)


class CpuChoice:
    """Of one agent. Threads that a runtime starts have the CPUs of the thread that has started them."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._share = read_cpu_share(root)

    def take(self, cores: str) -> dict[str, Any]:
        """Keeps this thread to these CPUs; returns our share and what was taken of it.

        Raises `RequestError` when big ones are wanted, and there are none that are known as such and ours.
        """
        allowed = self._share.allowed
        big = [cpu for cpu in big_cpus(self._root) if cpu in allowed]
        if cores == BIG and not big:
            raise RequestError(
                "request",
                "no CPU is known as a big one among those that the agent may use: they are alike, or the board does "
                "not tell; leave --cores out",
            )
        with contextlib.suppress(OSError):  # a CPU that has gone offline meanwhile
            os.sched_setaffinity(0, big if cores == BIG else allowed)
        now = read_cpu_share(self._root)
        return {
            "total": self._share.total,
            "allowed": len(allowed),
            "quota": self._share.quota,
            "big": len(big),
            "cores": cores,
            "usable": now.usable,
        }


def require_at_once(threads: int, cpus: Mapping[str, Any]) -> None:
    """Raises `RequestError` where the CPUs that `CpuChoice.take` took cannot run so many threads at once: they would
    wait for each other, and what is measured would be the waiting."""
    if threads <= cpus["usable"]:
        return
    share = f"of the board's {cpus['total']} CPUs the agent may use {cpus['allowed']}"
    if cpus["cores"] == BIG:
        share += f", of which {cpus['big']} are big"
    if cpus["quota"] is not None:
        share += f", and its control group leaves it the time of {cpus['quota']:g}"
    raise RequestError(
        "request", f"{threads} threads cannot run at once: {share}. Ask for --threads {cpus['usable']} or fewer"
    )
