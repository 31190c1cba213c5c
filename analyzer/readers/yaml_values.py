"""What YAML is read into: documents, the elements of their lists with lines, and plain scalars."""

from __future__ import annotations

import re
from typing import Any

import msgspec

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})$")
_FLOAT = re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}(e[-+]?[0-9]{1,3})?$")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WORDS |= {"yes": True, "no": False, "on": True, "off": False}


class Broken(ValueError):
    """YAML that cannot be read on: what is wrong, and in which line (1-based)."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


class Item(msgspec.Struct):
    """One element of the `items` of a document, or the document itself, with its first and last line (0-based)."""

    value: Any
    first: int
    last: int


class Document(msgspec.Struct):
    """A document: its value without the elements of `items`, and those; `broken` if it did not end."""

    value: Any
    items: list[Item] | None
    first: int
    last: int
    broken: Broken | None = None


def scalar(text: str) -> object:
    """A plain scalar as YAML 1.2 has it, and yes/no/on/off; times, base 60 and octal numbers stay texts."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else _WORDS.get(text.lower(), text)


def key(value: object) -> str:
    """A key of a map, which is a text whatever it looks like."""
    return value if isinstance(value, str) else str(value)[:200]
