"""Names of hosts and users that may be looked up: they become parts of commands in the user's ssh_config."""

import re

from edgeproof.errors import ProfileError

_MAX_CHARACTERS = 255
# OpenSSH refuses what a shell could take for more than a name (ssh.c, valid_hostname and valid_ruser). This is the same
# the other way round: what may be in a name. Letters of every alphabet are, for names that DNS writes in punycode.
_HOST = re.compile(r"(?![-+])[\w.+-]+")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(?:%\w[\w.-]*)?")
_USER = re.compile(r"(?![-+])(?:[\w.@+-]|\\(?=\w))+")


def require_host(host: str) -> str:
    """The host as it is. Raises `ProfileError` for what is no name, no address and no alias of an ssh_config."""
    pattern = _IPV6 if ":" in host else _HOST
    if len(host) > _MAX_CHARACTERS or not pattern.fullmatch(host):
        raise ProfileError(
            f"{host!r} is not the name of a host: it is made of letters, digits, dots, dashes and underscores, or is "
            "an IPv6 address, and does not begin with a dash"
        )
    return host


def require_user(user: str) -> str:
    """The user as it is. Raises `ProfileError` for what a shell could take for more than a name."""
    if len(user) > _MAX_CHARACTERS or not _USER.fullmatch(user):
        raise ProfileError(
            f"{user!r} is not the name of a user: it is made of letters, digits and . _ + @ -, and does not begin "
            "with a dash"
        )
    return user
