"""Which keys are offered to a board, in OpenSSH's order: the agent's, key files, key files with a passphrase."""

import base64
import binascii
import getpass
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey, PrivateKey
from paramiko.pkey import UnknownKeyType

from edgeproof.board.ssh.certificates import with_certificates
from edgeproof.board.ssh.passwords import can_ask, log_in_with_password
from edgeproof.board.ssh.ssh_agent import open_agent
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AuthenticationError

DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
"""What `ssh` looks for in ~/.ssh when nothing names a key."""

_PASSPHRASE_TRIES = 3
_OPENSSH_KEY = b"openssh-key-v1\0"


class LoginKeys(AuthStrategy):
    """Offers what the profile, ~/.ssh/config (`options` of this host) and the SSH agent have; then, on a terminal, asks
    for a password where the server takes one.

    Raises `AuthenticationError` when the profile's own `identity_file` cannot be used at all.
    """

    def __init__(self, profile: BoardProfile, user: str, options: Mapping[str, Any], where: str = "") -> None:
        """`where` is the server as a question for a password names it."""
        super().__init__(ssh_config=options)  # type: ignore[arg-type]  # what fabric hands in, too
        self._user = user
        self._options = options
        self._where = where or f"{user}@{profile.host}"
        self._files = _key_files(profile, options)
        # Whoever names a key means that one, and a server lets nobody try for long.
        self._named_only = bool(profile.identity_file) or options.get("identitiesonly", "no") == "yes"
        self.locked: list[Path] = []
        """Keys that were not offered because nobody could be asked for their passphrase."""
        self.hardware: list[Path] = []
        """Keys that were not offered because only an agent can use them: what they need is on a token."""
        self.offered: list[str] = []
        """The kinds of the keys that were offered, like `ssh-ed25519`."""
        self.wanted_besides: list[str] = []
        """What the server wants beside a key that it has taken."""
        self.asked_for_password = False

    @property
    def hardware_command(self) -> str:
        """What gives the agent the keys of the token."""
        provider = self._options.get("pkcs11provider")
        return f"ssh-add -s {provider}" if provider else f"ssh-add {self.hardware[0]}"

    def get_sources(self) -> Iterator[AuthSource]:
        agent = open_agent(self._options)
        try:
            named = [blob for blob in map(_public_blob, self._files) if blob is not None]
            held = agent.get_keys() if agent else ()
            for key in sorted(held, key=lambda key: key.asbytes() not in named):
                if key.asbytes() in named or not self._named_only:
                    yield self._offer(key)
            in_agent = {key.asbytes() for key in held}
            yield from self._from_files([path for path in self._files if _public_blob(path) not in in_agent])
        finally:
            if agent:
                agent.close()

    def authenticate(self, transport: paramiko.Transport) -> Any:
        try:
            result = super().authenticate(transport)
        except paramiko.AuthenticationException:
            if not can_ask() or not self._let_in_by_password(transport, _methods(transport, self._user)):
                raise
            return []
        if transport.is_authenticated():
            return result
        taken: Any = result[-1].result
        besides = [str(method) for method in taken or ()]
        if can_ask() and self._let_in_by_password(transport, besides):
            return result
        self.wanted_besides = besides or ["more"]
        raise paramiko.AuthenticationException("the board wants more than a key")

    def _let_in_by_password(self, transport: paramiko.Transport, methods: list[str]) -> bool:
        if not {"password", "keyboard-interactive"} & set(methods) or not transport.is_active():
            return False
        self.asked_for_password = True
        return log_in_with_password(transport, self._user, self._where, methods)

    def _offer(self, key: paramiko.PKey) -> AuthSource:
        self.offered.append(key.get_name())
        return InMemoryPrivateKey(self._user, key)

    def _from_files(self, paths: list[Path]) -> Iterator[AuthSource]:
        locked = []
        for path in paths:
            try:
                key = _load(path)
            except paramiko.PasswordRequiredException:
                locked.append(path)
            except ValueError:
                if (_public_blob(path) or b"")[4:7] == b"sk-":
                    self.hardware.append(path)
                continue  # `ssh` passes over it, too
            else:
                for offer in with_certificates(key, path, self._options):
                    yield self._offer(offer)
        if "pkcs11provider" in self._options and not self.hardware:
            self.hardware.append(Path(str(self._options["pkcs11provider"])))
        for path in locked:
            if can_ask():
                yield _LockedKeyFile(self._user, path)
            else:
                self.locked.append(path)


