"""What every form of an Ansible inventory comes to: hosts with their variables, and groups of hosts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgeproof.errors import ProfileError

_MAX_HOSTS = 100_000
_RANGE = re.compile(r"\[(?P<first>\w+):(?P<last>\w+)(?::(?P<step>\d+))?\]")


class NotUnderstoodError(ProfileError):
    """An inventory that only Ansible itself can read: templates, secrets, plugins, files of variables."""


@dataclass(frozen=True)
class AnsibleHosts:
    """`variables` of a host are all that hold for it, those of its groups among them."""

    variables: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Sequence[str]]
    """Every group to all of its hosts, those of its children among them."""


@dataclass
class AnsibleGroup:
    hosts: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)


@dataclass
class AnsibleDraft:
    """An inventory as it is read, ahead of working out who inherits what."""

    groups: dict[str, AnsibleGroup] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Host to the variables that are its own."""

    def group(self, name: str) -> AnsibleGroup:
        return self.groups.setdefault(name, AnsibleGroup())

    def add(self, group: str, pattern: str, variables: Mapping[str, Any]) -> None:
        """Adds every host that `pattern` (`kitchen[01:20]`) stands for."""
        for host in expand(pattern):
            self.group(group).hosts[host] = None
            self.own.setdefault(host, {}).update(variables)
            if len(self.own) > _MAX_HOSTS:
                raise ProfileError(f"it has more than {_MAX_HOSTS} hosts")

    def settled(self) -> AnsibleHosts:
        """Variables of a parent yield to those of its children, all groups' to the host's own; of groups as deep as
        each other the last by the alphabet holds, unless `ansible_group_priority` says otherwise."""
        depths = self._depths()
        members = {name: dict.fromkeys(self._members(name, set())) for name in self.groups}
        order = sorted(
            (name for name in self.groups if name != "all"),
            key=lambda name: (depths[name], _priority(self.groups[name], name), name),
        )
        variables: dict[str, dict[str, Any]] = {
            host: dict(self.groups["all"].variables) if "all" in self.groups else {} for host in self.own
        }
        for name in order:
            for host in members[name]:
                variables[host].update(self.groups[name].variables)
        for host, own in self.own.items():
            variables[host].update(own)
        groups = {name: tuple(hosts) for name, hosts in members.items() if name != "all"}
        return AnsibleHosts(variables, {**groups, "all": tuple(self.own)})

    def _depths(self) -> dict[str, int]:
        """How many groups are above each, by the longest way."""
        depths = dict.fromkeys(self.groups, 1)
        for _ in range(len(self.groups) + 1):
            deeper = {
                child: depths[name] + 1
                for name, group in self.groups.items()
                for child in group.children
                if name != "all" and depths[child] <= depths[name]
            }
            if not deeper:
                return depths
            depths.update(deeper)
        raise ProfileError("its groups are children of each other")

    def _members(self, name: str, seen: set[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        yield from self.groups[name].hosts
        for child in self.groups[name].children:
            yield from self._members(child, seen)


def _priority(group: AnsibleGroup, name: str) -> int:
    value = group.variables.get("ansible_group_priority", 1)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ProfileError(f"ansible_group_priority of {name} is no whole number: {value!r}") from None


def expand(pattern: str) -> list[str]:
    """`kitchen[01:20]`, `[a:f]` and `[1:9:2]` as Ansible has them: both ends are meant."""
    match = _RANGE.search(pattern)
    if match is None:
        if "[" in pattern and not pattern.startswith("["):
            raise ProfileError(f"{pattern!r} is no range: kitchen[01:20], kitchen[a:f] or kitchen[1:9:2]")
        return [pattern]
    head, tail = pattern[: match.start()], expand(pattern[match.end() :])
    middles = list(_middles(match))
    if len(middles) * len(tail) > _MAX_HOSTS:
        raise ProfileError(f"{pattern!r} stands for more than {_MAX_HOSTS} hosts")
    return [f"{head}{middle}{rest}" for middle in middles for rest in tail]


def _middles(match: "re.Match[str]") -> Iterator[str]:
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if first.isdecimal() and last.isdecimal() and step and int(first) <= int(last):
        if (int(last) - int(first)) // step > _MAX_HOSTS:
            raise ProfileError(f"{match[0]!r} stands for more than {_MAX_HOSTS} hosts")
        width = len(first) if first.startswith("0") else 0
        yield from (str(number).zfill(width) for number in range(int(first), int(last) + 1, step))
    elif len(first) == len(last) == 1 and first.isascii() and step and first.isalpha() and first <= last:
        yield from (chr(code) for code in range(ord(first), ord(last) + 1, step))
    else:
        raise ProfileError(f"{match[0]!r} is no range: [01:20], [a:f] or [1:9:2]")
