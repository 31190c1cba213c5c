"""The JSON Schema of rule files, for completion in editors; the loader checks far more than a schema can say."""

from __future__ import annotations

import typing
from typing import Any

from analyzer.engine.fields import FieldType, fields
from analyzer.engine.outcome import Confidence, Severity
from analyzer.engine.rule import QUANTIFIERS, Status
from analyzer.facts import fact_types


def rule_schema() -> dict[str, Any]:
    """The schema as plain values, the same in every run."""
    texts = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    clause: dict[str, Any] = {
        **{
            word: {"type": "string", "pattern": rf"^({'|'.join(fact_types())})\s+[A-Za-z_]\w*$"} for word in QUANTIFIERS
        },
        "where": {**texts, "description": "Conditions; a list is and"},
        "text": {
            **texts,
            "description": "A log line with {name} or {name:type} where it varies; several are alternatives",
        },
        "at_least": {"type": "integer", "minimum": 1},
        "within": {"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]$"},
    }
    test = {
        "name": {"type": "string"},
        "given": {"type": "array", "items": {"type": "object", "properties": _facts(), "additionalProperties": False}},
        "files": {"type": "object", "additionalProperties": {"type": "string"}},
        "missing": {**texts, "description": "Route, Route on worker-1, Pod in shop, LogLine of shop/web-1"},
        "expect": {
            "oneOf": [
                {"enum": ["clear", "not collected", "not applicable"]},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A hairpin rule",
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "title", "severity", "confidence", "match", "why", "fix", "docs", "tests"],
        "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "description": "The name of the file"},
            "title": {"type": "string", "description": "One line, with {fact.field}"},
            "severity": {"enum": list(typing.get_args(Severity))},
            "confidence": {"enum": list(typing.get_args(Confidence))},
            "status": {"enum": list(typing.get_args(Status))},
            "only_if": {"type": "string", "description": 'A condition about `cluster`: cluster.cni == "calico"'},
            "match": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": clause,
                    "oneOf": [{"required": [word]} for word in QUANTIFIERS],
                },
            },
            "why": {"type": "string"},
            "fix": texts,
            "docs": {"type": "array", "items": {"type": "string", "pattern": "^https://"}, "minItems": 1},
            "explains": {"type": "array", "items": {"type": "string"}},
            "tests": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name", "expect"],
                    "properties": test,
                },
            },
        },
    }


def _facts() -> dict[str, Any]:
    return {
        name: {
            "type": ["object", "null"],
            "additionalProperties": False,
            "description": (kind.__doc__ or "").strip().splitlines()[0],
            "properties": {field: _json_type(one) for field, one in fields(kind).items()},
        }
        for name, kind in fact_types().items()
    }


def _json_type(field: FieldType) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "number": "number",
        "boolean": "boolean",
        "labels": "object",
        "selector": "object",
        "structure": "object",
        "list": "array",
        "text": ["string", "number"],
    }
    found = kinds.get(field.sort, "string")
    listed = [found] if isinstance(found, str) else found
    return {"type": [*listed, "null"] if field.optional else found, "description": str(field)}
