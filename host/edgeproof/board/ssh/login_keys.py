"""Which keys are offered to a board, in OpenSSH's order: the agent's, key files, key files with a passphrase."""

import base64
import binascii
import getpass
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.auth_strategy import AuthSource, AuthStrategy, InMemoryPrivateKey, PrivateKey, SourceResult
from paramiko.pkey import UnknownKeyType

from edgeproof.config.boards import BoardProfile
from edgeproof.errors import AuthenticationError

DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ed25519")
"""What `ssh` looks for in ~/.ssh when nothing names a key."""

_PASSPHRASE_TRIES = 3
_OPENSSH_KEY = b"openssh-key-v1\0"


class LoginKeys(AuthStrategy):
    """Offers what the profile, ~/.ssh/config (`options` of this host) and the SSH agent have.

    Raises `AuthenticationError` when the profile's own `identity_file` cannot be used at all.
    """

    def __init__(self, profile: BoardProfile, user: str, options: Mapping[str, Any]) -> None:
        super().__init__(ssh_config=options)  # type: ignore[arg-type]  # what fabric hands in, too
        self._user = user
        self._files = _key_files(profile, options)
        # Whoever names a key means that one, and a server lets nobody try for long.
        self._named_only = bool(profile.identity_file) or options.get("identitiesonly", "no") == "yes"
        self.locked: list[Path] = []
        """Keys that were not offered because nobody could be asked for their passphrase."""

    def get_sources(self) -> Iterator[AuthSource]:
        agent = _agent()
        try:
            named = [blob for blob in map(_public_blob, self._files) if blob is not None]
            held = agent.get_keys() if agent else ()
            for key in sorted(held, key=lambda key: key.asbytes() not in named):
                if key.asbytes() in named or not self._named_only:
                    yield InMemoryPrivateKey(self._user, key)
            in_agent = {key.asbytes() for key in held}
            yield from self._from_files([path for path in self._files if _public_blob(path) not in in_agent])
        finally:
            if agent:
                agent.close()

    def authenticate(self, transport: paramiko.Transport) -> list[SourceResult]:
        result = super().authenticate(transport)
        if not transport.is_authenticated():
            raise paramiko.AuthenticationException("the board wants more than a key")
        return result

    def _from_files(self, paths: list[Path]) -> Iterator[AuthSource]:
        locked = []
        for path in paths:
            try:
                key = _load(path)
            except paramiko.PasswordRequiredException:
                locked.append(path)
            except ValueError:
                continue  # `ssh` passes over it, too
            else:
                yield InMemoryPrivateKey(self._user, key)
        for path in locked:
            if sys.stdin.isatty():
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


def _agent() -> paramiko.Agent | None:
    try:
        return paramiko.Agent()
    except (paramiko.SSHException, OSError, EOFError):  # SSH_AUTH_SOCK names something else
        return None


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
