"""`edgeproof` and `python -m edgeproof`: Ctrl-C is quiet from the first import to the last, and the end is quick."""

import atexit
import gc
import os
import signal
import sys
from typing import NoReturn

_INTERRUPTED = 130
_COLLECTED_FROM = 50_000
"""New objects, instead of Python's 700: a few megabytes."""
_READER_GONE = 141
"""As of a program that SIGPIPE has ended."""
_UNWRITTEN = 120
"""Python's own status for output that could not be written at the end."""


def main() -> NoReturn:
    """Runs the command line. Exit status 130 after Ctrl-C, also while the command's modules are being imported."""
    # What commands import is kept to the end: the collector would go through all of it again and again.
    gc.set_threshold(_COLLECTED_FROM)
    status: str | int | None = 0
    try:
        from edgeproof.cli.main import main as run

        run()
    except SystemExit as ended:
        status = ended.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one has nothing left to interrupt
        os.write(2, b"\nInterrupted.\n")
        status = _INTERRUPTED
    _leave(status if isinstance(status, int) else int(status is not None))


def _leave(status: int) -> NoReturn:
    """Ends the process without taking its modules apart, which costs a tenth of a second and serves nobody."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            status = status or _READER_GONE
        except (OSError, ValueError):  # the disk is full
            status = status or _UNWRITTEN
    os._exit(status)


if __name__ == "__main__":
    main()
