"""The Python library's page: every public name, by mkdocstrings."""

import edgeproof
from edgeproof import errors

_FIRST = ("Board", "export", "inspect", "open_bundle", "read_report", "write_report")


def page() -> str:
    kinds = [name for name in edgeproof.__all__ if hasattr(errors, name)]
    others = [name for name in edgeproof.__all__ if name not in (*_FIRST, *kinds, "__version__")]
    lines = [
        "# Python library",
        "",
        "`import edgeproof` gives these names. The package is typed (`py.typed`), and a name is imported when it is used.",
        "",
        "```python",
        "import edgeproof",
        "",
        'edgeproof.export("model.pb", "bundles", ["int8"], images="photos", labels="labels.txt")',
        'with edgeproof.Board("pi") as board:',
        "    board.provision()",
        '    board.push("bundles/int8")',
        "    print(board.bench().latency)",
        "```",
        "",
    ]
    for title, names in (("Boards, models, reports", _FIRST), ("What they give and take", others), ("Errors", kinds)):
        lines += [f"## {title}", "", *[f"::: edgeproof.{name}\n" for name in names]]
    return "\n".join(lines)
