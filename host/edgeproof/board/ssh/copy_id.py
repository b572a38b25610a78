"""Puts the user's public key on a board, so that from then on nobody is asked for a password."""

from pathlib import Path

from edgeproof.board.link.deadline import Deadline
from edgeproof.board.ssh.login_keys import public_lines
from edgeproof.board.ssh.passwords import nobody_asked
from edgeproof.board.ssh.route import find_route
from edgeproof.board.ssh.transport import connect
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AuthenticationError, DeploymentError

_SECONDS = 20.0

# Where sshd and Dropbear look; OpenWrt's Dropbear reads root's keys elsewhere. A last line without an end gets one.
_SCRIPT = """
umask 077
if [ -f /etc/openwrt_release ] && [ "$(id -u)" = 0 ]; then f=/etc/dropbear/authorized_keys
else mkdir -p "$HOME/.ssh"; f="$HOME/.ssh/authorized_keys"; fi
read -r key
if grep -qxF "$key" "$f" 2>/dev/null; then echo there; exit 0; fi
if [ -s "$f" ] && [ -n "$(tail -c 1 "$f")" ]; then echo >>"$f"; fi
printf '%s\\n' "$key" >>"$f" && echo added
exit $?
"""


def copy_id(profile: BoardProfile) -> tuple[Path, bool]:
    """Which public key is on the board now, and whether it had to be put there; then logs in by it alone.

    Asks for a password on a terminal. Raises `AuthenticationError` without a key, or when the key does not let in then,
    and what `connect` raises.
    """
    path, line = _public_key(profile)
    with connect(profile) as transport:
        channel = transport.open(_SCRIPT)
        deadline = Deadline(_SECONDS, f"{profile.name} to take the key")
        channel.send(f"{line}\n".encode(), deadline)
        answer = b""
        while data := channel.receive(100, deadline):
            answer += data
        status = channel.wait(deadline)
        said = channel.error_output.tail()
    if answer.strip() not in (b"there", b"added"):
        raise DeploymentError(f"{profile.name} did not take the key: {status}{f' ({said})' if said else ''}")
    with nobody_asked():
        try:
            connect(profile).close()
        except AuthenticationError as error:
            raise AuthenticationError(
                f"{path} is in ~/.ssh/authorized_keys of {profile.name} now, and the board does not take it. Its home "
                "folder, ~/.ssh and that file must belong to the user and be writable by nobody else (on the board: "
                "chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys), and PubkeyAuthentication be on in its sshd_config"
            ) from error
    return path, answer.strip() == b"added"


def _public_key(profile: BoardProfile) -> tuple[Path, str]:
    board = find_route(profile)
    for path, line in public_lines(profile, board.options):
        return path, line
    raise AuthenticationError(
        "there is no key to put on the board: make one with ssh-keygen -t ed25519 (or name one: --identity-file)"
    )
