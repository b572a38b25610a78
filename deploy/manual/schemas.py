"""The pages of bundle.json and report.json, out of their JSON Schemas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BUNDLE = "docs/reference/bundle.schema.json"
_REPORT = "docs/reference/report.schema.json"


def bundle_page(root: Path) -> str:
    return "\n".join(
        [
            "# bundle.json",
            "",
            "The manifest of a [bundle](../concepts/bundle.md): schema `edgeproof.bundle/1`. Its SHA-256 is the bundle's name. It",
            "is the same for the same source and settings, byte by byte.",
            "[bundle.schema.json](../reference/bundle.schema.json) is its JSON Schema; the agent's own reader checks more (four",
            "different outputs, quantization for integer inputs alone), and names the field that is wrong.",
            "",
            *_tables(json.loads((root / _BUNDLE).read_text(encoding="utf-8"))),
        ]
    )


def report_page(root: Path) -> str:
    return "\n".join(
        [
            "# report.json",
            "",
            "What a command measured: schema `edgeproof.report/2`. Raw samples lie beside it in `samples/`, and it holds their",
            "SHA-256. A field that nothing was measured for is absent. `edgeproof report` prints it again, `edgeproof verify`",
            "works every figure out anew. [report.schema.json](../reference/report.schema.json) is its JSON Schema; every report",
            "that the tests write is held against it.",
            "",
            *_tables(json.loads((root / _REPORT).read_text(encoding="utf-8"))),
        ]
    )


def _tables(schema: dict[str, Any]) -> Iterator[str]:
    definitions: dict[str, Any] = schema.get("$defs", {})
    for title, item in {"The document": schema, **definitions}.items():
        choices = [choice for choice in (*item.get("anyOf", ()), *item.get("oneOf", ())) if "properties" in choice]
        fields: dict[str, Any] = item.get("properties", {})
        for choice in choices:
            fields = {**fields, **choice["properties"]}
        needed = item.get("required", [])
        yield from (f"## {title}", "")
        if title != "The document" and item.get("description"):
            yield from (item["description"], "")
        if not fields:
            yield from (_kind(item), "")
            continue
        yield from ("| field | | always there | |", "|---|---|---|---|")
        for name, said in fields.items():
            yield f"| `{name}` | {_kind(said)} | {'yes' if name in needed else ''} | {_cell(said.get('description', ''))} |"
        yield ""


def _kind(item: dict[str, Any]) -> str:
    if "$ref" in item:
        name = item["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in item:
        return f"`{json.dumps(item['const'])}`"
    if "enum" in item:
        return ", ".join(f"`{json.dumps(value)}`" for value in item["enum"])
    if "anyOf" in item or "oneOf" in item:
        return " or ".join(_kind(choice) for choice in (*item.get("anyOf", ()), *item.get("oneOf", ())))
    kind = item.get("type", "anything")
    if isinstance(kind, list):
        kind = " or ".join(kind)
    return f"array of {_kind(item['items'])}" if kind == "array" and isinstance(item.get("items"), dict) else kind


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
