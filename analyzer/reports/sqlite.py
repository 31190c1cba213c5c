"""The report as an SQLite database, for questions that no other format answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from analyzer.report import Report
from analyzer.reports.visible import visible_text

EXTENSIONS = (".sqlite", ".db")
SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE findings (id TEXT, position INTEGER, rule TEXT, area TEXT, title TEXT, severity TEXT, confidence TEXT,
  why TEXT, first TEXT, last TEXT, is_cause INTEGER);
CREATE TABLE entities (finding TEXT, entity TEXT);
CREATE TABLE fixes (finding TEXT, step INTEGER, text TEXT);
CREATE TABLE evidence (finding TEXT, fact TEXT, path TEXT, line INTEGER, text TEXT);
CREATE TABLE absences (finding TEXT, fact TEXT, condition TEXT, searched TEXT);
CREATE TABLE explains (cause TEXT, symptom TEXT);
CREATE TABLE checks (rule TEXT PRIMARY KEY, area TEXT, title TEXT, severity TEXT, outcome TEXT, evaluated INTEGER);
CREATE TABLE scopes (rule TEXT, scope TEXT, outcome TEXT);
CREATE TABLE missing (fact TEXT, scope TEXT, command TEXT, file TEXT, note TEXT, rule TEXT);
CREATE TABLE gaps (path TEXT, line INTEGER, text TEXT, expected TEXT);
CREATE TABLE files (path TEXT, kind TEXT, why TEXT, node TEXT, facts INTEGER, gaps INTEGER);
CREATE TABLE failures (place TEXT, text TEXT);
CREATE TABLE timeline (time TEXT, entity TEXT, text TEXT, finding TEXT);
CREATE TABLE paths (target TEXT, node TEXT, verdict TEXT, reason TEXT);
"""
Row = tuple[Any, ...]


def render(report: Report, *, fail_on: str = "error") -> bytes:
    """The bytes of a database file; the same report gives the same bytes."""
    with_tables = sqlite3.connect(":memory:", isolation_level=None)
    try:
        with_tables.executescript(SCHEMA)
        with_tables.execute("BEGIN")
        for table, rows in _tables(report):
            for row in rows:
                marks = ", ".join("?" * len(row))
                with_tables.execute(f"INSERT INTO {table} VALUES ({marks})", [_value(value) for value in row])
        with_tables.execute("COMMIT")
        return bytes(with_tables.serialize())
    finally:
        with_tables.close()


def _value(value: Any) -> Any:
    return visible_text(value) if isinstance(value, str) else value


def _tables(report: Report) -> Iterator[tuple[str, Iterable[Row]]]:
    findings = report.findings
    yield "about", _about(report)
    yield (
        "findings",
        (
            (
                f.id,
                n,
                f.rule,
                f.area,
                f.title,
                f.severity,
                f.confidence,
                f.why,
                f.first,
                f.last,
                int(not f.explained_by),
            )
            for n, f in enumerate(findings, 1)
        ),
    )
    yield "entities", ((f.id, entity) for f in findings for entity in f.entities)
    yield "fixes", ((f.id, n, step) for f in findings for n, step in enumerate(f.fix, 1))
    yield "evidence", ((f.id, e.fact, e.path, e.line, e.text) for f in findings for e in f.evidence)
    yield "absences", ((f.id, a.fact, " and ".join(a.where), "\n".join(a.searched)) for f in findings for a in f.absent)
    yield "explains", ((f.id, other) for f in findings for other in f.explains)
    yield "checks", ((c.rule, c.area, c.title, c.severity, c.outcome, c.evaluated) for c in report.checks)
    yield "scopes", ((c.rule, scope, word) for c in report.checks for scope, word in sorted(c.scopes.items()))
    yield "missing", ((m.fact, m.scope, m.command, m.file, m.note, r) for m in report.missing for r in m.rules or ("",))
    yield "gaps", ((g.path, g.line, g.text, g.expected) for g in report.gaps)
    yield "files", ((f.path, f.kind, f.why, f.node, f.facts, f.gaps) for f in report.files)
    yield "failures", ((f.where, f.text) for f in report.failures)
    yield "timeline", ((m.time, m.entity, m.text, m.finding) for m in report.timeline)
    yield "paths", ((p.row, p.node, p.verdict, p.reason) for p in report.paths)


def _about(report: Report) -> Iterator[Row]:
    bundle, cluster = report.bundle, report.cluster
    yield from (
        ("schema", report.schema),
        ("tool", f"{report.tool.name} {report.tool.version}"),
        ("verdict", report.verdict.text),
        ("worst", report.verdict.worst),
        ("bundle", bundle.name),
        ("sha256", bundle.sha256),
        ("layout", bundle.layout),
        ("files", str(bundle.files)),
        ("recognised", str(bundle.recognised)),
        ("logs from", bundle.logs.start),
        ("logs to", bundle.logs.end),
        ("kubernetes", cluster.version),
        ("cni", cluster.cni),
        ("service proxy", cluster.service_proxy),
        ("nodes", " ".join(cluster.nodes)),
    )
    yield from ((f"note {number}", note) for number, note in enumerate(bundle.notes, 1))
