"""One artifact being read: lines to records, records to facts, with headers, sections, gaps and coverage."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from analyzer.facts import fact_types
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.frontmatter import Fill, Head
from analyzer.shapes import Misfit, Shapes
from analyzer.templates import Plan, Template, camel, snake
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
        self.head, self.kinds, self.shapes, self.path, self.place = head, tuple(facts), shapes, path, place
        self.command = command
        self.find = re.compile(head.words).findall
        self.special = _any([*head.skip, *_nameless(head)])
        self.skip = _any(head.skip)
        self.headers = [re.compile(pattern) for pattern in head.header]
        self.section = re.compile(head.section) if head.section else NEVER
        self.ends = re.compile(head.ends) if head.ends else NEVER
        self.fills: dict[type[Fact], list[tuple[Fill, dict[str, re.Pattern[str]]]]] = {}
        for fill in head.fill:
            tests = {name: re.compile(pattern) for name, pattern in fill.when.items()}
            self.fills.setdefault(fact_types()[camel(fill.fact)], []).append((fill, tests))
        self.context: dict[str, str] = self._given()
        self.bases: dict[type[Any], dict[str, Any]] = {}
        self.plain: dict[type[Any], tuple[tuple[str, ...], tuple[Any, ...], dict[str, str]]] = {}
        self.counts: dict[Any, int] = {}
        self.result: list[Fact] = []
        self.gaps: list[Gap] = []
        self.lost = 0
        self.open: tuple[str, int] | None = None
        self.sections: list[Coverage] = []
        self.healed: dict[int, int] = {}

    def read(self, text: str, first_line: int) -> Parsed:
        """The facts, gaps and coverage of the text."""
        lines = text.split("\n")
        total = sum(1 for line in lines if line and not line.isspace())
        if self.head.heal:
            self._heal(lines, first_line)
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
            coverage=self._coverage(text),
            lines=total,
            understood=total - self.lost,
        )

    def _lines(self, lines: Sequence[str], first_line: int) -> None:
        find, template, special = self.find, self.shapes.template, self.special.match
        path, healed = self.path, self.healed
        for number, line in enumerate(lines, first_line):
            if special(line) and self._is_special(line, number):
                continue
            words = find(line)
            if not words:
                continue
            found = template(words)
            end = healed.get(number, number) if healed else number
            if type(found) is Template:
                try:
                    if len(found.plans) == 1 and found.plans[0].kind not in self.fills:
                        self._fact(found, words, Source(path, number, end))
                    else:
                        self._facts(found, words, Source(path, number, end), line)
                except ValueError as error:
                    self._gap(number, end, str(error), line)
            elif isinstance(found, Misfit):
                self._gap(number, end, found.expected, line)

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

    def _fact(self, template: Template, words: Sequence[str], origin: Source) -> None:
        """As `_facts`, for the common record: one fact, and nothing to be filled in."""
        kind = template.plans[0].kind
        plain = self.plain.get(kind)
        if plain is None:
            base = self._base(kind)
            numbered = {name: by for name, by in self.head.number.items() if name in kind.__struct_fields__}
            plain = self.plain[kind] = (tuple(base), tuple(base.values()), numbered)
        names, context, numbered = plain
        maker = template.maker(names, numbered)
        if maker is None:
            self._facts(template, words, origin, "")
        else:
            self.result.append(maker(words, origin, context, self._number))

    def _number(self, key: Any) -> int:
        self.counts[key] = number = self.counts.get(key, 0) + 1
        return number

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
            said = self._base(plan.kind) | stated(words)
            values.append(said)
            if plan.parent >= 0 and self.head.inherit:
                around = values[plan.parent]
                for name, other in self.head.inherit.get(snake(plan.kind.__name__), {}).items():
                    said.setdefault(name, around.get(other))
            if plan.kind in self.fills:
                self._fill(plan, said, text)
            for name, by in self.head.number.items():
                if by in said and name in plan.kind.__struct_fields__:
                    said[name] = self._number(said[by])
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

    def _fill(self, plan: Plan, said: dict[str, Any], text: str) -> None:
        for fill, tests in self.fills[plan.kind]:
            if all(_holds(test, text if name == "text" else said.get(name)) for name, test in tests.items()):
                known = fields(plan.kind)
                for name, value in fill.set.items():
                    if fill.force or said.get(name) is None:
                        said[name] = known[name].convert(str(value)) if value is not None else None

    def _base(self, kind: type[Any]) -> dict[str, Any]:
        base = self.bases.get(kind)
        if base is None:
            known = fields(kind)
            base = {}
            for name, word in self.context.items():
                if name in known:
                    meaning = self.head.meaning(name)
                    base[name] = known[name].convert(meaning(word) if meaning else word)
            if self.place.netns is None and self.place.node is not None and "node" in known:
                base["node"] = NodeName(self.place.node)
            if self.place.netns is not None and "netns" in known:
                base["netns"] = self.place.netns
            self.bases[kind] = base
        return base

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
            self.counts.clear()
            self.open = (self.context.get("table", ""), number)
            return True
        for header in self.headers:
            found = header.match(line)
            if found:
                self._learn(found)
                return True
        return bool(self.skip.match(line))

    def _learn(self, found: re.Match[str]) -> None:
        for name, word in found.groupdict().items():
            if word is not None:
                self.context[name] = self.head.names.get(word, word)
        self.bases.clear()
        self.plain.clear()

    def _given(self) -> dict[str, str]:
        """Fields that the artifact's path and command line settle."""
        context: dict[str, str] = {}
        for pattern in self.head.path:
            found = re.search(pattern, self.path)
            for name, word in (found.groupdict() if found else {}).items():
                if word is not None:
                    context[name] = self.head.names.get(word, word)
        said = f"{self.command}\n{self.path.rsplit('/', 1)[-1]}"
        for name, choices in self.head.given.items():
            for value, pattern in choices.items():
                if re.search(pattern, said):
                    context[name] = value
                    break
        return context

    def _heal(self, lines: list[str], first_line: int) -> None:
        """Takes a foreign message out of the middle of a line, and joins what it tore apart."""
        message = re.compile(self.head.heal)
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
        table = self._table(table)
        self.sections += [self._entry(kind, complete, note, table) for kind in self.kinds]
        self.open = None

    def _coverage(self, text: str) -> tuple[Coverage, ...]:
        if self.head.section:
            return tuple(self.sections)
        complete, note = True, ""
        said = f"{self.command}\n{self.path.rsplit('/', 1)[-1]}"
        for pattern, reason in self.head.partial.items():
            if re.search(pattern, said):
                complete, note = False, reason
        if self.lost:
            complete, note = False, f"{self.lost} lines could not be read"
        table = self.context.get("table")
        kinds = [
            kind
            for kind in self.kinds
            if (needed := self.head.covers_when.get(kind.__name__)) is None or re.search(needed, text)
        ]
        return tuple(self._entry(kind, complete, note, table and self._table(table)) for kind in kinds)

    def _table(self, table: str) -> str:
        """The table's name in coverage: the tables of IPv6 are others than those of IPv4."""
        return f"ip6 {table}" if self.context.get("family") == "6" else table

    def _entry(self, kind: type[Fact], complete: bool, note: str, table: str | None) -> Coverage:
        return Coverage(
            fact=kind.__name__,
            node=self.place.node if self.place.netns is None else None,
            pod=self.place.netns,
            component=self.context.get("component"),
            table=table,
            complete=complete,
            note=note,
            path=self.path,
        )


def _holds(test: re.Pattern[str], value: Any) -> bool:
    if test.pattern == "":
        return value is None
    return value is not None and test.search(str(value)) is not None


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else NEVER


def _nameless(head: Head) -> list[str]:
    """The header, section and end patterns without the names of their groups, which could occur twice in one regex."""
    patterns = [*head.header, head.section, head.ends]
    return [re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns if pattern]
