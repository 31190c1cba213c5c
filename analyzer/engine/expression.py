"""A condition as a typed tree. Values carry their type; a test is true, false, or neither where a value is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from analyzer.engine.fields import FieldType


class Refer(msgspec.Struct, frozen=True):
    """A field of a named fact, or the fact itself (field ""). `item` picks from labels; `captured`: `text:` gave it."""

    name: str
    field: str
    type: FieldType
    item: str | None = None
    captured: bool = False


class Constant(msgspec.Struct, frozen=True):
    """A literal, already of the type it is compared with; a list is a tuple. `text` is how the author wrote it."""

    value: Any
    type: FieldType
    text: str


class Sum(msgspec.Struct, frozen=True):
    """A sum or difference of numbers."""

    operator: str
    left: Value
    right: Value
    type: FieldType


class Part(msgspec.Struct, frozen=True):
    """The namespace or the name that a reference holds; made by the planner, never written."""

    of: Value
    first: bool
    type: FieldType


class Compare(msgspec.Struct, frozen=True):
    """Two values of one type, compared."""

    operator: str
    left: Value
    right: Value


class Contained(msgspec.Struct, frozen=True):
    """An item in a list, text in text, an address or network in a network, a key in labels."""

    item: Value
    container: Value


class Selects(msgspec.Struct, frozen=True):
    """A label selector held against labels."""

    selector: Value
    labels: Value


class Matches(msgspec.Struct, frozen=True):
    """A regular expression found in a text."""

    value: Value
    pattern: str


class Near(msgspec.Struct, frozen=True):
    """Two times at most some seconds apart."""

    left: Value
    right: Value
    seconds: float


class Presence(msgspec.Struct, frozen=True):
    """Whether a value is there; the only test that a missing value can pass."""

    value: Value
    present: bool


class Truth(msgspec.Struct, frozen=True):
    """A true/false field standing alone."""

    value: Refer


class Negation(msgspec.Struct, frozen=True):
    """The contrary of a test."""

    of: Test


class Both(msgspec.Struct, frozen=True):
    """Several tests that all hold."""

    of: tuple[Test, ...]


class Either(msgspec.Struct, frozen=True):
    """Several tests of which one holds."""

    of: tuple[Test, ...]


Value = Refer | Constant | Sum | Part
Test = Compare | Contained | Selects | Matches | Near | Presence | Truth | Negation | Both | Either


def references(tree: Value | Test) -> Iterator[Refer]:
    """Every mention of a fact, left to right."""
    if isinstance(tree, Refer):
        yield tree
        return
    for name in tree.__struct_fields__:
        part = getattr(tree, name)
        for one in part if isinstance(part, tuple) else (part,):
            if isinstance(one, Value | Test):
                yield from references(one)


def mentioned(tree: Value | Test) -> frozenset[str]:
    """Names of the facts that a tree mentions."""
    return frozenset(refer.name for refer in references(tree))


def conjuncts(test: Test) -> Iterator[Test]:
    """The tests that must all hold for this one to hold."""
    if isinstance(test, Both):
        for one in test.of:
            yield from conjuncts(one)
    else:
        yield test
