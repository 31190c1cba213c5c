"""The part of a file that holds one API object, to point at the line that says something."""

from __future__ import annotations

from analyzer.facts.source import Source


class Region:
    """Bytes `start` to `end` of a JSON or YAML file; `line` is the number of the line that byte `start` stands in."""

    __slots__ = ("_data", "_end", "_last", "_line", "_path", "_start", "yaml")

    def __init__(self, path: str, data: bytes, start: int, end: int, line: int, last: int, yaml: bool = False) -> None:
        self._path, self._data, self._start, self._end = path, data, start, end
        self._line, self._last = line, last
        self.yaml = yaml

    def whole(self) -> Source:
        """All lines of the object."""
        return Source(self._path, self._line, self._last)

    def at(self, key: str, value: str | int | None = None, after: str = "", wide: bool = False) -> Source:
        """The line that gives `key` (and this value), the first one after the key `after`; else the object's first.

        With `wide`, from there to the end of the object.
        """
        if self._line == self._last:
            return Source(self._path, self._line, self._last)
        begin = self._start
        if after and (found := self._find(after, None, begin)) >= 0:
            begin = found
        return self._source(self._find(key, value, begin), wide)

    def at_text(self, text: str) -> Source:
        """The first line that holds this text; else the object's first."""
        return self._source(self._data.find(text.encode("utf-8", "replace"), self._start, self._end), False)

    def _source(self, offset: int, wide: bool) -> Source:
        line = self._line if offset < 0 else self._line + self._data.count(b"\n", self._start, offset)
        return Source(self._path, line, self._last if wide else line)

    def _find(self, key: str, value: str | int | None, begin: int) -> int:
        for needle in self._needles(key, value):
            offset = self._data.find(needle.encode("utf-8", "replace"), begin, self._end)
            if offset >= 0:
                return offset
        return -1

    def _needles(self, key: str, value: str | int | None) -> tuple[str, ...]:
        if self.yaml:
            return (f"{key}:",) if value is None else (f"{key}: {value}", f'{key}: "{value}"', f"{key}: '{value}'")
        if value is None:
            return (f'"{key}":',)
        said = str(value) if isinstance(value, int) else f'"{value}"'
        return f'"{key}": {said}', f'"{key}":{said}'
