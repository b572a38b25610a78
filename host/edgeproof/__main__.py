"""`edgeproof` and `python -m edgeproof`: Ctrl-C is quiet from the first import to the last."""

import os
import signal
import sys


def main() -> None:
    """Runs the command line. Exit status 130 after Ctrl-C, also while the command's modules are being imported."""
    try:
        from edgeproof.cli.main import main as run

        run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second one has nothing left to interrupt
        os.write(2, b"\nInterrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
