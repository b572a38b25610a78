"""Snippets of the manual, by the readers that will read them: TOML, JSON, Python, YAML."""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path

import pytest
import yaml

import edgeproof
from edgeproof.config.boards import all_boards, read_config
from edgeproof.config.check import read_check
from edgeproof.config.fleet import read_fleet
from edgeproof.errors import ProfileError
from edgeproof.verify.gate_text import parse_gates
from tests.docs.conftest import Document, documents

_TABLE = re.compile(r"^\[(?:boards|check|fleet|history)\b", re.MULTILINE)


def read_all(path: Path) -> None:
    """By everything that reads an edgeproof.toml."""
    read_config(path)
    all_boards(path)
    read_fleet(path)
    check = read_check(path)
    if check is not None:
        parse_gates(check.gates)


def tomls(document: Document) -> list[str]:
    fenced = list(document.blocks("toml"))
    return [*fenced, *(block for block in document.indented() if _TABLE.search(block))]


def test_toml_is_read(document: Document, tmp_path: Path) -> None:
    for number, text in enumerate(tomls(document)):
        path = tmp_path / str(number) / "edgeproof.toml"
        path.parent.mkdir()
        path.write_text(text)
        read_all(path)


@pytest.mark.parametrize(
    "text",
    [
        '[boards.pi]\nhots = "pi@10.0.0.1"',
        '[check]\nbundles = ["a"]\n[check.gates]\ntotal = "p94 < 80 ms"',
        "[fleet]\nforks = 0",
    ],
)
def test_wrong_toml_is_noticed(text: str, tmp_path: Path) -> None:
    path = tmp_path / "edgeproof.toml"
    path.write_text(text)
    with pytest.raises(edgeproof.UsageError):
        read_all(path)
    assert issubclass(ProfileError, edgeproof.UsageError)


def test_json_is_json(document: Document) -> None:
    for text in document.blocks("json"):
        json.loads(text)


def test_yaml_is_yaml(document: Document) -> None:
    for text in document.blocks("yaml"):
        if "--8<--" not in text:
            yaml.safe_load(text)


def pythons(document: Document) -> list[str]:
    return [*document.blocks("python"), *(block for block in document.indented() if block.startswith("import "))]


def test_python_calls_what_there_is_as_it_is_called(document: Document) -> None:
    for text in pythons(document):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = ast.unparse(node.func.value)
            if owner in ("edgeproof", "edgeproof.torch"):
                bind(getattr(importlib.import_module(owner), node.func.attr), node, skip_self=False)
            elif owner == "board" or owner.startswith("edgeproof.Board("):
                bind(getattr(edgeproof.Board, node.func.attr), node, skip_self=True)


def test_wrong_python_is_noticed() -> None:
    with pytest.raises(AttributeError):
        test_python_calls_what_there_is_as_it_is_called(Document("", "```python\nedgeproof.exprt(1)\n```\n"))
    with pytest.raises(TypeError):
        test_python_calls_what_there_is_as_it_is_called(Document("", "```python\nboard.push(bundel=1)\n```\n"))


def bind(target: object, call: ast.Call, skip_self: bool) -> None:
    assert callable(target)
    given = [None] * (len(call.args) + skip_self)
    inspect.signature(target).bind(*given, **{str(word.arg): None for word in call.keywords})


def test_there_are_snippets() -> None:
    pages = documents()
    assert sum(len(tomls(page)) for page in pages) >= 8
    assert sum(len(pythons(page)) for page in pages) >= 3
