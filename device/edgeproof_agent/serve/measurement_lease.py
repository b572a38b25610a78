"""One measurement at a time on a board: under the lease of the host that asks for it, or one of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from edgeproof_agent.store.lease import Lease, LeaseTakenError
from edgeproof_agent.wire.answering import RequestError


class MeasurementLease:
    """`token` is that of the lease which the host has on this board, None when it has none."""

    def __init__(self, folder: Path, token: Optional[str] = None) -> None:
        """`folder` is the store's; where there is none, nobody else measures through it."""
        self._folder = folder
        self._token = token

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Raises `RequestError` while another process has it. A file system without locks lets everybody in."""
        lease = Lease(self._folder)
        try:
            lease.take()
        except LeaseTakenError as error:
            if self._token is None or lease.holder().get("token") != self._token:
                raise RequestError("busy", str(error)) from None
        try:
            yield
        finally:
            lease.release()
