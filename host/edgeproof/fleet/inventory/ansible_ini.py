"""Ansible's inventories in its own kind of INI: https://docs.ansible.com/ansible/latest/inventory_guide."""

import ast
import re
import shlex
from typing import Any

from edgeproof.errors import ProfileError
from edgeproof.fleet.inventory.ansible_hosts import AnsibleDraft, AnsibleHosts

_SECTION = re.compile(r"\[(?P<name>[^:\]\s]+)(?::(?P<kind>\w+))?\]\s*(?:[#;].*)?")
_PORT = re.compile(r"(?P<host>.+?):(?P<port>\d{1,5})")


def read_ini(text: str) -> AnsibleHosts:
    """Raises `ProfileError` with the line's number and half a sentence."""
    draft = AnsibleDraft()
    group, kind = "ungrouped", ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        try:
            section = _SECTION.fullmatch(line)
            if section is not None:
                group, kind = section["name"], section["kind"] or "hosts"
                if kind not in ("hosts", "vars", "children"):
                    raise ProfileError(f"[{group}:{kind}] is neither [{group}:vars] nor [{group}:children]")
                draft.group(group)
            elif kind == "vars":
                key, equals, value = line.partition("=")
                if not equals:
                    raise ProfileError(f"{line!r} is no NAME=VALUE")
                draft.group(group).variables[key.strip()] = _value(value.strip())
            elif kind == "children":
                child = line.partition("#")[0].strip()
                draft.group(group).children[child] = None
                draft.group(child)
            else:
                _add_host(draft, group, line)
        except ProfileError as error:
            raise ProfileError(f"line {number}: {error}") from error
    return draft.settled()


def _add_host(draft: AnsibleDraft, group: str, line: str) -> None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise ProfileError(f"{line!r} is not understood: {error}") from error
    variables: dict[str, Any] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise ProfileError(f"{word!r} is no NAME=VALUE")
        variables[key] = _value(value)
    name = words[0]
    port = _PORT.fullmatch(name)
    if port is not None and port["host"].count(":") == port["host"].count("["):  # what is in brackets is a range
        name = port["host"]
        variables.setdefault("ansible_port", int(port["port"]))
    draft.add(group, name, variables)


def _value(text: str) -> Any:
    """As Ansible has it: what Python would take for a literal is one, all else is text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
