"""Facts and packet paths as text, JSON, CSV or a database, for `hairpin facts` and `hairpin paths`."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import msgspec

from analyzer.database import database
from analyzer.errors import UsageError
from analyzer.facts import fact_types
from analyzer.facts.derived import Path
from analyzer.facts.fact import Fact
from analyzer.facts.source import Gap
from analyzer.facts.store import Facts
from analyzer.reports.visible import visible

# As text, more paths that arrive than these are counted by node and kind.
ARRIVED = 200
FORMATS = ("text", "json", "csv", "sqlite")
ENDINGS = {".txt": "text", ".json": "json", ".csv": "csv", ".sqlite": "sqlite", ".db": "sqlite"}
# What a spreadsheet would take for a formula when it opens a CSV file
_FORMULA = re.compile(r"\s*[=+\-@\t\r|%]")
# In JSON these occur inside strings only, where an escape says the same
_UNSAFE = re.compile(
    "[\x7f-\xa0\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


class Query(msgspec.Struct, frozen=True):
    """Which facts are wanted: of one type or all, and a condition that they fulfil."""

    type: type[Fact] | None = None
    keep: Callable[[Fact], bool] | None = None

    def of(self, facts: Facts) -> list[Fact]:
        """The facts that are wanted."""
        chosen: Iterable[Fact] = facts.of(self.type) if self.type else facts.all()
        return [fact for fact in chosen if self.keep is None or self.keep(fact)]


def query(type_name: str | None, where: str | None) -> Query:
    """What `--type` and `--where` ask for; UsageError if there is no such type or the condition is wrong."""
    known = fact_types()
    if type_name and type_name not in known:
        close = get_close_matches(type_name, known, 1) or [n for n in known if n.lower() == type_name.lower()]
        hint = f"; did you mean {close[0]!r}?" if close else "; `hairpin facts BUNDLE` lists them"
        raise UsageError(f"no fact type {type_name!r}{hint}")
    if where and not type_name:
        raise UsageError("--where needs --type, the type of fact that it is about")
    if not where or not type_name:
        return Query(known[type_name] if type_name else None)
    from analyzer.engine.condition import fact_filter

    return Query(known[type_name], fact_filter(known[type_name], where))


def list_facts(facts: Facts, wanted: Query, format: str, gaps: Sequence[Gap] = ()) -> bytes:
    """Facts in a format; text is one a line, or without a type a count of each and the command that collects it."""
    if format == "sqlite":
        return database(wanted.of(facts), facts.all_coverage(), gaps)
    if wanted.type is None and format == "text":
        lines = [
            f"{name:20} {len(facts.of(kind)):7}  {kind.per:10} {kind.command}" for name, kind in fact_types().items()
        ]
        head = f"{'fact':20} {'number':>7}  {'per':10} collected by"
        return "".join(f"{line}\n" for line in (head, *lines)).encode()
    return render_rows([row(fact) for fact in wanted.of(facts)], format).encode()


def list_paths(facts: Facts, format: str) -> str:
    """Every packet path, broken ones first; as text many that arrive are counted, and what was left out is said."""
    order = sorted(facts.of(Path), key=lambda path: (path.ok is True, path.ok is None, path.kind, path.node))
    if format == "json":
        return render_rows([row(path) for path in order], "json")
    if not order:
        return "no paths: the dumps of no node are in the bundle\n"
    arrived = [path for path in order if path.ok]
    shown = order if len(arrived) <= ARRIVED else [path for path in order if not path.ok]
    lines = [_told(path) for path in shown]
    if len(arrived) > ARRIVED:
        counts = Counter((path.node, path.kind) for path in arrived)
        lines += [f"{'ok':8} {node}  {kind}  {count:,} of them" for (node, kind), count in sorted(counts.items())]
    open_ = sum(path.ok is None for path in order)
    lost = len(order) - len(arrived) - open_
    lines.append(f"{len(order):,} paths: {len(arrived):,} ok, {lost:,} broken, {open_:,} unknown")
    lines += [f"{one.node}: {one.note}" for one in facts.coverage(Path) if one.note]
    return "".join(f"{visible(line)}\n" for line in lines)


def _told(path: Path) -> str:
    word = {True: "ok", False: "BROKEN", None: "unknown"}[path.ok]
    what = path.service or path.to_pod or path.target or ""
    reply = f", reply {path.reply}" if path.reply not in (None, "ok") else ""
    return (
        f"{word:8} {path.node}  {path.kind}  {path.from_pod or ''} -> {what}: "
        f"{path.verdict}{reply}{f' - {path.reason}' if path.reason else ''}"
    )


def row(fact: Fact) -> dict[str, Any]:
    """A fact as plain values: the name of its type under `fact`, what is known of it, and `at`, its file and line."""
    values = msgspec.to_builtins(fact, enc_hook=str)
    origin = values.pop("origin")
    at = f"{origin['path']}:{origin['line']}" if origin["path"] else ""
    return {"fact": type(fact).__name__, **{k: v for k, v in values.items() if v is not None}, "at": at}


def render_rows(rows: list[dict[str, Any]], format: str) -> str:
    """Rows in the given format; JSON is one array with sorted keys."""
    match format:
        case "json":
            text = msgspec.json.format(msgspec.json.encode(rows, order="sorted"), indent=1).decode()
            return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
        case "csv":
            out = io.StringIO()
            names = ["fact", *sorted({name for row in rows for name in row} - {"fact", "at"}), "at"]
            writer = csv.DictWriter(out, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
            return out.getvalue()
        case _:
            return "".join(f"{_line(row)}\n" for row in rows)


def _cell(value: Any) -> Any:
    """A value as a cell of a table; text that a spreadsheet would run gets an apostrophe in front."""
    if isinstance(value, int | float):
        return value
    text = visible(value if isinstance(value, str) else msgspec.json.encode(value).decode(), 0)
    return f"'{text}" if _FORMULA.match(text) else text


def _line(row: dict[str, Any]) -> str:
    fields = " ".join(f"{name}={_short(value)}" for name, value in row.items() if name not in ("fact", "at"))
    return visible(f"{row['fact']}  {fields}  {row['at']}", 0)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 200 else f"{text[:200]}… (+{len(text) - 200})"
