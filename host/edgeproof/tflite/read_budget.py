"""Bounds what reading a .tflite may visit and copy, and turns whatever a broken one raises into one error.

In a flatbuffer many places can point at one table, so a small file can hold more items than anybody can visit.
"""

import contextlib
import time
from collections.abc import Iterator

from edgeproof.errors import EdgeproofError, ModelError

MAX_ITEMS = 2_000_000
"""Tables, items of lists and 16 bytes of copied text count one each. A detector of the Object Detection API takes about
10,000, and language models that fill the 2 GB that a .tflite may have less than 1,000,000: their weights are not
visited."""
MAX_SECONDS = 8.0
_BYTES_AN_ITEM = 16
_CHECKED_EVERY = 4096


class _UnreadableError(Exception):
    """Half a sentence whose subject is the file."""


class ReadBudget:
    """What is left of it for one reading of one file."""

    def __init__(self, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        self._items = MAX_ITEMS
        self._check_at = MAX_ITEMS
        self._until = time.monotonic() + MAX_SECONDS

    def spend_items(self, count: int) -> None:
        """`count` items are about to be visited."""
        self._items -= count
        if self._items < 0:
            raise _UnreadableError(f"it holds more than the {MAX_ITEMS} items that a model could have")
        if self._items < self._check_at:
            self._check_at = self._items - _CHECKED_EVERY
            if time.monotonic() > self._until:
                raise _UnreadableError(f"reading it takes longer than {MAX_SECONDS:g} s")

    def spend_bytes(self, count: int) -> None:
        """`count` bytes are about to be copied or looked at."""
        if count > self.file_bytes:
            raise _UnreadableError("a part of it is larger than the whole")
        self.spend_items(1 + count // _BYTES_AN_ITEM)

    def places(self, length: int) -> range:
        """The places of a list whose items are about to be visited."""
        self.spend_items(length)
        return range(length)

    def text(self, raw: bytes | None) -> str:
        """A text of the file; empty when there is none."""
        self.spend_bytes(len(raw or b""))
        return (raw or b"").decode()


@contextlib.contextmanager
def readable(name: str, what: str = "", remedy: str = "Copy or export it again.") -> Iterator[None]:
    """What is raised within becomes a ModelError: NAME: it is broken ..., or NAME: WHAT cannot be read: it is ..."""
    subject = f"{name}: {what} cannot be read: " if what else f"{name}: "
    try:
        yield
    except EdgeproofError:
        raise
    except _UnreadableError as error:
        raise ModelError(f"{subject}{error}. {remedy}") from error
    except Exception as error:  # flatbuffers, numpy and zipfile raise whatever broken bytes lead to
        raise ModelError(f"{subject}it is broken or cut short. {remedy}") from error
