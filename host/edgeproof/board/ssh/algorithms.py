"""What both sides of a connection can agree on; where that is nothing, which side has what, and what to change."""

from collections.abc import Mapping
from typing import Any

import paramiko

from edgeproof.wording.printable import printable_line

# Each by what paramiko calls the peer's list, its name in sshd_config, and what a board can add.
_KINDS = (
    ("kex_algo_list", "key exchange", "kex", "KexAlgorithms +curve25519-sha256,diffie-hellman-group14-sha256"),
    ("server_key_algo_list", "host keys", "key_types", ""),
    ("server_encrypt_algo_list", "ciphers", "ciphers", "Ciphers +aes128-ctr,aes256-gcm@openssh.com"),
    ("server_mac_algo_list", "MACs", "digests", "MACs +hmac-sha2-256"),
)
_NEW_HOST_KEY = (
    "Give the board a host key of today: sudo ssh-keygen -A makes those that are missing (Dropbear: dropbearkey -t "
    "ed25519 -f /etc/dropbear/dropbear_ed25519_host_key), then restart its SSH server. OpenSSH before 7.2 and Dropbear "
    "before 2020.79 sign by SHA-1 alone: install a newer one"
)


class NotingTransport(paramiko.Transport):
    """Keeps what the other side offers."""

    offered: Mapping[str, Any] | None = None

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> Any:
        parsed = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        self.offered = parsed
        return parsed


def make_transport(sock: Any, **kwargs: Any) -> NotingTransport:
    """AES-GCM first: paramiko lists it last though it is its cheapest cipher."""
    transport = NotingTransport(sock, **kwargs)
    options = transport.get_security_options()
    options.ciphers = tuple(sorted(options.ciphers, key=lambda cipher: "gcm" not in cipher))
    return transport


def nothing_in_common(transport: paramiko.Transport | None) -> str | None:
    """Of what the two sides have nothing in common, and what helps; None where that is not what went wrong."""
    offered = transport.offered if isinstance(transport, NotingTransport) else None
    if transport is None or offered is None:
        return None
    options = transport.get_security_options()
    told, remedies = [], []
    for key, name, ours, directive in _KINDS:
        theirs, known = offered[key], tuple(getattr(options, ours))
        if not set(theirs) & set(known):
            told.append(f"{name}: it offers {printable_line(', '.join(theirs))}; edgeproof takes {', '.join(known)}")
            remedies.append(
                f"Add to the board's /etc/ssh/sshd_config: {directive} (and restart its SSH server)"
                if directive
                else _NEW_HOST_KEY
            )
    if not told:
        return None
    return (
        "has no algorithms in common with edgeproof.\n"
        + "\n".join(told)
        + "\nOn this side nothing can be switched on: that is too weak for today, and the SSH library has it no more. "
        + ". ".join(remedies)
    )
