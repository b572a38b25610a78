"""`python -m edgeproof_agent.service STORE APP`: looks at the source of an app's service until it is stopped."""

import fcntl
import os
import sys
from pathlib import Path
from typing import Optional

from edgeproof_agent.service.stopping import stop_by_signal
from edgeproof_agent.store.objects import Store, StoreError
from edgeproof_agent.store.services.description import read_description, service_folder
from edgeproof_agent.store.services.places import LOCK
from edgeproof_agent.store.services.units import UNFIT_STATUS

USAGE_STATUS = 2
RUNNING_STATUS = 3


def main(arguments: Optional[list[str]] = None) -> int:
    """Exit status: 0 when it was stopped or is to start again with another bundle, 1 when the bundle failed, 2 for
    arguments that are none, 3 while another process runs it, 78 when what it is to run is not well described."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 2:
        sys.stderr.write("edgeproof service: give the store's folder and the app\n")
        return USAGE_STATUS
    store, app = Store(Path(words[0])), words[1]
    try:
        description = read_description(store, app)
        lock = _alone(service_folder(store, app))
    except StoreError as error:
        sys.stderr.write(f"edgeproof service: {error}\n")
        return RUNNING_STATUS if error.kind == "busy" else UNFIT_STATUS
    stop_by_signal()
    # numpy and the interpreter are imported only now.
    from edgeproof_agent.service.running import run

    try:
        return run(store, description)
    finally:
        os.close(lock)


def _alone(folder: Path) -> int:
    """A lock that the kernel frees however this process ends. Raises `StoreError` while another one has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreError("busy", "another process runs this service") from None
    except OSError:  # a file system without locks lets everybody in
        pass
    return descriptor


if __name__ == "__main__":
    sys.exit(main())
