"""What a kubectl output gave so far: facts, gaps, coverage, and the lines that nobody understood."""

from __future__ import annotations

from typing import Any

import msgspec

from analyzer.facts.fact import Coverage, Fact, Parsed
from analyzer.facts.source import Gap
from analyzer.readers.kubectl_scope import Asked, coverage

MOST_GAPS = 200


class Collected:
    """Facts, gaps and coverage of one artifact, while it is read."""

    def __init__(self, path: str) -> None:
        self.facts: list[Fact] = []
        self._path = path
        self._gaps: list[Gap] = []
        self._coverage: list[Coverage] = []
        self._lost = 0

    def gap(self, gap: Gap, lines: int = 1) -> None:
        """Note text that was not understood; `lines` is how many lines it has."""
        self._lost += lines
        if len(self._gaps) < MOST_GAPS:
            self._gaps.append(gap)

    def cover(self, kinds: set[str], spaces: set[str], asked: Asked, note: str = "", single: bool = False) -> None:
        """Note what was collected."""
        self._coverage.extend(coverage(kinds, spaces, asked, self._path, note, single))

    def note(self, entry: Coverage) -> None:
        """Note one coverage entry."""
        self._coverage.append(entry)

    def parsed(self, lines: int) -> Parsed:
        """The result; `lines` is how many lines with text the artifact has."""
        return Parsed(
            facts=tuple(self.facts),
            gaps=tuple(self._gaps),
            coverage=_merged(self._coverage),
            lines=lines,
            understood=max(0, lines - self._lost),
        )


def _merged(entries: list[Coverage]) -> tuple[Coverage, ...]:
    """One entry for each part; of single objects and lists of the same part the complete one counts."""
    found: dict[tuple[Any, ...], Coverage] = {}
    for entry in entries:
        key = (entry.fact, entry.node, entry.namespace, entry.pod, entry.component, entry.table)
        if key not in found or (entry.complete and not found[key].complete):
            found[key] = entry
    return tuple(found.values())


def named(item: Any, kind: str) -> Any:
    """The object with its kind filled in; ValidationError if it has no name."""
    if not item.metadata.name and kind != "Event":
        raise msgspec.ValidationError("it has no metadata.name")
    return item if item.kind else msgspec.structs.replace(item, kind=kind)
