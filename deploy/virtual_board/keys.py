"""SSH keys of one virtual board: its own, which known_hosts pins, and the one that it lets in."""

from pathlib import Path

from deploy.virtual_board.cpio import cpio_archive
from deploy.virtual_board.overlay import AUTHORIZED_KEYS, HOST_KEY
from deploy.virtual_board.tools import run_tool

CLIENT_KEY, KNOWN_HOSTS = "client_key", "known_hosts"
# The initramfs has them here; its init puts them in place.
_BOARD_FOLDER = "board"
_KEYGEN_SECONDS = 60.0


def make_keys(folder: Path, port: int) -> bytes:
    """Writes a new client key and known_hosts into `folder`; returns the archive that gives the board its part."""
    for_board = folder / "initramfs" / _BOARD_FOLDER
    for_board.mkdir(parents=True)
    client, host = folder / CLIENT_KEY, for_board / Path(HOST_KEY).name
    for key in (client, host):
        run_tool(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], "making a key", _KEYGEN_SECONDS)
    (for_board / Path(AUTHORIZED_KEYS).name).write_bytes(client.with_name(f"{CLIENT_KEY}.pub").read_bytes())
    public = host.with_name(f"{host.name}.pub")
    (folder / KNOWN_HOSTS).write_text(f"[127.0.0.1]:{port} {public.read_text()}")
    return cpio_archive(folder / "initramfs")
