"""Facts and packet paths as text, JSON or CSV, for `hairpin facts` and `hairpin paths`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

from analyzer.errors import UsageError
from analyzer.facts import fact_types
from analyzer.facts.derived import Path
from analyzer.facts.fact import Fact
from analyzer.facts.store import Facts
from analyzer.reports.visible import visible


def list_facts(facts: Facts, type_name: str | None, where: str | None, format: str) -> str:
    """Facts of one type or of all, one a line; with neither type nor condition, a count per type and what it is."""
    known = fact_types()
    if type_name and type_name not in known:
        close = get_close_matches(type_name, known, 1)
        raise UsageError(f"no fact type {type_name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    if where and not type_name:
        raise UsageError("--where needs --type")
    if not type_name and format == "text":
        return "".join(
            f"{name:20} {len(facts.of(kind)):7}  {kind.per:10} {kind.command}\n" for name, kind in known.items()
        )
    chosen: Iterable[Fact] = facts.of(known[type_name]) if type_name else facts.all()
    if where and type_name:
        from analyzer.engine.condition import fact_filter

        keep = fact_filter(known[type_name], where)
        chosen = [fact for fact in chosen if keep(fact)]
    return render_rows([row(fact) for fact in chosen], format)


def list_paths(facts: Facts, format: str) -> str:
    """Every packet path; broken ones first."""
    order = sorted(facts.of(Path), key=lambda path: (path.ok is True, path.ok is None, path.kind, path.node))
    if format == "json":
        return render_rows([row(path) for path in order], "json")
    if format != "text":
        raise UsageError(f"--format takes text or json, not {format!r}")
    lines = []
    for path in order:
        word = {True: "ok", False: "BROKEN", None: "unknown"}[path.ok]
        what = path.service or path.to_pod or path.target or ""
        reply = f", reply {path.reply}" if path.reply not in (None, "ok") else ""
        lines.append(
            f"{word:8} {path.node}  {path.kind}  {path.from_pod or ''} -> {what}: "
            f"{path.verdict}{reply}{f' - {path.reason}' if path.reason else ''}"
        )
    return "".join(f"{visible(line)}\n" for line in lines) or "no paths: the dumps of no node are in the bundle\n"


def row(fact: Fact) -> dict[str, Any]:
    """A fact as plain values, with its type and its place."""
    values = msgspec.to_builtins(fact, enc_hook=str)
    origin = values.pop("origin")
    at = f"{origin['path']}:{origin['line']}" if origin["path"] else ""
    return {"type": type(fact).__name__, **{k: v for k, v in values.items() if v is not None}, "at": at}


def render_rows(rows: list[dict[str, Any]], format: str) -> str:
    """Rows in the given format; JSON is one array with sorted keys."""
    match format:
        case "json":
            return msgspec.json.format(msgspec.json.encode(rows, order="sorted"), indent=1).decode() + "\n"
        case "csv":
            out = io.StringIO()
            names = sorted({name for row in rows for name in row})
            writer = csv.DictWriter(out, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: visible(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows)
            return out.getvalue()
        case "text":
            return "".join(f"{_line(row)}\n" for row in rows)
    raise UsageError(f"--format takes text, json or csv, not {format!r}")


def _line(row: dict[str, Any]) -> str:
    fields = " ".join(f"{k}={_short(v)}" for k, v in row.items() if k not in ("type", "at"))
    return visible(f"{row['type']}  {fields}  {row['at']}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}… (+{len(text) - 200})"
