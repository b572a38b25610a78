"""Which board: `user@host[:port]`, or a name from `edgeproof.toml`."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edgeproof.errors import ProfileError

CONFIG_FILE = "edgeproof.toml"
_TARGET = re.compile(
    r"(?:(?P<user>[^@\s]+)@)?(?:\[(?P<ipv6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^@:\s]+))(?::(?P<port>\d+))?"
)


class BoardProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A board as `[boards.NAME]` of edgeproof.toml describes it. Unset fields are left to ~/.ssh/config."""

    host: str
    """Host name, address, or alias of ~/.ssh/config; `user@host:port` is understood too."""
    user: str | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    identity_file: str | None = None
    """A private key to log in with; else the SSH agent's and ~/.ssh's keys are tried."""
    known_hosts: str | None = None
    """Where the board's host key is trusted; else ~/.ssh/known_hosts."""
    python: str = "python3"
    """Python 3.9+ on the board: a command or a path."""
    runtime: Literal["tflite-runtime", "ai-edge-litert"] | None = None
    """Runtime to use when the board has several: tflite-runtime or ai-edge-litert."""
    require_signature: str | tuple[str, ...] = ()
    """Whose signed bundles alone the board takes: `ssh-ed25519 AAAA...` or the path of a .pub file, one or more."""
    name: str = ""

    @property
    def target(self) -> str:
        """`user@host:port`, as far as the profile says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}{f':{self.port}' if self.port else ''}"


class _Config(msgspec.Struct, forbid_unknown_fields=True):
    boards: dict[str, dict[str, object]] = {}


def find_board(board: str, config: Path | None = None) -> BoardProfile:
    """The profile for `board`. Raises `ProfileError`.

    `config` names the file, else `EDGEPROOF_CONFIG` does, else it is looked for here and in the folders above.
    """
    path = config or find_config()
    boards = all_boards(path) if path else {}
    if board in boards:
        return boards[board]
    if "@" in board:
        return parse_target(board)
    known = (
        f"{path} knows {', '.join(boards) or 'none'}"
        if path
        else f"there is no {CONFIG_FILE} here or in a folder above"
    )
    raise ProfileError(
        f"no board is called {board!r}: {known}.\n"
        f"Give user@host[:port], or add it: edgeproof board add {shlex.quote(board)} user@host"
    )


def all_boards(path: Path) -> dict[str, BoardProfile]:
    """Every board of an edgeproof.toml by name, paths as they are meant from its folder. Raises `ProfileError`."""
    boards = {}
    for name, fields in read_config(path).boards.items():
        try:
            boards[name] = _with_target(msgspec.convert(fields, BoardProfile), name, path.parent)
        except (msgspec.ValidationError, ProfileError) as error:
            raise ProfileError(f"{path} is not right: [boards.{_key(name)}] {error}") from error
    return boards


def parse_target(target: str) -> BoardProfile:
    """`user@host[:port]`; an IPv6 address with a port stands in brackets."""
    user, host, port = _split(target)
    return BoardProfile(host=host, user=user, port=port, name=target)


def read_config(path: Path) -> _Config:
    """Reads edgeproof.toml. Raises `ProfileError` naming what is wrong."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Config)
    except OSError as error:
        raise ProfileError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ProfileError(f"{path} is not right: {error}") from error


def _key(name: str) -> str:
    """A board's name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _with_target(profile: BoardProfile, name: str, folder: Path) -> BoardProfile:
    user, host, port = _split(profile.host)

    def resolve(file: str | None) -> str | None:
        return str(folder / Path(file).expanduser()) if file else None

    signers = profile.require_signature
    if "" in ((signers,) if isinstance(signers, str) else signers):
        raise ProfileError("require_signature is empty: name a public key, or leave it out to take every bundle")
    return msgspec.structs.replace(
        profile,
        name=name,
        host=host,
        user=profile.user or user,
        port=profile.port or port,
        identity_file=resolve(profile.identity_file),
        known_hosts=resolve(profile.known_hosts),
        require_signature=tuple(
            key if key.startswith("ssh-") else str(resolve(key))
            for key in ((signers,) if isinstance(signers, str) else signers)
        ),
    )


def _split(target: str) -> tuple[str | None, str, int | None]:
    if target.count(":") > 1 and "[" not in target:
        user, _, address = target.rpartition("@")
        return user or None, address, None
    match = None if "://" in target else _TARGET.fullmatch(target)
    if match is None or (match["port"] and not 0 < int(match["port"]) < 65536):
        raise ProfileError(f"{target!r} is not a board: give user@host[:port], or user@[address]:port for IPv6")
    return match["user"], match["ipv6"] or match["host"], int(match["port"]) if match["port"] else None


def find_config() -> Path | None:
    """The edgeproof.toml that counts: EDGEPROOF_CONFIG's, else the one here or in the nearest folder above."""
    named = os.environ.get("EDGEPROOF_CONFIG")
    if named:
        return Path(named)
    here = Path.cwd()
    return next((folder / CONFIG_FILE for folder in (here, *here.parents) if (folder / CONFIG_FILE).is_file()), None)
