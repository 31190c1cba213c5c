"""One artifact being read: lines to records, records to facts, with headers, sections, gaps and coverage."""

from __future__ import annotations

import gc
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from analyzer.context import Context
from analyzer.facts.fact import Coverage, Fact, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.fills import Fills
from analyzer.frontmatter import Head
from analyzer.lines import DASH
from analyzer.plans import Template
from analyzer.shapes import LONGEST_WORD, Misfit, Shapes
from analyzer.templates import snake
from analyzer.typed import fields

SHOWN = 400
MOST_GAPS = 1000
# A record of many lines is tried so often without the one that does not fit; then it is a gap as a whole
TRIES = 30
NEVER = re.compile(r"(?!)")


class Reading:
    """The state of reading one artifact.

    `facts` are the fact types it may hold; `command` is the command line that printed it, if known.
    """

    def __init__(
        self, head: Head, facts: Sequence[type[Fact]], shapes: Shapes, path: str, place: Place, command: str
    ) -> None:
        self.head, self.shapes, self.path = head, shapes, path
        self.context = Context(head, facts, path, place, command)
        self.lines = shapes.lines(head.words)
        self.find = re.compile(head.words).findall
        self.special = _any([*head.skip, *_nameless(head)])
        self.skip = _any(head.skip)
        self.headers = [re.compile(pattern) for pattern in head.header]
        self.section = re.compile(head.section) if head.section else NEVER
        self.ends = re.compile(head.ends) if head.ends else NEVER
        self.fills = Fills(head)
        self.ready: dict[Template, tuple[Callable[..., Fact] | None, tuple[Any, ...]]] = {}
        self.counters: dict[Any, Callable[[], int]] = defaultdict(lambda: count(1).__next__)
        self.result: list[Fact] = []
        self.gaps: list[Gap] = []
        self.lost = 0
        self.open: tuple[str, int] | None = None
        self.sections: list[Coverage] = []
        self.healed: dict[int, int] = {}

    def read(self, text: str, first_line: int) -> Parsed:
        """The facts, gaps and coverage of the text."""
        lines = text.split("\n")
        total = len(lines) - lines.count("") - sum(map(str.isspace, lines))
        if self.head.heal:
            self._heal(text, lines, first_line)
        collecting = gc.isenabled()
        gc.disable()  # facts hold no cycles, and looking for some among 100,000 new ones takes a third of the time
        try:
            if self.head.record == "line":
                self._lines(lines, first_line)
            else:
                for numbers, block in self._blocks(lines, first_line):
                    self._block(numbers, block)
        finally:
            if collecting:
                gc.enable()
        last = first_line + len(lines) - 1
        if self.open:
            note = f"cut off: table {self.open[0]}, begun at line {self.open[1]}, has no end"
            self._cover_section(complete=False, note=note, end=last)
        return Parsed(
            facts=tuple(self.result),
            gaps=tuple(self.gaps),
            coverage=tuple(self.sections) if self.head.section else self.context.coverage(text, self.lost),
            lines=total,
            understood=total - self.lost,
        )

    def _lines(self, lines: Sequence[str], first_line: int) -> None:
        special, path, healed = self.special.match, self.path, self.healed
        known, ready, counters, add = self.lines.known, self.ready, self.counters, self.result.append
        for number, line in enumerate(lines, first_line):
            if special(line) and self._is_special(line, number):
                continue
            end = healed.get(number, number) if healed else number
            if len(line) <= LONGEST_WORD:
                for matches, common in known.get(line.count(DASH), ()):
                    found = matches(line)
                    if found is not None:
                        try:
                            maker, context = ready.get(common) or self._ready(common)
                            if maker is not None:
                                add(maker(found.groups(), Source(path, number, end), context, counters))
                                break
                        except ValueError:
                            pass  # another pattern may match, else the words tell what is wrong
                else:
                    self._line(line, number, end)
            else:
                self._line(line, number, end)

    def _line(self, line: str, number: int, end: int) -> None:
        """A line word by word."""
        words = self.find(line)
        if not words:
            return
        found = self.shapes.template(words)
        if isinstance(found, Misfit):
            self._gap(number, end, found.expected, line)
            return
        origin = Source(self.path, number, end)
        try:
            maker, context = self.ready.get(found) or self._ready(found)
            if maker is None:
                self._facts(found, words, origin, line)
            else:
                self.result.append(maker(words, origin, context, self.counters))
                self.lines.learn(found, line, words)
        except ValueError as error:
            self._gap(number, end, str(error), line)

    def _blocks(self, lines: Sequence[str], first_line: int) -> Iterator[tuple[list[int], list[str]]]:
        starts = re.compile(self.head.starts) if self.head.starts else re.compile(r"\S")
        numbers: list[int] = []
        block: list[str] = []
        for number, line in enumerate(lines, first_line):
            if self.special.match(line) and self._is_special(line, number):
                continue
            if block and starts.match(line):
                yield numbers, block
                numbers, block = [], []
            if line and not line.isspace():
                numbers.append(number)
                block.append(line)
        if block:
            yield numbers, block

    def _block(self, numbers: list[int], block: list[str]) -> None:
        """One record of several lines; a line that does not fit is a gap, and the rest is tried without it."""
        for tries in count(1):
            words: list[str] = []
            rows: list[int] = []
            for row, line in enumerate(block):
                found = self.find(line)
                words += found
                rows += [row] * len(found)
            if not words:
                return
            known = self.shapes.template(words)
            if isinstance(known, Template):
                try:
                    origin = Source(self.path, numbers[0], numbers[-1])
                    self._facts(known, words, origin, "\n".join(block), rows, numbers)
                except ValueError as error:
                    self._gap(numbers[0], numbers[-1], str(error), block[0], len(block))
                return
            row = rows[known.word] if known.word < len(rows) else len(block) - 1
            if row == 0 or tries == TRIES:
                self._gap(numbers[0], numbers[-1], known.expected, block[0], len(block))
                return
            self._gap(numbers[row], numbers[row], known.expected, block[row])
            numbers, block = numbers[:row] + numbers[row + 1 :], block[:row] + block[row + 1 :]

    def _ready(self, template: Template) -> tuple[Callable[..., Fact] | None, tuple[Any, ...]]:
        """What makes the one fact of a record of this shape, and what it must be told of the context.

        None if there are several, or if what is to be filled in depends on the record.
        """
        maker, values = None, dict[str, Any]()
        if len(template.plans) == 1:
            [plan] = template.plans
            base = self.context.base(plan.kind)
            settled = self.fills.settled(plan, base, {*plan.given, *self.head.number})
            if settled is not None:
                values = base | settled
                numbered = {name: by for name, by in self.head.number.items() if name in plan.kind.__struct_fields__}
                maker = template.maker(tuple(values), numbered, tuple(settled))
        self.ready[template] = maker, tuple(values.values())
        return self.ready[template]

    def _facts(
        self,
        template: Template,
        words: Sequence[str],
        origin: Source,
        text: str,
        rows: Sequence[int] = (),
        numbers: Sequence[int] = (),
    ) -> None:
        """Adds the facts of one record; ValueError says what could not be read, and then none is added."""
        made: list[Fact] = []
        values: list[dict[str, Any]] = []
        for plan, stated in zip(template.plans, template.values, strict=True):
            said = self.context.base(plan.kind) | stated(words)
            values.append(said)
            if plan.parent >= 0 and self.head.inherit:
                around = values[plan.parent]
                for name, other in self.head.inherit.get(snake(plan.kind.__name__), {}).items():
                    said.setdefault(name, around.get(other))
            self.fills.fill(plan, said, text)
            for name, by in self.head.number.items():
                if by in said and name in plan.kind.__struct_fields__:
                    said[name] = self.counters[said[by]]()
            where = origin
            if rows and plan.word < len(rows):
                where = Source(origin.path, numbers[rows[plan.word]], numbers[rows[max(plan.last - 1, plan.word)]])
            try:
                made.append(plan.kind(origin=where, **said))
            except TypeError as error:
                missing = [n for n, field in fields(plan.kind).items() if field.required and n not in said]
                if not missing:
                    raise
                if "node" in missing:
                    continue
                raise ValueError(f"{plan.kind.__name__}.{missing[0]}") from error
        self.result += made

    def _is_special(self, line: str, number: int) -> bool:
        if self.ends.match(line):
            if self.open:
                self._cover_section(complete=True, note="", end=number)
            return True
        found = self.section.match(line)
        if found:
            if self.open:
                note = f"cut off: the table has no end before line {number}"
                self._cover_section(complete=False, note=note, end=number)
            self._learn(found)
            self.counters.clear()
            self.open = (self.context.get("table") or "", number)
            return True
        for header in self.headers:
            found = header.match(line)
            if found:
                self._learn(found)
                return True
        return bool(self.skip.match(line))

    def _learn(self, found: re.Match[str]) -> None:
        self.context.learn(found)
        self.ready.clear()

    def _heal(self, text: str, lines: list[str], first_line: int) -> None:
        """Takes a foreign message out of the middle of a line, and joins what it tore apart."""
        message = re.compile(self.head.heal)
        if not message.search(text):
            return
        for index in range(len(lines) - 2, -1, -1):
            found = message.search(lines[index])
            if found and found.start() > 0:
                rest = lines[index][found.end() :]
                lines[index] = lines[index][: found.start()] + (rest or lines[index + 1])
                if not rest:
                    lines[index + 1] = ""
                    self.healed[first_line + index] = first_line + index + 1

    def _gap(self, first: int, last: int, expected: str, text: str, lines: int = 1) -> None:
        self.lost += lines
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append(Gap(Source(self.path, first, last), expected, text[:SHOWN]))

    def _cover_section(self, *, complete: bool, note: str, end: int) -> None:
        table, begun = self.open or ("", 0)
        lost = any(begun <= gap.source.line <= end for gap in self.gaps)
        if lost and complete:
            complete, note = False, f"lines of table {table} could not be read"
        self.sections += self.context.section(table, complete, note)
        self.open = None


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else NEVER


def _nameless(head: Head) -> list[str]:
    """The header, section and end patterns without the names of their groups, which could occur twice in one regex."""
    patterns = [*head.header, head.section, head.ends]
    return [re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns if pattern]
