"""The JSON Schema of `hairpin-report/1` and its page in docs/, both generated from the structs of the report.

`python -m analyzer.reports.schema` writes the published files anew.
"""

from __future__ import annotations

import json
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from analyzer.report import Report

PUBLISHED = Path(__file__).parent / "hairpin-report-1.schema.json"
PAGE = Path(__file__).parent.parent.parent / "docs" / "report-schema.md"
INTRODUCTION = """# hairpin-report/1

The JSON report, `hairpin report BUNDLE -o report.json`. Generated from `analyzer/report.py` by
`python -m analyzer.reports.schema`; the JSON Schema is `analyzer/reports/hairpin-report-1.schema.json`.

Within version 1 fields are only added, so readers must ignore fields that they do not know. Keys are sorted, arrays
stand in report order (causes first), times are ISO 8601 in UTC, an empty text is unknown. Characters that do not show
are escaped. The same bundle gives the same bytes.
"""


def schema() -> dict[str, Any]:
    """The schema as JSON values. Unknown properties are allowed: changes within the major version only add."""
    reference, components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
    for struct in components.values():
        # Which spaces a docstring keeps depends on the version of Python.
        struct["description"] = cleandoc(struct.get("description", ""))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:hairpin:report:1",
        "title": "hairpin-report/1",
        **reference[0],
        "$defs": components,
    }


def published_text() -> str:
    """The text of the published schema file."""
    return json.dumps(schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def page_text() -> str:
    """The page in docs/: a table of fields per struct, the report itself first."""
    structs = schema()["$defs"]
    order = ["Report", *sorted(set(structs) - {"Report"})]
    return INTRODUCTION + "".join(_section(name, structs[name]) for name in order)


def _section(name: str, struct: dict[str, Any]) -> str:
    rows = [f"| `{field}` | {_type(kind)} |" for field, kind in struct["properties"].items()]
    return "\n".join(["", f"## {name}", "", struct["description"], "", "| field | type |", "|---|---|", *rows, ""])


def _type(kind: dict[str, Any]) -> str:
    if "$ref" in kind:
        name = kind["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "enum" in kind:
        return ", ".join(f"`{value}`" for value in kind["enum"])
    if kind.get("type") == "array":
        return f"array of {_type(kind['items'])}"
    if "additionalProperties" in kind:
        return f"object of {_type(kind['additionalProperties'])}"
    return str(kind.get("type", "any"))


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
    PUBLISHED.write_text(published_text(), encoding="utf-8")
