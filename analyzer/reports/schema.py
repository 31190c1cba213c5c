"""The JSON Schema of `hairpin-report/1`, generated from the structs of the report.

`python -m analyzer.reports.schema` writes the published file anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from analyzer.report import Report

PUBLISHED = Path(__file__).parent / "hairpin-report-1.schema.json"


def schema() -> dict[str, Any]:
    """The schema as JSON values. Unknown properties are allowed: changes within the major version only add."""
    reference, components = msgspec.json.schema_components([Report], ref_template="#/$defs/{name}")
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


if __name__ == "__main__":
    PUBLISHED.write_text(published_text(), encoding="utf-8")
