"""The page of messages: every error of the host's code, as it is written where it is raised."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from edgeproof import errors

_KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}


def page(root: Path) -> str:
    found = messages(root / "host" / "edgeproof")
    lines = [
        "# Messages",
        "",
        "What edgeproof says when something is wrong, by the kind of the error in the [Python library](library.md). The command",
        "line prints the message and ends with status 2; `--debug` adds the traceback. … stands for what is known only when it",
        "happens. Search this page for the part of a message that is always the same.",
        "",
    ]
    for name, kind in _KINDS.items():
        texts = sorted(found.get(name, ()), key=str.casefold)
        if texts:
            lines += [f"## {name}", "", kind.__doc__ or "", "", *[f"- {_shown(text)}" for text in texts], ""]
    return "\n".join(lines)


def messages(folder: Path) -> dict[str, set[str]]:
    """Name of an error's class to the texts that it is raised with."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = node.exc.func.id if isinstance(node.exc.func, ast.Name) else ""
                text = "".join(_parts(node.exc.args[0]))
                if name in _KINDS and sum(letter.isalpha() for letter in text) > 8:
                    found[name].add(" ".join(text.split()))
    return dict(found)


def _parts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield from _parts(value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _parts(node.left)
        yield from _parts(node.right)
    else:
        yield "…"


def _shown(text: str) -> str:
    for letter in "\\`*_[]<>":
        text = text.replace(letter, f"&#{ord(letter)};")
    return text
