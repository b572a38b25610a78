"""What this machine is called where a board keeps which agents and runtimes its hosts need."""

import hashlib
import secrets
import socket
import sys

from edgeproof.local_files.cache_folder import cache_folder

_FILE = "host"
_MAX_CHARACTERS = 64


def this_host() -> str:
    """32 hexadecimal digits, the same at every call: of this machine, user and installation of edgeproof.

    An installation that is upgraded keeps its name, so that what its older version needed is dropped; two of them
    beside each other have two. Nothing of the machine can be read from it.
    """
    path = cache_folder() / _FILE
    try:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(16))
        with path.open(encoding="utf-8") as file:
            secret = file.read(_MAX_CHARACTERS)
    except (OSError, UnicodeError):  # no place for it: the host's name has to do
        secret = socket.gethostname()
    return hashlib.sha256(f"{secret} {sys.prefix}".encode()).hexdigest()[:32]