class _LockedKeyFile(PrivateKey):
    """A key file whose passphrase is asked for at the moment when it is needed."""

    def __init__(self, user: str, path: Path) -> None:
        super().__init__(user)
        self._path = path

    def authenticate(self, transport: paramiko.Transport) -> list[str]:
        for _ in range(_PASSPHRASE_TRIES):
            passphrase = getpass.getpass(f"Passphrase of {self._path}: ").encode()
            try:
                self.pkey = _load(self._path, passphrase)
            except (paramiko.PasswordRequiredException, ValueError):
                continue
            allowed: list[str] = super().authenticate(transport)
            return allowed
        raise paramiko.AuthenticationException(f"no passphrase that opens {self._path}")


def _key_files(profile: BoardProfile, options: Mapping[str, Any]) -> list[Path]:
    if profile.identity_file:
        path = Path(profile.identity_file).expanduser()
        _check_named_key(profile, path)
        return [path]
    named = [Path(name).expanduser() for name in options.get("identityfile", [])]
    defaults = [Path("~/.ssh").expanduser() / name for name in DEFAULT_KEYS]
    return [path for path in named or defaults if path.is_file()]


def _check_named_key(profile: BoardProfile, path: Path) -> None:
    if not path.is_file():
        raise AuthenticationError(f"the key {path} of {profile.name} is not there; see identity_file in edgeproof.toml")
    try:
        _load(path)
    except paramiko.PasswordRequiredException:
        return
    except ValueError as error:
        if _public_blob(path) is None:  # the public half alone is enough for a key that the agent holds
            raise AuthenticationError(f"the key {path} of {profile.name} is not a private key: {error}") from error


def _load(path: Path, passphrase: bytes | None = None) -> paramiko.PKey:
    """Raises `PasswordRequiredException` for a key that stays locked, `ValueError` for what is no key that we know."""
    try:
        return paramiko.PKey.from_path(path, passphrase)  # type: ignore[arg-type]  # cryptography wants bytes
    except TypeError as error:  # so it says that a passphrase is missing
        raise paramiko.PasswordRequiredException(str(error)) from error
    except (OSError, UnknownKeyType, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    except paramiko.PasswordRequiredException:
        raise
    except paramiko.SSHException as error:
        raise ValueError(str(error)) from error


def _methods(transport: paramiko.Transport, user: str) -> list[str]:
    """By what else the server would let the user in."""
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except (paramiko.SSHException, EOFError):
        return []
    return []


def public_lines(profile: BoardProfile, options: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The public halves of the user's key files, in the order in which the keys are offered: file and its one line."""
    for path in _key_files(profile, options):
        for candidate in (path.with_name(f"{path.name}.pub"), path):
            blob = _public_blob(candidate)
            if blob is None:
                continue
            name = blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", errors="replace")
            yield candidate, f"{name} {base64.b64encode(blob).decode()}"
            break


def _public_blob(path: Path) -> bytes | None:
    """The public half of a key file, which is open even where a passphrase protects the rest."""
    for candidate in (path, path.with_name(f"{path.name}.pub")):
        try:
            data = candidate.read_bytes()
        except OSError:
            continue
        blob = _blob_of_openssh_key(data) or _blob_of_public_line(data)
        if blob is not None:
            return blob
    return None


def _blob_of_public_line(data: bytes) -> bytes | None:
    """`ssh-ed25519 AAAA... comment`: what is encoded starts with the type that stands before it."""
    words = data.split(maxsplit=2)
    try:
        blob = base64.b64decode(words[1], validate=True) if len(words) > 1 else b""
    except binascii.Error:
        return None
    return blob if words and blob[4 : 4 + len(words[0])] == words[0] else None


def _blob_of_openssh_key(data: bytes) -> bytes | None:
    """Of a private key in OpenSSH's format (PROTOCOL.key in its source): cipher, kdf, options, count, public key."""
    lines = data.split(b"\n")
    if not lines[0].startswith(b"-----BEGIN OPENSSH PRIVATE KEY"):
        return None
    try:
        body = base64.b64decode(b"".join(lines[1:]).partition(b"-----")[0])
    except binascii.Error:
        return None
    if not body.startswith(_OPENSSH_KEY):
        return None
    message = paramiko.Message(body[len(_OPENSSH_KEY) :])
    for _ in range(3):
        message.get_string()
    message.get_int()
    return message.get_string() or None
