"""The part of a file that holds one API object, to point at the line that says something."""

from __future__ import annotations

from functools import lru_cache

from analyzer.facts.source import Source

_QUOTE = ord('"')


class Region:
    """Bytes `start` to `end` of a JSON or YAML file; `line` is the number of the line that byte `start` stands in.

    `last` is the number of its last line; if it is None, lines are counted as far as they are asked for.
    """

    __slots__ = (
        *("_data", "_end", "_far", "_furthest", "_known", "_last"),
        *("_line", "_offset", "_path", "_single", "_start", "yaml"),
    )

    def __init__(
        self, path: str, data: bytes, start: int, end: int, line: int, last: int | None = None, yaml: bool = False
    ) -> None:
        self._path, self._data, self._start, self._end = path, data, start, end
        self._line, self._last = line, last
        self._single = line == last if last is not None else data.find(b"\n", start, end) < 0
        # The last place whose line was worked out, which the next one is often close to; and the furthest.
        self._offset, self._known = start, line
        self._far, self._furthest = start, line
        self.yaml = yaml

    @property
    def last(self) -> int:
        """The number of the last line."""
        if self._last is None:
            self._last = self._furthest + self._data.count(b"\n", self._far, self._end)
        return self._last

    def whole(self) -> Source:
        """All lines of the object."""
        return Source(self._path, self._line, self.last)

    def at(self, key: str, value: str | int | None = None, after: str = "", wide: bool = False) -> Source:
        """The line that gives `key` (and this value), the first one after the key `after`; else the object's first.

        With `wide`, from there to the end of the object.
        """
        if self._single:
            return Source(self._path, self._line, self._line)
        begin = self._start
        if after and (found := self._key(after, begin)) >= 0:
            begin = found
        offset = self._key(key, begin)
        if value is not None and offset >= 0:
            needles = self._needles(key, value)
            # Mostly the first such key has the value, which is quicker to see than to search.
            if not self._data.startswith(needles[0], offset, self._end):
                offset = -1
                for needle in needles:
                    offset = self._data.find(needle, begin, self._end) if offset < 0 else offset
        return self._source(offset, wide)

    def _key(self, key: str, begin: int) -> int:
        """Where this key is written first."""
        needle = _key(key, self.yaml)
        offset = self._data.find(needle, begin, self._end)
        if self.yaml or offset < 0:
            return offset
        # Without its first quote a text is found in half the time, because quotes are what JSON is full of.
        while self._data[offset - 1] != _QUOTE or offset <= begin:
            offset = self._data.find(needle, offset + 1, self._end)
            if offset < 0:
                return offset
        return offset - 1

    def at_text(self, text: str) -> Source:
        """The first line that holds this text; else the object's first."""
        return self._source(self._data.find(text.encode("utf-8", "replace"), self._start, self._end), False)

    def _source(self, offset: int, wide: bool) -> Source:
        if offset < 0:
            return Source(self._path, self._line, self.last if wide else self._line)
        if offset >= self._offset:
            line = self._known + self._data.count(b"\n", self._offset, offset)
        elif offset - self._start < self._offset - offset:
            line = self._line + self._data.count(b"\n", self._start, offset)
        else:
            line = self._known - self._data.count(b"\n", offset, self._offset)
        if offset > self._far:
            self._far, self._furthest = offset, line
        self._offset, self._known = offset, line
        return Source(self._path, line, self.last if wide else line)

    def _needles(self, key: str, value: str | int) -> tuple[bytes, ...]:
        said = str(value).encode("utf-8", "replace")
        written = _key(key, self.yaml)
        if self.yaml:
            return b"%b %b" % (written, said), b'%b "%b"' % (written, said), b"%b '%b'" % (written, said)
        said = said if isinstance(value, int) else b'"%b"' % said
        return b'"%b %b' % (written, said), b'"%b%b' % (written, said)


@lru_cache(maxsize=1024)
def _key(key: str, yaml: bool) -> bytes:
    """The key as it is written; in JSON without the quote before it."""
    return (f"{key}:" if yaml else f'{key}":').encode("utf-8", "replace")
