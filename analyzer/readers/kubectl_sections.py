"""The indented `Key: value` text of `kubectl describe`, as objects of sections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

import msgspec

_KEY = re.compile(r"(\s*)([A-Za-z][\w ().,/-]*?):(?:\s+(.*))?$")


class Section(msgspec.Struct, frozen=True):
    """A key, the value beside it, and the lines below that are indented deeper, each with its number."""

    key: str
    value: str
    line: int
    body: tuple[tuple[int, str], ...]

    def texts(self) -> list[str]:
        """The value and the lines below, as one list; empty where kubectl prints <none>."""
        found = [self.value, *(text.strip() for _, text in self.body)]
        return [text for text in found if text and text not in ("<none>", "<unset>")]

    def inner(self) -> list[Section]:
        """The sections of the body."""
        return sections(self.body)

    def table(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Rows of a table below the key: cells, without titles and dashes."""
        for number, text in self.body:
            cells = tuple(re.split(r"\s{2,}", text.strip()))
            if cells and not set(text) <= set(" -"):
                yield number, cells


class Described(msgspec.Struct, frozen=True):
    """One object: all its lines and its sections of the first level, in order; keys may repeat."""

    line: int
    last: int
    sections: tuple[Section, ...]

    def get(self, key: str) -> Section | None:
        """The first section with this key."""
        return next((section for section in self.sections if section.key == key), None)

    def text(self, *keys: str) -> str:
        """The value of the first of these keys that is there; "" for none."""
        found = next((section for key in keys if (section := self.get(key))), None)
        return "" if found is None or found.value in ("<none>", "<unset>") else found.value

    def keys(self) -> set[str]:
        """The keys of the first level."""
        return {section.key for section in self.sections}


def objects(lines: Sequence[tuple[int, str]]) -> list[Described]:
    """The objects of an output: each starts with a line "Name:" at the margin."""
    starts = [index for index, (_, text) in enumerate(lines) if text.startswith("Name:")]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        part = [(number, text) for number, text in lines[start:end] if text.strip()]
        found.append(Described(part[0][0], part[-1][0], tuple(sections(part))))
    return found


def sections(lines: Sequence[tuple[int, str]]) -> list[Section]:
    """The sections at the smallest indentation of these lines."""
    if not lines:
        return []
    margin = min(len(text) - len(text.lstrip()) for _, text in lines)
    found: list[Section] = []
    body: list[tuple[int, str]] = []
    open_: tuple[str, str, int] | None = None
    for number, text in lines:
        key = _KEY.match(text)
        if key and len(key[1]) == margin:
            if open_:
                found.append(Section(*open_, tuple(body)))
            open_, body = (key[2], (key[3] or "").strip(), number), []
        else:
            body.append((number, text))
    if open_:
        found.append(Section(*open_, tuple(body)))
    return found


def moment(text: str) -> str | None:
    """A time as describe prints it ("Mon, 23 Nov 2026 11:46:20 +0000"), as ISO 8601; None if it is none."""
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def labels(section: Section | None) -> dict[str, str] | None:
    """key=value lines; None if the section is missing."""
    if section is None:
        return None
    return {key: value for text in section.texts() for key, sign, value in (text.partition("="),) if sign}
