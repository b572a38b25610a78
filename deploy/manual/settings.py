"""edgeproof.toml's page, out of the structures that read it."""

import ast
import inspect
import json
import textwrap

import msgspec

from edgeproof.config import boards, check, fleet
from edgeproof.config.boards import BoardProfile
from edgeproof.config.check import CheckConfig
from edgeproof.config.export import EXPORT_MEANINGS, ExportConfig
from edgeproof.config.fleet import FleetConfig

_TABLES = (
    ("[boards.NAME]", "A board. Only `host` is needed.", BoardProfile, boards._MEANINGS),
    ("[check]", "What `edgeproof check` measures.", CheckConfig, check._MEANINGS),
    (
        "[check.export]",
        "How the model of `[check]` is exported, by the names of the options of `edgeproof export`.",
        ExportConfig,
        EXPORT_MEANINGS,
    ),
    ("[fleet]", "Groups of boards, and inventories.", FleetConfig, fleet._MEANINGS),
)


def page() -> str:
    lines = [
        "# edgeproof.toml",
        "",
        "This page is made out of the structures that read the file. Its gates have [a page of their own](gates.md).",
        "",
        "`EDGEPROOF_CONFIG` names the file. Without it the `edgeproof.toml` of the current folder counts, else that of the",
        "nearest folder above. A file that belongs to another user, or that others can write, does not count unless",
        "`EDGEPROOF_CONFIG` names it. Paths start at the file's own folder. A key that there is not is an error, which names",
        "the nearest one that there is and its line.",
        "",
    ]
    for title, about, struct, meanings in _TABLES:
        said = docstrings_of_fields(struct)
        lines += [f"## {title}", "", about, "", "| key | takes | without it | |", "|---|---|---|---|"]
        defaults = {item.encode_name: item for item in msgspec.structs.fields(struct)}
        lines += [
            f"| `{key}` | {meaning} | {_default(defaults[key])} | {' '.join(said.get(key, '').split())} |"
            for key, meaning in meanings.items()
        ]
        lines.append("")
    lines += [
        "## [history]",
        "",
        '`url` names the database of earlier reports: `url = "postgresql+psycopg://..."`. `EDGEPROOF_HISTORY` goes before it.',
        "Without either it is a file of yours.",
        "",
    ]
    return "\n".join(lines)


def docstrings_of_fields(kind: type) -> dict[str, str]:
    """Field of a class to the text below it."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: after.value.value
        for field, after in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "*needed*"
    if field.default is msgspec.NODEFAULT or field.default in (None, (), ""):
        return ""
    return f"`{json.dumps(field.default)}`"
