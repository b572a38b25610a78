"""What is sampled of the board beside a bench: its state, and what it draws."""

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np

from edgeproof_agent.machine.board_sample import BoardSampler
from edgeproof_agent.machine.power import PowerSource, find_power_source
from edgeproof_agent.machine.sampler import Sampling, sampling


class BoardSampling:
    """Of one agent; the board's source of power readings is looked for once."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._source: Optional[PowerSource] = None
        self._looked = False
        self._sampling: Optional[Sampling] = None
        self._idle: list[float] = []

    def rest(self, seconds: float) -> None:
        """Reads what the board draws while nothing runs; takes no time where nothing tells it."""
        source = self._found()
        self._idle = []
        if source is None or seconds <= 0:
            return
        with sampling(None, source.read) as found:
            time.sleep(seconds)
        self._idle = found.to_json()["watts"]

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        source = self._found()
        with sampling(BoardSampler(self._root).sample, None if source is None else source.read) as found:
            yield
        self._sampling = found

    def payload(self) -> dict[str, np.ndarray]:
        """JSON as an array of bytes: more than a header may hold."""
        told: dict[str, Any] = {} if self._sampling is None else self._sampling.to_json()
        if self._source is not None:
            told["source"] = {"name": self._source.name, "kind": self._source.kind, "idle_watts": self._idle}
        return {"sampling": np.frombuffer(json.dumps(told).encode(), np.uint8)}

    def _found(self) -> Optional[PowerSource]:
        if not self._looked:
            self._source, self._looked = find_power_source(self._root), True
        return self._source
