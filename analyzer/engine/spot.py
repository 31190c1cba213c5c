"""A line of a rule file, what names stand for there, and words that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NoReturn

import msgspec

from analyzer.engine.fields import FieldType
from analyzer.errors import DefinitionError
from analyzer.facts.fact import Fact

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Spot(msgspec.Struct, frozen=True):
    """A line of a rule file."""

    path: str
    line: int

    def error(self, message: str, hint: str = "") -> DefinitionError:
        """The error that something is wrong on this line."""
        return DefinitionError(self.path, self.line, message, hint)

    def fail(self, message: str, hint: str = "") -> NoReturn:
        """Raise a DefinitionError about this line."""
        raise self.error(message, hint)


class Bound(msgspec.Struct, frozen=True):
    """What a name of a rule stands for: a fact type, the fields its `text:` captures, and why it may not be used."""

    kind: type[Fact]
    captures: dict[str, FieldType] = {}
    barred: str = ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, or ""."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""


def seconds(text: str) -> float | None:
    """The length of a time such as 5m or 90s, in seconds; None if it is not one."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.replace(".", "", 1).isdigit():
        return None
    return float(number) * UNITS[unit]
