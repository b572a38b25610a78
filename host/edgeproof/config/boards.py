"""Which board: `user@host[:port]`, or a name from `edgeproof.toml`."""

import difflib
import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from edgeproof.config.host_names import require_host, require_user
from edgeproof.config.trust import require_trusted
from edgeproof.errors import ProfileError
from edgeproof.local_files.bounded_files import read_bounded, readable

CONFIG_FILE = "edgeproof.toml"
_MAX_CONFIG_BYTES = 1 << 20
_PYTHON = re.compile(r"[^-\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*")
_STORE = re.compile(r"(?:~|/)(?:[^\x00-\x1f\x7f]*)")
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
    store: str = "~"
    """The folder on the board in which edgeproof keeps its own, `.edgeproof`; a path from the root or from `~`."""
    runtime: Literal["tflite-runtime", "ai-edge-litert"] | None = None
    """Runtime to use when the board has several: tflite-runtime or ai-edge-litert."""
    require_signature: str | tuple[str, ...] = ()
    """Whose signed bundles alone the board takes: `ssh-ed25519 AAAA...` or the path of a .pub file, one or more."""
    groups: tuple[str, ...] = ()
    """Groups that the board is in, for commands on many."""
    tags: tuple[str, ...] = ()
    """What is true of the board, for commands on many: `tag:NAME` means all that have it."""
    name: str = ""

    @property
    def target(self) -> str:
        """`user@host:port`, as far as the profile says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        return f"{user}{host}{f':{self.port}' if self.port else ''}"


_MEANINGS = {
    "host": "a text: a host's name or address",
    "user": "a text: who logs in",
    "port": "a whole number from 1 to 65535",
    "identity_file": "a text: the path of a private key",
    "known_hosts": "a text: the path of a file",
    "python": "a text: a command or a path on the board",
    "store": "a text: a folder on the board, /path or ~/path",
    "runtime": "tflite-runtime or ai-edge-litert",
    "require_signature": "a public key or the path of a .pub file, or a list of them",
    "groups": "a list of groups' names",
    "tags": "a list of tags",
}
"""The keys of `[boards.NAME]`, and what each takes."""


@dataclass(frozen=True)
class _Config:
    boards: Mapping[str, dict[str, object]]
    check: Mapping[str, object] | None = None
    """`[check]` as it stands there."""
    history: Mapping[str, object] | None = None
    """`[history]` as it stands there."""
    fleet: Mapping[str, object] | None = None
    """`[fleet]` as it stands there."""


def _in_words(validation: str) -> str:
    """msgspec's message without its words for types."""
    key = re.search(r"at `\$\.(\w+)", validation)
    if key is not None and key[1] in _MEANINGS:
        return f"{key[1]} must be {_MEANINGS[key[1]]}"
    missing = re.search(r"missing required field `(\w+)`", validation)
    return f"has no {missing[1]}: give {_MEANINGS[missing[1]]}" if missing else validation


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
            boards[name] = board_of(fields, name, path.parent)
        except ProfileError as error:
            raise ProfileError(f"{path} is not right: [boards.{_key(name)}] {error}") from error
    return boards


def board_of(fields: Mapping[str, object], name: str, folder: Path) -> BoardProfile:
    """A board from what any source of boards says of it; paths are meant from `folder`.

    Every name of a host and of a user passes here ahead of use. Raises `ProfileError` with half a sentence.
    """
    try:
        return _with_target(msgspec.convert(fields, BoardProfile), name, folder)
    except msgspec.ValidationError as error:
        raise ProfileError(_in_words(str(error))) from error


def parse_target(target: str) -> BoardProfile:
    """`user@host[:port]`; an IPv6 address with a port stands in brackets."""
    user, host, port = _split(target)
    return BoardProfile(host=host, user=user, port=port, name=target)


def read_config(path: Path) -> _Config:
    """Reads edgeproof.toml. Raises `ProfileError` naming what is wrong."""
    data = _toml(path)
    require_known(path, "", data, ("boards", "check", "fleet", "history"))
    boards = data.get("boards", {})
    if not isinstance(boards, dict) or not all(isinstance(fields, dict) for fields in boards.values()):
        raise ProfileError(f"{path} is not right: each board is a table of its own, [boards.NAME]")
    for name, fields in boards.items():
        require_known(path, f"[boards.{_key(name)}] ", fields, tuple(_MEANINGS))
    check = data.get("check")
    if check is not None and not isinstance(check, dict):
        raise ProfileError(f"{path} is not right: check is a table, [check]")
    history = data.get("history")
    if history is not None and not isinstance(history, dict):
        raise ProfileError(f"{path} is not right: history is a table, [history]")
    fleet = data.get("fleet")
    if fleet is not None and not isinstance(fleet, dict):
        raise ProfileError(f"{path} is not right: fleet is a table, [fleet]")
    return _Config(boards, check, history, fleet)


def _toml(path: Path) -> dict[str, Any]:
    with readable(path, ProfileError):
        found = msgspec.toml.decode(read_bounded(path, _MAX_CONFIG_BYTES))
    assert isinstance(found, dict)
    return found


def require_known(path: Path, where: str, fields: Mapping[str, object], known: tuple[str, ...]) -> None:
    """Raises `ProfileError` for a key that is none of the known ones, with its line and the nearest of them."""
    for key in fields:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise ProfileError(
                f"{path} is not right{line_of(path, key)}: {where}there is no {key!r}.{meant} "
                f"There {'is' if len(known) == 1 else 'are'}: {', '.join(known)}"
            )


def line_of(path: Path, key: str) -> str:
    """Where a key stands first, as far as a look at the lines can tell."""
    pattern = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[\].=]")
    for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), start=1):
        if pattern.match(line):
            return f", line {number}"
    return ""


def _key(name: str) -> str:
    """A board's name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _with_target(profile: BoardProfile, name: str, folder: Path) -> BoardProfile:
    user, host, port = _split(profile.host)
    if profile.user is not None:
        require_user(profile.user)
    if not _PYTHON.fullmatch(profile.python):
        raise ProfileError(f"python must be {_MEANINGS['python']}, not {profile.python!r}")
    if not _STORE.fullmatch(profile.store):
        raise ProfileError(f"store must be {_MEANINGS['store']}, not {profile.store!r}")

    def resolve(file: str | None) -> str | None:
        try:
            return str(folder / Path(file).expanduser()) if file else None
        except RuntimeError:
            raise ProfileError(f"{file!r} begins with the home folder of a user that there is not") from None

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
        user, _, host = target.rpartition("@")
        port = None
    else:
        match = None if "://" in target else _TARGET.fullmatch(target)
        if match is None or (match["port"] and not 0 < int(match["port"]) < 65536):
            raise ProfileError(f"{target!r} is not a board: give user@host[:port], or user@[address]:port for IPv6")
        user, host, port = match["user"] or "", match["ipv6"] or match["host"], match["port"]
    return require_user(user) if user else None, require_host(host), int(port) if port else None


def find_config() -> Path | None:
    """The edgeproof.toml that counts: EDGEPROOF_CONFIG's, else the one here or in the nearest folder above.

    Raises `ProfileError` when the one that was found is not the user's own: see `require_trusted`.
    """
    named = os.environ.get("EDGEPROOF_CONFIG")
    if named:
        return Path(named)
    here = Path.cwd()
    places = (folder / CONFIG_FILE for folder in (here, *here.parents))
    found = next((path for path in places if path.is_file()), None)
    if found is not None:
        require_trusted(found)
    return found
