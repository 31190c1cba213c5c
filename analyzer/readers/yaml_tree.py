"""YAML text as plain values: what kubectl writes line by line, the rest from parser events.

Neither is recursive; aliases are counted, and what was complete before an error is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from analyzer.readers.yaml_block import Unsure, blocks
from analyzer.readers.yaml_values import Broken, Document, Item, key, scalar

__all__ = ["Broken", "Document", "Item", "documents", "parsed", "tree"]

DEEPEST = 200
MOST_VALUES_OF_ALIASES = 200_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def tree(text: str) -> Iterator[Any]:
    """Each document's value; Broken if one cannot be read."""
    for document in documents(text):
        if document.broken:
            raise document.broken
        if document.items is not None and isinstance(document.value, dict):
            yield {**document.value, "items": [item.value for item in document.items]}
        else:
            yield document.value


def documents(text: str) -> Iterator[Document]:
    """Each document of the text; the last one may be broken and then holds what was complete before the error."""
    try:
        yield from blocks(text, parsed)
    except Unsure as unsure:
        # Empty lines before the rest keep its line numbers.
        yield from parsed("\n" * unsure.line + unsure.rest)


def parsed(text: str) -> Iterator[Document]:
    """The same, from the events of a parser that knows all of YAML."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if builder.take(event):
                yield builder.document()
                builder = _Builder()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        yield builder.document(Broken(str(error.problem), mark.line + 1 if mark else 1))
    except yaml.YAMLError as error:
        yield builder.document(Broken(str(error).split("\n", 1)[0], 1))
    except Broken as error:
        yield builder.document(error)


_NO_KEY = object()


class _Open(msgspec.Struct):
    """A map or list that has not ended: its anchor, first line, the number of values before it, if it lists items."""

    container: Any
    anchor: str | None
    line: int
    before: int
    lists_items: bool
    key: Any = _NO_KEY


class _Builder:
    """The document that is being read: a stack of open maps and lists instead of recursion."""

    def __init__(self) -> None:
        self._root: Any = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        self._expanded = 0
        self._items: list[Item] | None = None
        self._first: int | None = None
        self._last = 0

    def document(self, broken: Broken | None = None) -> Document:
        """What was read."""
        return Document(self._root, self._items, self._first or 0, self._last, broken)

    def take(self, event: Any) -> bool:
        """Use one event; true if it ends the document."""
        kind = type(event)
        if kind is yaml.ScalarEvent:
            plain = event.implicit[0] and event.tag is None
            line = event.start_mark.line
            self._values += 1
            self._attach(scalar(event.value) if plain else event.value, event.anchor, 1, line, event.end_mark.line)
        elif kind is yaml.MappingStartEvent:
            self._open({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._open([], event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._close(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        return kind is yaml.DocumentEndEvent

    def _open(self, container: Any, event: Any) -> None:
        line = event.start_mark.line
        if len(self._stack) >= DEEPEST:
            raise Broken(f"nested deeper than {DEEPEST}", line + 1)
        around = self._stack[-1] if self._stack else None
        if around and isinstance(around.container, dict) and around.key is _NO_KEY:
            raise Broken("a key that is not a text", line + 1)
        if around is None:
            self._root = container
        # The elements of a list of objects are kept apart, with their lines: of `items`, or of a bare list.
        named = around is None or (len(self._stack) == 1 and around.key == "items")
        lists_items = named and isinstance(container, list) and self._items is None
        if lists_items:
            self._items = []
        self._stack.append(_Open(container, event.anchor, line, self._values, lists_items))
        self._values += 1

    def _close(self, event: Any) -> None:
        ended = self._stack.pop()
        # The end of a block is noticed at the token behind it, which stands in a later line.
        block = event.start_mark.index == event.end_mark.index
        last = max(ended.line, event.end_mark.line - 1 if block else event.end_mark.line)
        self._attach(ended.container, ended.anchor, self._values - ended.before, ended.line, last)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line
        if event.anchor not in self._anchors:
            raise Broken(f"unknown alias *{event.anchor}", line + 1)
        value, size = self._anchors[event.anchor]
        self._expanded += size
        self._values += size
        if self._expanded > MOST_VALUES_OF_ALIASES:
            raise Broken(f"aliases stand for more than {MOST_VALUES_OF_ALIASES} values", line + 1)
        self._attach(value, None, size, line, line)

    def _attach(self, value: Any, anchor: str | None, size: int, first: int, last: int) -> None:
        if anchor:
            self._anchors[anchor] = (value, size)
        if self._first is None or first < self._first:
            self._first = first
        self._last = max(self._last, last)
        if not self._stack:
            self._root = value
            return
        around = self._stack[-1]
        if around.lists_items and self._items is not None:
            self._items.append(Item(value, first, last))
        elif isinstance(around.container, list):
            around.container.append(value)
        elif around.key is _NO_KEY:
            around.key = key(value)
        else:
            around.container[around.key] = value
            around.key = _NO_KEY
