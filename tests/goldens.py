"""Goldens: facts as plain data, one fact a line, so that a change is read as a diff."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from analyzer.facts.fact import Coverage, Fact, Parsed


def value_of(fact: Fact | Coverage) -> dict[str, Any]:
    """A fact with its type and origin lines, without what equals the default of its type."""
    defaults = {info.name: info.default for info in msgspec.structs.fields(type(fact))}
    said = {name: getattr(fact, name) for name in fact.__struct_fields__}
    plain = {name: value for name, value in said.items() if name not in defaults or value != defaults[name]}
    kind = type(fact).__name__
    if isinstance(fact, Fact):
        plain.pop("origin", None)
        return {"is": kind, "at": f"{fact.origin.line}-{fact.origin.end}", **_builtin(plain)}
    plain.pop("path", None)
    return {"is": kind, **_builtin(plain)}


def golden_of(parsed: Parsed) -> str:
    """All that was read, as JSON lines in a list."""
    entries = [value_of(fact) for fact in parsed.facts]
    entries += [
        {"is": "Gap", "at": f"{gap.source.line}-{gap.source.end}", "expected": gap.expected} for gap in parsed.gaps
    ]
    entries += [value_of(entry) for entry in parsed.coverage]
    entries.append({"is": "Lines", "lines": parsed.lines, "understood": parsed.understood})
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"


def _builtin(plain: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = msgspec.to_builtins(plain, enc_hook=str)
    return result
