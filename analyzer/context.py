"""What one artifact settles for all its facts: by its path, its command line, its headers and sections."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.source import Place
from analyzer.frontmatter import Head
from analyzer.typed import fields


class Context:
    """Fields that hold until a header says otherwise.

    `facts` are the fact types the artifact may hold; `command` is the command line that printed it, if known.
    """

    def __init__(self, head: Head, facts: Sequence[type[Fact]], path: str, place: Place, command: str) -> None:
        self.head, self.kinds, self.path, self.place = head, tuple(facts), path, place
        # What path patterns of the front matter are looked for in
        self._said = f"{command}\n{path.rsplit('/', 1)[-1]}"
        self._words = self._given()
        self._bases: dict[type[Any], dict[str, Any]] = {}

    def get(self, name: str) -> str | None:
        """The word for a field."""
        return self._words.get(name)

    def beside(self) -> Hashable:
        """All that is settled but the names of node and namespace; to be asked before anything is read."""
        return self._said, tuple(self._words.items()), self.place.node is None, self.place.netns is None

    def learn(self, found: re.Match[str]) -> None:
        """Take over what a header or the begin of a section says."""
        for name, word in found.groupdict().items():
            if word is not None:
                self._words[name] = self.head.names.get(word, word)
        self._bases.clear()

    def base(self, kind: type[Any]) -> dict[str, Any]:
        """The fields of facts of this type that are settled."""
        base = self._bases.get(kind)
        if base is None:
            known = fields(kind)
            base = {}
            for name, word in self._words.items():
                if name in known:
                    meaning = self.head.meaning(name)
                    base[name] = known[name].convert(meaning(word) if meaning else word)
            if self.place.netns is None and self.place.node is not None and "node" in known:
                base["node"] = NodeName(self.place.node)
            if self.place.netns is not None and "netns" in known:
                base["netns"] = self.place.netns
            self._bases[kind] = base
        return base

    def coverage(self, text: str, lost: int) -> tuple[Coverage, ...]:
        """What an artifact without sections covers, if `lost` of its lines could not be read."""
        complete, note = True, ""
        for pattern, reason in self.head.partial.items():
            if re.search(pattern, self._said):
                complete, note = False, reason
        if lost:
            complete, note = False, f"{lost} lines could not be read"
        table = self.get("table")
        kinds = [
            kind
            for kind in self.kinds
            if (needed := self.head.covers_when.get(kind.__name__)) is None or re.search(needed, text)
        ]
        return tuple(self._entry(kind, complete, note, table and self._table(table)) for kind in kinds)

    def section(self, table: str, complete: bool, note: str) -> list[Coverage]:
        """What one section covers."""
        return [self._entry(kind, complete, note, self._table(table)) for kind in self.kinds]

    def _given(self) -> dict[str, str]:
        """Fields that the artifact's path and command line settle."""
        context: dict[str, str] = {}
        for pattern in self.head.path:
            found = re.search(pattern, self.path)
            for name, word in (found.groupdict() if found else {}).items():
                if word is not None:
                    context[name] = self.head.names.get(word, word)
        for name, choices in self.head.given.items():
            for value, pattern in choices.items():
                if re.search(pattern, self._said):
                    context[name] = value
                    break
        return context

    def _table(self, table: str) -> str:
        """The table's name in coverage: the tables of IPv6 are others than those of IPv4."""
        return f"ip6 {table}" if self.get("family") == "6" else table

    def _entry(self, kind: type[Fact], complete: bool, note: str, table: str | None) -> Coverage:
        return Coverage(
            fact=kind.__name__,
            node=self.place.node if self.place.netns is None else None,
            pod=self.place.netns,
            component=self.get("component"),
            table=table,
            complete=complete,
            note=note,
            path=self.path,
        )
