"""`kubectl get` as text: one or several tables, of any resource, plain or wide."""

from __future__ import annotations

import re

from analyzer.facts.fact import Coverage, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_collected import Collected
from analyzer.readers.kubectl_columns import Columns, Row, custom_titles, titles
from analyzer.readers.kubectl_convert import KINDS
from analyzer.readers.kubectl_rows import NAMESPACES, TABLES, Line, Table
from analyzer.readers.kubectl_scope import Asked, asked, kind_of
from analyzer.text import decode

ARTIFACT = "kubectl-table"
COMMAND = "kubectl get {resource} -A -o wide"
PER = "cluster"
FILES = ("**/cluster/*.txt", "**/kubectl/*", "**/kubectl_get_*")
BEGINS = (
    r"^(NAMESPACE +)?(NAME|LAST SEEN) {2,}[A-Z]",
    r"^No resources found",
)
RANK = 50

_EMPTY = re.compile(r"No resources found(?: in (\S+) namespace)?(\.?)")
_KNOWN = re.compile(r"Warning: |[WI]\d{4} \d\d:|.*[#$+>] *(kubectl|oc|k3s) |\+ |[=#-]{3,}")
_FAILED = re.compile(r"Error from server|error: |Unable to connect|The connection to the server|E\d{4} \d\d:")
_PREFIX = re.compile(r"([a-z][\w.-]*)/(.+)")
_SYSTEM = re.compile(
    r"(coredns|kube-proxy|kube-dns|etcd|kube-apiserver|kube-scheduler|kube-controller-manager|canal|calico-node)\b"
)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Facts of every table in the text."""
    reader = _Reader(path, first_line, asked(command, path, place), custom_titles(command))
    lines = decode(data).split("\n")
    for number, line in enumerate(lines, first_line):
        reader.line(number, line.rstrip())
    reader.end_table()
    return reader.end(sum(1 for line in lines if line.strip()))


class _Reader:
    """The table that is being read, and what was found so far."""

    def __init__(self, path: str, first_line: int, wanted: Asked, custom: dict[str, str]) -> None:
        self._path, self._asked, self._custom = path, wanted, custom
        self._collected = Collected(path)
        self._columns: Columns | None = None
        self._rows: list[Row] = []
        self._seen: set[str] = set()
        self._note = ""
        self._empty: tuple[str | None, bool] | None = None

    def line(self, number: int, text: str) -> None:
        """Take the next line."""
        if found := _EMPTY.match(text):
            # Since 1.18 kubectl names the namespace, and leaves out the dot when it looked everywhere.
            self._empty = (found[1], not found[1] and not found[2])
            self.end_table()
        elif titles(text) and not (self._custom and self._columns):
            self.end_table()
            self._columns = Columns(text, self._custom)
        elif self._custom and text.split() == [*self._custom]:
            self._columns = Columns(text, self._custom)
        elif not text.strip():
            self.end_table()
        elif _FAILED.match(text):
            self._gap(number, text, "the output of kubectl get")
            self._note = f"kubectl failed: {text[:120]}"
        elif self._columns is None:
            if not _KNOWN.match(text):
                self._gap(number, text, "a table of kubectl get")
        elif row := self._columns.row(number, text):
            if "MESSAGE" in self._columns.titles and self._rows and not row.get("REASON"):
                self._continue(text)
            else:
                self._rows.append(row)
        elif "MESSAGE" in self._columns.titles and self._rows:
            self._continue(text)
        elif not _KNOWN.match(text):
            self._gap(number, text, f"a row with {len(self._columns.titles)} columns")
            self._note = f"line {number} was not understood"

    def _continue(self, text: str) -> None:
        last = self._rows.pop()
        cells = {**last.cells, "MESSAGE": f"{last.get('MESSAGE')}\n{text.strip()}"}
        self._rows.append(Row(last.line, cells, last.text))

    def _gap(self, number: int, text: str, expected: str) -> None:
        self._collected.gap(Gap(Source(self._path, number, number), expected, text[:400]))

    def end_table(self) -> None:
        """Facts and coverage of the table that ends here."""
        columns, rows = self._columns, self._rows
        self._columns, self._rows = None, []
        if columns is None:
            return
        names = [row.get("NAME") for row in rows]
        table = self._table(columns.titles, names)
        if table is None:
            return
        self._seen.add(table.kind)
        spread = "NAMESPACE" in columns.titles
        assumed = self._asked.namespace or ("kube-system" if any(map(_SYSTEM.match, names)) else "default")
        cut = ""
        for row in rows:
            name = row.get("NAME")
            prefix = _PREFIX.match(name)
            line = Line(
                row,
                row.get("NAMESPACE") if spread else assumed,
                prefix[2] if prefix and kind_of(prefix[1]) == table.kind else name,
                Source(self._path, row.line, row.line),
            )
            if " more..." in row.get("ENDPOINTS"):
                cut = f"line {row.line} lists only some of the endpoints"
            if name or "REASON" in row.cells:
                self._collected.facts.extend(table.convert(line))
        for fact in table.facts:
            self._cover(table.kind, fact, spread, cut if fact == "Endpoint" else "")

    def _table(self, columns: tuple[str, ...], names: list[str]) -> Table | None:
        """What table this is: by the type before the names, by its columns, else by what was asked for."""
        prefix = next((found for name in names if (found := _PREFIX.match(name))), None)
        kind = kind_of(prefix[1]) if prefix else None
        if prefix and kind is None:
            return None
        has = set(columns)
        if self._custom and self._asked.kinds in (("Pod",), ("Node",)) and "NAME" in has:
            return next((table for table in TABLES if table.kind == self._asked.kinds[0]), None)
        if has - {"LABELS"} == {"NAME", "STATUS", "AGE"}:
            return NAMESPACES if self._asked.kinds in ((), ("Namespace",)) else None
        fitting = [table for table in TABLES if table.has <= has and not table.lacks & has]
        if kind:
            return next((table for table in TABLES if table.kind == kind and (table in fitting or prefix)), None)
        return fitting[0] if fitting else None

    def _cover(self, kind: str, fact: str, spread: bool, cut: str) -> None:
        namespaced = KINDS[kind].namespaced
        space = self._asked.namespace or None if namespaced and not spread else None
        unsure = "" if spread or not namespaced or self._asked.namespace is not None else "its namespace is not printed"
        why = self._note or cut or self._asked.part or unsure
        component = kind if fact in ("Workload", "RoleBinding") else None
        self._collected.note(
            Coverage(fact=fact, namespace=space, component=component, complete=not why, note=why, path=self._path)
        )

    def end(self, lines: int) -> Parsed:
        """The result."""
        if self._empty or (self._seen and len(self._asked.kinds) > 1):
            namespace, everywhere = self._empty or (None, False)
            wanted = self._asked
            if namespace:
                wanted = Asked(wanted.kinds, namespace, wanted.part)
            elif everywhere and wanted.namespace is None:
                wanted = Asked(wanted.kinds, "", wanted.part)
            self._collected.cover(set(wanted.kinds) - self._seen, set(), wanted, self._note)
        return self._collected.parsed(lines)
