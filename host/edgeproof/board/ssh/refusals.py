"""Why a server lets a user not in, as far as it tells, and what helps."""

from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.auth_strategy import AuthFailure

from edgeproof.board.ssh.login_keys import LoginKeys
from edgeproof.errors import AuthenticationError
from edgeproof.wording.printable import printable_line

_OLD_SIGNATURES = "Unable to agree on a pubkey algorithm"


@dataclass(frozen=True)
class Refusal:
    where: str
    """The server in words."""
    user: str
    host: str
    port: int
    keys: LoginKeys
    transport: paramiko.Transport | None

    def error(self, error: paramiko.AuthenticationException) -> AuthenticationError:
        refused = f"{self.where} does not let {self.user} in with the keys that were offered. "
        if self.keys.wanted_besides:
            besides = " and ".join(self.keys.wanted_besides)
            return AuthenticationError(
                f"{self.where} takes the key of {self.user} and wants {besides}, too. Run this on a terminal, where "
                f"you are asked for it; or let the key be enough: AuthenticationMethods publickey in the board's "
                "/etc/ssh/sshd_config"
            )
        if self.keys.asked_for_password:
            return AuthenticationError(
                f"{self.where} does not let {self.user} in with that password.{self._banner()} Is the user's name "
                f"right? {self._expired()}"
            )
        if self.keys.locked:
            path = self.keys.locked[0]
            return AuthenticationError(
                f"{refused}The key {path} is protected by a passphrase. Unlock it (ssh-add {path}), so that the SSH "
                "agent offers it, or run this on a terminal, where you are asked for the passphrase."
            )
        if self._wants_old_signatures(error):
            return AuthenticationError(
                f"{refused}It takes RSA keys with SHA-1 signatures (ssh-rsa) alone, which are broken, and which "
                f"the SSH library no longer makes. Use an ed25519 key: ssh-keygen -t ed25519, then {self._copy()}. Or "
                "allow PubkeyAcceptedAlgorithms +rsa-sha2-256 in the board's /etc/ssh/sshd_config; a Dropbear before "
                "2020.79 or an OpenSSH before 7.2 needs to be a newer one"
            )
        hardware = self.keys.hardware
        if hardware:
            return AuthenticationError(
                f"{refused}{_named(hardware)} is on a hardware token, which only the SSH agent can ask: "
                f"{self.keys.hardware_command}, and try again"
            )
        return AuthenticationError(
            f"{refused}{self._banner()}Put your public key on the board ({self._copy()}, or on a terminal edgeproof "
            "board add NAME HOST --copy-id), or name the right key: identity_file in edgeproof.toml, IdentityFile in "
            f"~/.ssh/config. {self._only_rsa()}{self._expired()}"
        )

    def _expired(self) -> str:
        """Servers do not tell; the user has to look."""
        return f"An account that has expired or is locked is refused so, too (on the board: sudo chage -l {self.user})"

    def _only_rsa(self) -> str:
        if not self.keys.offered or not all("rsa" in name for name in self.keys.offered):
            return ""
        return (
            "Only RSA keys were offered: a server that takes them by SHA-1 signatures (ssh-rsa) alone refuses them, "
            "and an ed25519 key helps (ssh-keygen -t ed25519). "
        )

    def _copy(self) -> str:
        return f"ssh-copy-id -p {self.port} {self.user}@{self.host}"

    def _banner(self) -> str:
        banner = self.transport.get_banner() if self.transport is not None else None
        text = printable_line(banner.decode("utf-8", errors="replace")) if banner else ""
        return f" It says: {text}. " if text else ""

    def _wants_old_signatures(self, error: paramiko.AuthenticationException) -> bool:
        results = error.result if isinstance(error, AuthFailure) else ()
        if any(_OLD_SIGNATURES in str(result.result) for result in results):
            return True
        # A server of that age does not even say which signatures it takes (RFC 8308).
        silent = self.transport is not None and b"server-sig-algs" not in _extensions(self.transport)
        return silent and bool(self.keys.offered) and all("rsa" in name for name in self.keys.offered)


def _extensions(transport: paramiko.Transport) -> set[bytes]:
    told = getattr(transport, "server_extensions", {})
    return {name.encode() if isinstance(name, str) else name for name in told}


def _named(paths: list[Path]) -> str:
    return f"The key {paths[0]}"
