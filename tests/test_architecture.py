"""The house rules that review would otherwise repeat: import direction, broad excepts, file sizes, samples, tests."""

from __future__ import annotations

import ast
import re
import types
import typing
from pathlib import Path

import pytest

from analyzer.facts import fact_types

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "analyzer").rglob("*.py"))

# A module may import only from packages that stand below it here; a package may import itself.
# What a grammar file becomes: front matter, shapes, templates, plans, typed values, patterns of lines, records.
GRAMMAR = {"frontmatter", "shapes", "templates", "typed", "records", "lines", "plans", "context", "fills"}
ALLOWED = {
    "errors": set(),
    "cache": set(),
    "facts": set(),
    "data": {"errors"},
    "text": {"errors", "facts", "failed"},
    "logs": {"facts", "errors", "text", "cache"},
    "grammar": {"facts", "errors", "data", "text", "cache", *GRAMMAR},
    "readers": {"facts", "errors", "text", "logs", "readers"},
    "model": {"facts", "packet", "errors", "readers"},
    "packet": {"facts", "errors"},
    "engine": {"facts", "errors", "logs", "data", "cache"},
    "report": {"engine"},
    "verdict": {"report", "engine"},
    "diagnosis": {"engine", "facts"},
    "reports": {"report", "engine", "errors", "verdict", "cache", "__init__"},
}


def _package(path: Path) -> str:
    relative = path.relative_to(ROOT / "analyzer")
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("analyzer"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names if alias.name[0] != "_"}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("analyzer.")}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    package = _package(path)
    imports = _imports(path) - {package}
    assert "cli" not in imports or package in {"cli", "__main__"}, "nobody imports cli"
    if package in ALLOWED:
        assert imports <= ALLOWED[package], f"{package} may not import {sorted(imports - ALLOWED[package])}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_two_broad_excepts() -> None:
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) <= 2, broad


@pytest.mark.parametrize("kind", fact_types().values(), ids=lambda kind: kind.__name__)
def test_every_fact_field_is_described(kind: type) -> None:
    described = set(re.findall(r"^\s+(\w+):", kind.__doc__ or "", re.M))
    fields = {name for name in typing.cast("typing.Any", kind).__struct_fields__ if name != "origin"}
    assert fields <= described, fields - described
    assert described <= fields, described - fields


def test_one_field_name_one_type() -> None:
    """`node` is the same type wherever it stands; None aside."""
    by_field: dict[str, dict[str, str]] = {}
    for name, kind in fact_types().items():
        for field, hint in typing.get_type_hints(kind).items():
            if field in typing.cast("typing.Any", kind).__struct_fields__ and field not in SHARED_NAMES:
                by_field.setdefault(field, {})[_known(hint)] = name
    assert not {field: kinds for field, kinds in by_field.items() if len(kinds) > 1}


def _known(hint: object) -> str:
    """The type without `| None`."""
    arms = typing.get_args(hint) if typing.get_origin(hint) in {types.UnionType, typing.Union} else (hint,)
    return " | ".join(sorted(str(arm) for arm in arms if arm is not type(None)))


# Names that the field itself uses for different things (a Service's port is a number, a rule's position too).
SHARED_NAMES = {
    "family",
    "ready",
    "value",
    "selector",
    "source",
    "destination",
    "range",
    "master",
    "name",
    "version",
    "service",
    "rule",
    "network",
}


def test_modules_say_what_they_are() -> None:
    for path in SOURCES:
        assert ast.get_docstring(ast.parse(path.read_text())), path
