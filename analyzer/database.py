"""Facts as an SQLite database: a table for each type, and beside them what was collected and what was not read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from analyzer.facts import fact_types
from analyzer.facts.fact import Coverage, Fact
from analyzer.facts.source import Gap
from analyzer.reports.visible import visible_text

WHERE = ("source_path", "source_line")


def database(facts: Iterable[Fact], coverage: Iterable[Coverage], gaps: Sequence[Gap]) -> bytes:
    """The bytes of a database file; the same facts give the same bytes.

    Each fact type has a table of its name whose columns are its fields, NULL where the field is unknown, and JSON where
    it is a list; `source_path` and `source_line` say where it was read. An empty table alone proves nothing: `coverage`
    says for which node, namespace and so on a type was collected, and whether completely.
    """
    made = sqlite3.connect(":memory:", isolation_level=None)
    try:
        made.execute("BEGIN")
        for name, kind in fact_types().items():
            columns = ", ".join(f'"{column}"' for column in (*_fields(kind), *WHERE))
            made.execute(f'CREATE TABLE "{name}" ({columns})')
        for fact in facts:
            values = [_value(getattr(fact, name)) for name in _fields(type(fact))]
            _insert(made, type(fact).__name__, [*values, visible_text(fact.origin.path), fact.origin.line])
        made.execute(f"CREATE TABLE coverage ({', '.join(_quoted(name) for name in Coverage.__struct_fields__)})")
        for entry in coverage:
            _insert(made, "coverage", [_value(getattr(entry, name)) for name in Coverage.__struct_fields__])
        made.execute("CREATE TABLE gaps (path, line, expected, text)")
        for gap in gaps:
            _insert(made, "gaps", [_value(gap.source.path), gap.source.line, _value(gap.expected), _value(gap.text)])
        made.execute("COMMIT")
        return bytes(made.serialize())
    finally:
        made.close()


def _fields(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name != "origin")


def _quoted(name: str) -> str:
    return f'"{name}"'


def _insert(made: sqlite3.Connection, table: str, values: list[Any]) -> None:
    made.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(values))})', values)


def _value(value: Any) -> Any:
    """A value that SQLite has: numbers (true and false as 1 and 0), text, NULL; anything else as text or JSON."""
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        # SQLite's integers end at 64 bits
        return int(value) if -(1 << 63) <= value < 1 << 63 else str(value)
    plain = msgspec.to_builtins(value, enc_hook=str)
    return visible_text(plain if isinstance(plain, str) else msgspec.json.encode(plain, order="sorted").decode())
