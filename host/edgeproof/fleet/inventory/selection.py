"""Which boards are meant: names, groups, tags, globs, files of names, and what is taken away from those."""

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from edgeproof.config.boards import BoardProfile, all_boards, find_board, parse_target
from edgeproof.errors import ProfileError, UsageError
from edgeproof.local_files.bounded_files import MIB, read_bounded, readable
from edgeproof.wording.counting import counted

if TYPE_CHECKING:
    from edgeproof.fleet.inventory.inventory import Inventory

_GLOB = "*?["
_MAX_BYTES = 16 * MIB
_MAX_DEPTH = 16
ALL = "all"


@dataclass(frozen=True)
class Chosen:
    boards: tuple[BoardProfile, ...]
    many: bool
    """Whether many were asked for, though it may be one that answers to it: a group, a tag, a glob."""


class Selection:
    """Boards by the words that people have for them, of `config` (an edgeproof.toml) and of `inventories` of Ansible.

    A word is the name of a board; `user@host[:port]`; the name of a group, or `group:NAME`; `tag:NAME`; `all`; a glob
    over names (`kitchen-*`); `ssh:GLOB` over the aliases of ~/.ssh/config; `@FILE`, a word a line; or several of them
    with commas between. Every method raises `ProfileError` for a word that means nothing.
    """

    def __init__(self, config: Path | None, inventories: Sequence[Path] = ()) -> None:
        self._config = config
        self._inventories = tuple(inventories)

    def choose(self, words: Sequence[str], limit: Sequence[str] = (), exclude: Sequence[str] = ()) -> Chosen:
        """Whom `words` mean, as far as `limit` means them, too, and `exclude` does not. None twice, in their order."""
        if not limit and not exclude and not self._inventories:
            named = [self._named(word) for word in words]
            if all(board is not None for board in named):
                return Chosen(tuple(board for board in named if board is not None), len(named) > 1)
        chosen = self._all_of(words)
        asked = len(chosen)
        if limit:
            kept = self._all_of(limit)
            chosen = {name: board for name, board in chosen.items() if name in kept}
        for name in self._all_of(exclude):
            chosen.pop(name, None)
        if not chosen:
            how = " and ".join(option for option, given in (("--limit", limit), ("--exclude", exclude)) if given)
            why = (
                f"{how} {'leave' if limit and exclude else 'leaves'} none of {counted(asked, 'board')}"
                if asked
                else f"{', '.join(words)} has no board"
            )
            raise UsageError(f"there is no board to work on: {why}")
        return Chosen(tuple(chosen.values()), many=True)

    @cached_property
    def _inventory(self) -> "Inventory":
        from edgeproof.fleet.inventory.inventory import read_inventory  # one board of edgeproof.toml does without

        return read_inventory(self._config, self._inventories)

    @cached_property
    def _own(self) -> dict[str, BoardProfile]:
        return {} if self._config is None else all_boards(self._config)

    def _named(self, word: str) -> BoardProfile | None:
        """A board that is named as such: it costs no look at an inventory."""
        if word in self._own:
            return self._own[word]
        return parse_target(word) if "@" in word[1:] and "," not in word and word[0] != "@" else None

    def _all_of(self, words: Sequence[str]) -> dict[str, BoardProfile]:
        return {board.name: board for word in words for board in self._meant(word, 0)}

    def _meant(self, word: str, depth: int) -> Iterator[BoardProfile]:
        if depth > _MAX_DEPTH:
            raise ProfileError(f"{word!r} leads round in a circle")
        boards = self._inventory.boards
        if word in boards:
            yield boards[word]
        elif "," in word:
            for part in filter(None, (part.strip() for part in word.split(","))):
                yield from self._meant(part, depth)
        elif word.startswith("@"):
            for line in _lines(Path(word[1:])):
                yield from self._meant(line, depth + 1)
        elif word == ALL:
            yield from boards.values()
        elif word in self._inventory.groups or word.startswith("group:"):
            yield from self._of_group(word, depth)
        elif word.startswith("tag:"):
            yield from self._matching(word, lambda board, tag: any(fnmatch.fnmatchcase(own, tag) for own in board.tags))
        elif word.startswith("ssh:"):
            yield from self._of_ssh(word)
        elif any(mark in word for mark in _GLOB) and "@" not in word:
            yield from self._matching(word, lambda board, glob: fnmatch.fnmatchcase(board.name, glob))
        elif "@" in word:
            yield parse_target(word)
        else:
            yield self._unknown(word)

    def _of_group(self, word: str, depth: int) -> Iterator[BoardProfile]:
        name = word.removeprefix("group:")
        if name not in self._inventory.groups:
            raise ProfileError(f"there is no group {name!r}. {self._there_are()}")
        for member in self._inventory.groups[name]:
            yield from self._meant(member, depth + 1)

    def _of_ssh(self, word: str) -> Iterator[BoardProfile]:
        from edgeproof.fleet.inventory.ssh_hosts import ssh_hosts  # SSH takes a while to load

        glob = word.removeprefix("ssh:")
        found = [board for board in ssh_hosts() if fnmatch.fnmatchcase(board.name, glob)]
        if not found:
            raise ProfileError(f"~/.ssh/config and what it includes have no Host like {glob!r}")
        yield from found

    def _matching(self, word: str, matches: Callable[[BoardProfile, str], bool]) -> Iterator[BoardProfile]:
        kind, colon, rest = word.partition(":")
        pattern = rest if colon and kind == "tag" else word
        found = [board for board in self._inventory.boards.values() if matches(board, pattern)]
        if not found:
            raise ProfileError(f"no board answers to {word!r}. {self._there_are()}")
        yield from found

    def _unknown(self, word: str) -> BoardProfile:
        try:
            return find_board(word, self._config)
        except ProfileError as error:
            raise ProfileError(f"{error}\n{self._there_are()}" if self._inventory.groups else str(error)) from None

    def _there_are(self) -> str:
        groups, tags = sorted(self._inventory.groups), self._inventory.tags
        return f"Groups: {', '.join(groups) or 'none'}. Tags: {', '.join(tags) or 'none'}."


def _lines(path: Path) -> Iterator[str]:
    with readable(path, ProfileError, "Name a file with a board a line, like the retry file of an earlier command."):
        text = read_bounded(path, _MAX_BYTES).decode()
    for line in text.splitlines():
        word = line.partition("#")[0].strip()
        if word:
            yield word
