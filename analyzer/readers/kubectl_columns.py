"""Tables as kubectl prints them: cells by the position of their column's title, however wide the values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec

_TITLES = re.compile(r"\S+(?: \S+)*")
# Column titles of one word follow each other with at least two blanks; NAMESPACE or NAME comes first,
# LAST SEEN in tables of events without namespace.
HEADER = re.compile(r"(NAMESPACE|NAME|LAST SEEN|LASTSEEN|CONTAINER|POD ID|CONTAINER ID)(\s{2,}[A-Z]|\s*$)")


# JSON path of -o custom-columns -> the title that kubectl itself gives that value
_PATHS = {
    "metadata.name": "NAME", "metadata.namespace": "NAMESPACE", "spec.nodeName": "NODE", "status.podIP": "IP",
    "status.phase": "PHASE",
    "status.nodeInfo.kubeletVersion": "VERSION",
}  # fmt: skip
_CUSTOM = re.compile(r"custom-columns=[\"']?([^\"'\s]+)")


class Row(msgspec.Struct, frozen=True):
    """A line of a table: its number and its cells by title; "<none>" and empty cells are ""."""

    line: int
    cells: dict[str, str]
    text: str

    def get(self, *titles: str) -> str:
        """The cell of the first of these titles that the table has; "" if none."""
        return next((self.cells[title] for title in titles if title in self.cells), "")


class Columns:
    """The columns of one header line."""

    def __init__(self, header: str, custom: dict[str, str] | None = None) -> None:
        """`custom` gives kubectl's own title for titles of -o custom-columns."""
        found = list(_TITLES.finditer(header.rstrip()))
        self.titles = tuple((custom or {}).get(match[0], match[0]) for match in found)
        self._starts = tuple(match.start() for match in found)

    def row(self, number: int, line: str) -> Row | None:
        """The cells of a line; None if it fits the columns neither by position nor by number."""
        bounds = [*self._starts, len(line)]
        fits = all(line[start - 1 : start] in ("", " ") for start in self._starts[1:])
        # A cell that holds several blanks in a row is two cells: the line is shifted.
        values = [line[start:end].strip() for start, end in pairwise(bounds)]
        if not fits or any("  " in value for value in values[:-1]):
            parts = re.split(r"\s{2,}", line.strip(), maxsplit=len(self.titles) - 1)
            if len(parts) != len(self.titles):
                return None
            values = parts
        cells = ("" if value in ("<none>", "<unset>") else value for value in values)
        return Row(number, dict(zip(self.titles, cells, strict=True)), line)


def custom_titles(command: str) -> dict[str, str]:
    """The titles that a command with -o custom-columns prints, in order, each with kubectl's own title or itself."""
    found = _CUSTOM.search(command)
    columns = [part.partition(":") for part in found[1].split(",")] if found else []
    return {title: _PATHS.get(path.strip("{}").lstrip("."), f"{title} ({path})") for title, _, path in columns if path}


def titles(line: str) -> tuple[str, ...]:
    """The column titles of a header line; () if it is none."""
    if not HEADER.match(line):
        return ()
    found = tuple(match[0] for match in _TITLES.finditer(line.rstrip()))
    return found if all(title == title.upper() for title in found) else ()


def ages(text: str) -> float | None:
    """Seconds of an age such as 3m50s, 2d3h or 27m; None if it is none."""
    units = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
    if not re.fullmatch(r"(\d+[ywdhms])+", text):
        return None
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([ywdhms])", text)))


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """key=value pairs of a selector or of labels as one cell."""
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if sign and key:
            yield key.strip(), value.strip()
