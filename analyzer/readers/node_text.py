"""A text that a tool on a node printed, being turned into facts: what the readers of such texts share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.text import decode

SHOWN = 400


class NodeText:
    """The text's lines, and the facts, gaps and coverage found so far.

    `lines` are (number, text); a line counts as understood unless it is given to `gap`.
    """

    def __init__(self, data: bytes, path: str, place: Place, first_line: int) -> None:
        self.path, self.place = path, place
        self.lines = list(enumerate(decode(data).split("\n"), first_line))
        self.facts: list[Fact] = []
        self.gaps: list[Gap] = []
        self.coverage: list[Coverage] = []

    def add(self, of: type[Fact], first: int, last: int | None = None, /, **values: Any) -> None:
        """A fact read from lines `first` to `last`; nothing if it needs a node and none is known."""
        names = of.__struct_fields__
        if self.place.netns is not None and "netns" in names:
            values["netns"] = self.place.netns
        elif "netns" not in names and (self.place.netns is not None or self.place.node is None):
            return
        elif self.place.node is not None:
            values["node"] = NodeName(self.place.node)
        self.facts.append(of(origin=Source(self.path, first, last or first), **values))

    def gap(self, number: int, expected: str, text: str = "") -> None:
        """A line that could not be read."""
        self.gaps.append(Gap(Source(self.path, number, number), expected, text[:SHOWN]))

    def cover(self, kind: type[Fact], *, complete: bool = True, note: str = "", table: str | None = None) -> None:
        """That facts of this type were collected here; gaps make it incomplete."""
        if self.gaps and complete:
            lost = len({gap.source.line for gap in self.gaps})
            complete, note = False, f"{lost} lines could not be read"
        self.coverage.append(
            Coverage(
                fact=kind.__name__,
                node=self.place.node if self.place.netns is None else None,
                pod=self.place.netns,
                table=table,
                complete=complete,
                note=note,
                path=self.path,
            )
        )

    def done(self, kinds: Iterable[type[Fact]] = ()) -> Parsed:
        """All that was read; `kinds` are fact types that the text holds completely."""
        for kind in kinds:
            self.cover(kind)
        written = {number for number, line in self.lines if line and not line.isspace()}
        total, lost = len(written), len(written & {gap.source.line for gap in self.gaps})
        return Parsed(
            facts=tuple(self.facts),
            gaps=tuple(self.gaps),
            coverage=tuple(self.coverage),
            lines=total,
            understood=total - lost,
        )


def number(text: str | None) -> int | None:
    """A decimal number, or None."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 20 else None
