"""Ansible's inventories in YAML, and what `ansible-inventory --list` prints."""

import json
from collections.abc import Mapping
from typing import Any

from edgeproof.errors import ProfileError, UsageError
from edgeproof.fleet.inventory.ansible_hosts import AnsibleDraft, AnsibleHosts, NotUnderstoodError

_KEYS = ("hosts", "vars", "children")


def read_yaml(data: bytes) -> AnsibleHosts:
    """Groups with `hosts`, `vars` and `children`. Raises `ProfileError` with half a sentence."""
    document = _load(data)
    if document is None:
        return AnsibleDraft().settled()
    if not isinstance(document, dict):
        raise ProfileError("it is no table of groups")
    if "plugin" in document:
        raise NotUnderstoodError("it is for a plugin of Ansible")
    draft = AnsibleDraft()
    for name, content in document.items():
        _add_group(draft, str(name), content)
    return draft.settled()


def read_listed(text: str) -> AnsibleHosts:
    """The JSON of `ansible-inventory --list`, where Ansible has worked the variables out."""
    document = json.loads(text)
    variables = document.get("_meta", {}).get("hostvars", {})
    draft = AnsibleDraft()
    for name, content in document.items():
        if name == "_meta":
            continue
        group = draft.group(name)
        for host in content.get("hosts", []):
            group.hosts[host] = None
            draft.own.setdefault(host, {}).update(variables.get(host, {}))
        for child in content.get("children", []):
            group.children[child] = None
            draft.group(child)
    return draft.settled()


def _add_group(draft: AnsibleDraft, name: str, content: Any) -> None:
    group = draft.group(name)
    if content is None:
        return
    if not isinstance(content, dict):
        raise ProfileError(f"the group {name} is no table of {', '.join(_KEYS)}")
    for key, value in content.items():
        if key not in _KEYS:
            raise ProfileError(f"the group {name} has {key!r}, and a group has {', '.join(_KEYS)}")
        if value is not None and not isinstance(value, dict):
            raise ProfileError(f"{key} of the group {name} is no table")
    for host, variables in (content.get("hosts") or {}).items():
        if variables is not None and not isinstance(variables, dict):
            raise ProfileError(f"the variables of {host} are no table")
        draft.add(name, str(host), _texts(variables or {}))
    group.variables.update(_texts(content.get("vars") or {}))
    for child, below in (content.get("children") or {}).items():
        group.children[str(child)] = None
        _add_group(draft, str(child), below)


def _texts(variables: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in variables.items()}


def _load(data: bytes) -> Any:
    try:
        import yaml
    except ImportError:
        raise UsageError("it is YAML, which needs PyYAML: pip install 'edgeproof[fleet]'") from None

    class Loader(yaml.SafeLoader):
        """`!vault` and `!unsafe` are Ansible's own."""

    def vault(_loader: yaml.SafeLoader, _node: yaml.Node) -> Any:
        raise NotUnderstoodError("it holds secrets of ansible-vault")

    def unsafe(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None

    Loader.add_constructor("!vault", vault)
    Loader.add_constructor("!unsafe", unsafe)
    return yaml.load(data, Loader=Loader)
