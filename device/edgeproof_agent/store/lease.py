"""One measurement at a time on a board: who has it, for what and until when. Two would disturb each other."""

import contextlib
import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any, Optional

_FILE = "measuring.lock"
_MAX_BYTES = 4096
_MAX_CHARACTERS = 200


class LeaseTakenError(Exception):
    """Somebody else has the board; the message says who and why, as far as that is known."""


class Lease:
    """A lock on a file of the board's store, which the kernel frees however the process ends. Into the file its holder
    writes who he is."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the store's; where there is none, nobody else measures through it."""
        self._path = folder / _FILE
        self._descriptor: Optional[int] = None

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def take(self, owner: str = "", purpose: str = "", seconds: float = 0.0) -> str:
        """Returns a token: whose process has it works under this lease. `seconds` is how long it is expected to take.
        Without an `owner` nobody is told who has it.

        Raises `LeaseTakenError`. A file system without locks lets everybody in.
        """
        token = secrets.token_hex(16)
        try:
            descriptor = os.open(str(self._path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return token
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise LeaseTakenError(taken_words(self.holder(), time.time())) from None
        except OSError:
            os.close(descriptor)
            return token
        self._descriptor = descriptor
        told = {
            "owner": owner[:_MAX_CHARACTERS],
            "purpose": purpose[:_MAX_CHARACTERS],
            "until": time.time() + seconds,
            "token": token,
        }
        with contextlib.suppress(OSError):  # a full disk: who has it is not known then
            os.ftruncate(descriptor, 0)
            if owner:
                os.pwrite(descriptor, json.dumps(told).encode(), 0)
        return token

    def release(self) -> None:
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None

    def holder(self) -> dict[str, Any]:
        """What the file says of who has it; empty when it says nothing that can be understood."""
        try:
            with open(str(self._path), "rb") as file:
                told = json.loads(file.read(_MAX_BYTES).decode())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}


def taken_words(holder: dict[str, Any], now: float) -> str:
    """Why it cannot be had: `anna@lab measures on this board (check), for about 5 minutes more`."""
    owner, purpose, until = holder.get("owner"), holder.get("purpose"), holder.get("until")
    if not isinstance(owner, str) or not isinstance(purpose, str) or not isinstance(until, (int, float)):
        return "another measurement is under way on this board, and two disturb each other: wait for its end"
    left = until - now
    when = f"for about {max(1, round(left / 60))} min more" if left > 0 else "for longer than was expected"
    return f"{owner} measures on this board ({purpose}), {when}, and two disturb each other: wait for its end"
