"""YAML as kubectl writes it, line by line and at several times the speed of a YAML parser.

Only what is sure to mean the same to that parser is read here; an element of a list of objects that is not is handed
over to it, and so is the rest of the text where that does not help.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from analyzer.readers.yaml_lines import BLANK, LIST, LITERAL, MAP, OPEN, PLAIN, QUOTED, START, TEXT, Line, line_of
from analyzer.readers.yaml_scalars import Other, continued, literal, quoted
from analyzer.readers.yaml_values import Document, Item

DEEPEST = 100
MOST_KNOWN_LINES = 100_000
_STRANGE = re.compile("[^\x20-\x7e\n\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_REFERENCE = re.compile(r"(?:^|[\s\[{,])[&*][^\s'\"]", re.MULTILINE)

Parser = Callable[[str], Iterator[Document]]


class Unsure(Exception):
    """Text that is not read here: from `line` on (0-based), and that text."""

    def __init__(self, line: int, rest: str) -> None:
        super().__init__(f"line {line}")
        self.line, self.rest = line, rest


def blocks(text: str, parse: Parser) -> Iterator[Document]:
    """Each document; Unsure at the first that has to be read otherwise. `parse` reads single elements of lists."""
    plain = text.replace("\r\n", "\n")
    if _STRANGE.search(plain):
        raise Unsure(0, text)
    lines = plain.split("\n")
    ended = not lines[-1]
    if ended:
        lines.pop()
    at, known = 0, dict[str, Line]()
    while at < len(lines):
        reader = _Reader(lines, at, ended, known, parse)
        try:
            document = reader.read()
        except Other:
            raise Unsure(at, "\n".join(lines[at:]) + "\n" * ended) from None
        if document:
            yield document
        at = reader.end


class _Reader:
    """One document: a stack of open maps and lists, each with the column that its keys or dashes stand in."""

    def __init__(self, lines: list[str], at: int, ended: bool, known: dict[str, Line], parse: Parser) -> None:
        self._lines, self._at, self._ended, self._known, self._parse = lines, at, ended, known, parse
        self.end = at
        self._boxes: list[Any] = [None]
        self._columns = [-1]
        self._items: list[Item] | None = None
        self._list: Any = self
        # The line of the element that is being read, and the number of elements before it.
        self._element, self._before = 0, 0
        self._first, self._last = -1, 0
        self._root: Any = None

    def read(self) -> Document | None:
        """The document that starts here, None if there is only comment; afterwards `end` is where the next starts."""
        at = self._at
        while True:
            try:
                self._read(at)
                break
            except Other:
                at = self._skip()
        if self._first < 0:
            if self._lines[self._at] == "---":
                raise Other
            return None
        return Document(self._root, self._items, self._first, max(self._last, self.end - 1))

    def _read(self, at: int) -> None:
        lines, known, boxes, columns = self._lines, self._known, self._boxes, self._columns
        box, column = boxes[-1], columns[-1]
        listed = type(box) is list
        pending, name, count = box is None, "", len(lines)
        before, value_kind = -1, BLANK  # the line before with text, and what its value was
        while at < count:
            line = lines[at]
            try:
                indent, dash, key, kind, value = known[line]
            except KeyError:
                if len(known) > MOST_KNOWN_LINES:
                    known.clear()
                indent, dash, key, kind, value = known[line] = line_of(line)
            if kind == BLANK:
                at += 1
                continue
            self.end = at
            if kind == START:
                if self._first >= 0:
                    break
                if at != self._at:
                    # comments before the first document
                    self._at = at
                at += 1
                if before >= 0:
                    raise Other
                before = at
                continue
            if pending:
                pending = False
                if kind >= TEXT or (key is None and not dash):
                    raise Other
                if indent > column or (dash and indent == column and not listed):
                    new: Any = [] if dash else {}
                    if box is None:
                        if indent:
                            raise Other
                        self._root, self._first = new, at
                        if dash:
                            self._items, self._list = [], new
                    elif listed:
                        box.append(new)
                    else:
                        box[name] = new
                        if dash and name == "items" and len(boxes) == 2:
                            if self._items is not None:
                                raise Other
                            self._items, self._list = [], new
                    box, column, listed = new, indent, dash
                    boxes.append(box)
                    columns.append(column)
                    if len(boxes) > DEEPEST:
                        raise Other
                elif listed:
                    box.append(None)
                else:
                    box[name] = None
            if indent != column or dash != listed:
                if indent > column:
                    if value_kind != PLAIN:
                        raise Other
                    value, at = continued(lines, before, at, column)
                    if listed:
                        box[-1] = value
                    else:
                        box[name] = value
                    value_kind = TEXT
                    continue
                while True:
                    if boxes.pop() is self._list:
                        self._close(at)
                    columns.pop()
                    column = columns[-1]
                    if column < indent or (column == indent and (type(boxes[-1]) is list) == dash):
                        break
                box, listed = boxes[-1], dash
                if column != indent:
                    raise Other
            if kind >= TEXT:
                raise Other
            if dash:
                if box is self._list:
                    self._close(at)
                    self._element, self._before = at, len(self._items or ())
                    if key is None:
                        raise Other
                if key is not None:
                    new = {}
                    if box is self._list:
                        self._items.append(Item(new, at, -1))  # type: ignore[union-attr]
                    else:
                        box.append(new)
                    box, column, listed = new, indent + 2, False
                    boxes.append(box)
                    columns.append(column)
            before, value_kind = at, kind
            at += 1
            if kind == OPEN:
                pending, name = True, key or ""
                continue
            if kind > QUOTED:
                if kind == MAP:
                    value = {}
                elif kind == LIST:
                    value = []
                    if key == "items" and len(boxes) == 2:
                        if self._items is not None:
                            raise Other
                        self._items = []
                elif kind == LITERAL:
                    value, at = literal(lines, str(value), at, column, self._ended)
                    self._last = max(self._last, at)
                else:
                    value, at = quoted(lines, str(value), at, kind)
            if key is None:
                box.append(value)
            else:
                name = key
                box[key] = value
        else:
            self.end = at
        if pending and box is not None:
            if listed:
                box.append(None)
            else:
                box[name] = None
        self._close(self.end)

    def _close(self, at: int) -> None:
        """The element before ends at this line."""
        if self._items and self._items[-1].last < 0:
            self._items[-1].last = at - 1

    def _skip(self) -> int:
        """Have the element that was not understood read by the parser; the line behind it. Other if that fails."""
        depth = next((number for number, box in enumerate(self._boxes) if box is self._list), None)
        if depth is None or self._items is None:
            raise Other
        column, lines, items = self._columns[depth], self._lines, self._items
        start = self.end if lines[self.end].startswith(" " * column + "-") else self._element
        if start != self._element:
            self._close(start)
            self._before = len(items)
        del items[self._before :]
        at = start + 1
        while at < len(lines):
            bare = lines[at].lstrip(" ")
            if bare and bare[0] != "#" and len(lines[at]) - len(bare) <= column:
                break
            at += 1
        text = "\n".join(lines[start:at]) + "\n" * (at < len(lines) or self._ended)
        found = [] if _REFERENCE.search(text) else list(self._parse(text))
        if len(found) != 1 or found[0].broken or found[0].items is None or len(found[0].items) != 1:
            raise Other
        item = found[0].items[0]
        items.append(Item(item.value, item.first + start, item.last + start))
        self._last = max(self._last, found[0].last + start)
        self._element, self._before, self.end = at, len(items), at
        del self._boxes[depth + 1 :], self._columns[depth + 1 :]
        return at
