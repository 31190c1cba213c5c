"""One pass over a log for the patterns of all rules: which lines match which of them, and where they stand.

A stream is read in chunks cut at line ends, so a line is never seen in two parts; only a line longer than a chunk is,
with an overlap. Each chunk goes through one multi-pattern database (hyperscan; without it a slower pure Python one with
the same results). Memory does not grow with the stream.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

from analyzer.cache import kept
from analyzer.logs.template import Capture, Template, compile_template

CHUNK = 1 << 20
OVERLAP = 8192
LONGEST_LINE = 16000
SAMPLE = 65536

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[^\n]\x08")
_QUOTED = {
    '"': rb'(?:\\*"|\xe2\x80[\x9c\x9d])',
    "'": rb"(?:\\*'|\xe2\x80[\x98\x99])",
    "<": rb"(?:<|\\u003c)",
    ">": rb"(?:>|\\u003e)",
    "&": rb"(?:&|\\u0026)",
}

Ends = list[tuple[int, int]]
Find = Callable[[bytes], Ends]


class Hit(NamedTuple):
    """A line that may match: its number, its bytes (at most 16,256 of them) and the patterns, by number."""

    line: int
    text: bytes
    patterns: tuple[int, ...]


Part = tuple[int, int]


def parts(stream: BinaryIO, size: int, count: int, chunk: int = CHUNK) -> list[Part]:
    """A seekable stream cut into at most `count` parts whose scans find together what one scan of all finds.

    Each begins behind the last line end of a block, where a scan of the whole keeps nothing of the blocks before; a
    border in a line longer than a block moves on. One part for UTF-16, whose lines are not told from bytes.
    """
    stream.seek(0)
    borders = [0]
    if not _decoder(stream.read(min(chunk, 512))):
        for number in range(1, count):
            block = max(size * number // count // chunk, borders[-1] // chunk + 1)
            while block * chunk < size:
                stream.seek((block - 1) * chunk)
                if cut := stream.read(chunk).rfind(b"\n") + 1:
                    borders.append((block - 1) * chunk + cut)
                    break
                block += 1
            else:
                break
    borders = list(dict.fromkeys(borders))
    return list(zip(borders, [*borders[1:], size], strict=True))


class Patterns:
    """Templates of rules, and marks (regular expressions of our own), compiled together on first use.

    Numbers of patterns: templates first, in order, then marks. Can be sent to another process.
    ValueError: a template is wrong.
    """

    def __init__(self, templates: Sequence[str], marks: Sequence[bytes] = (), *, pure: bool = False) -> None:
        self.templates = tuple(dict.fromkeys(templates))
        self.marks = tuple(marks)
        self.pure = pure
        self.compiled: tuple[Template, ...] = tuple(compile_template(source) for source in self.templates)
        self._find: Find | None = None

    def __reduce__(self) -> Any:
        return _restored, (self.templates, self.marks, self.pure)

    def find(self, chunk: bytes) -> Ends:
        """(end offset, pattern) of every match in a chunk, in order of offsets."""
        if self._find is None:
            self._find = _finder(self.templates, self.marks, self.pure)
        return self._find(chunk)

    def with_marks(self, marks: Sequence[bytes]) -> Patterns:
        """The same templates, and these marks behind them."""
        return _restored(self.templates, tuple(marks), self.pure)


@lru_cache(maxsize=8)
def _restored(templates: tuple[str, ...], marks: tuple[bytes, ...], pure: bool) -> Patterns:
    return Patterns(templates, marks, pure=pure)


@lru_cache(maxsize=8)
def _finder(templates: tuple[str, ...], marks: tuple[bytes, ...], pure: bool) -> Find:
    expressions = [expression(compile_template(source)) for source in templates] + list(marks)
    if not expressions:
        return lambda chunk: []
    if not pure:
        try:
            import hyperscan
        except ImportError:
            pure = True
        else:
            return _database(hyperscan, expressions)
    return _alternatives(expressions)


def _database(hyperscan: Any, expressions: list[bytes]) -> Find:
    def compiled() -> Any:
        made = hyperscan.Database()
        made.compile(
            expressions=expressions,
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[hyperscan.HS_FLAG_CASELESS] * len(expressions),
        )
        return made

    def loaded(data: bytes) -> Any:
        try:
            made = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
            made.scratch = hyperscan.Scratch(made)
        except hyperscan.error as error:  # made by another version, or for another processor
            raise ValueError(str(error)) from error
        return made

    database = kept("patterns", [str(hyperscan.__version__), *expressions], compiled, hyperscan.dumpb, loaded)

    def find(chunk: bytes) -> Ends:
        ends: Ends = []
        append = ends.append
        database.scan(chunk, match_event_handler=lambda number, start, end, flags, context: append((end, number)))
        return ends

    return find


def _alternatives(expressions: list[bytes]) -> Find:
    compiled = [re.compile(one, re.IGNORECASE) for one in expressions]

    def find(chunk: bytes) -> Ends:
        return sorted((found.end(), number) for number, one in enumerate(compiled) for found in one.finditer(chunk))

    return find


def expression(template: Template) -> bytes:
    """A regular expression that matches every raw line that the template may fit; what varies is left open."""
    pieces = [b".+" if isinstance(part, Capture) else _literal(part) for part in template.parts]
    while pieces and pieces[0] == b".+":
        del pieces[0]
    while pieces and pieces[-1] == b".+":
        del pieces[-1]
    return b"".join(pieces)


def _literal(text: str) -> bytes:
    return b"".join(_QUOTED.get(char) or re.escape(char.encode()) for char in text)


class Scan:
    """The hits of one stream. After iteration `lines` is the number of lines, `head` and `tail` its first, last text.

    `first` is the number of the first line. Hits come in order of lines; a line that is longer than LONGEST_LINE may
    give several, each with the beginning of the line and the text around one match. With `part` only that part of the
    stream is read.
    """

    def __init__(
        self, stream: BinaryIO, patterns: Patterns, first: int = 1, chunk: int = CHUNK, part: Part | None = None
    ) -> None:
        self._stream, self._patterns = stream, patterns
        self._first, self._size, self._part = first, chunk, part
        self.lines = 0
        self._number, self._counted = first, 0
        self.head = b""
        self._tail: deque[bytes] = deque(maxlen=2)

    @property
    def tail(self) -> bytes:
        """The last text of the stream, from the beginning of a line."""
        text = b"".join(self._tail)
        if len(text) > SAMPLE:
            text = text[-SAMPLE:]
            text = text[text.find(b"\n") + 1 :]
        return text

    def __iter__(self) -> Iterator[Hit]:
        number = self._first
        ended = True
        last, seen = 0, set[int]()
        for chunk in self._chunks():
            if len(self.head) < SAMPLE:
                self.head += chunk[: SAMPLE - len(self.head)]
            self._tail.append(chunk[-SAMPLE:])
            for hit in self._hits(chunk, number):
                if hit.line != last:
                    last, seen = hit.line, set(hit.patterns)
                    yield hit
                elif fresh := tuple(one for one in hit.patterns if one not in seen):
                    seen.update(fresh)
                    yield hit._replace(patterns=fresh)
            number = self._number + chunk.count(b"\n", self._counted)
            ended = chunk.endswith(b"\n")
        self.lines = number - self._first + (not ended)

    def _chunks(self) -> Iterator[bytes]:
        """Pieces of the stream that end at line ends; of a line that is too long, pieces that overlap."""
        rest = b""
        decoder: codecs.IncrementalDecoder | None = None
        begun = self._part is not None  # a part is of no UTF-16
        for data in self._blocks():
            if not begun:
                begun, decoder = True, _decoder(data)
            if decoder:
                data = decoder.decode(data).encode(errors="replace")
            cut = data.rfind(b"\n") + 1
            if cut:
                yield _cleaned(b"".join((rest, memoryview(data)[:cut])))
                rest = data[cut:]
                continue
            rest += data
            if len(rest) > max(self._size, 2 * OVERLAP):
                yield _cleaned(rest)
                rest = rest[-OVERLAP:]
        if rest:
            yield _cleaned(rest)

    def _blocks(self) -> Iterator[bytes]:
        """The stream as it is read: a part begins with what is left of the block it begins in."""
        if self._part is None:
            while data := self._stream.read(self._size):
                yield data
            return
        at, end = self._part
        self._stream.seek(at)
        while at < end and (data := self._stream.read(min(end - at, self._size - at % self._size))):
            at += len(data)
            yield data

    def _hits(self, chunk: bytes, number: int) -> Iterator[Hit]:
        """The hits of a chunk that begins in a line of this number; then the lines before `_counted` are counted."""
        self._number, self._counted = number, 0
        begin, end = 0, -1
        found: dict[int, None] = {}
        text = b""
        for match_end, pattern in self._patterns.find(chunk):
            if match_end > end:
                if found:
                    yield Hit(number, text, tuple(sorted(found)))
                    found = {}
                begin = chunk.rfind(b"\n", 0, match_end - 1) + 1
                end = chunk.find(b"\n", match_end - 1)
                end = len(chunk) if end < 0 else end
                number += chunk.count(b"\n", self._counted, begin)
                self._number, self._counted = number, begin
                text = chunk[begin:end]
                if end - begin > LONGEST_LINE:
                    window = max(begin, match_end - LONGEST_LINE // 2)
                    end = min(end, window + LONGEST_LINE)
                    head = chunk[begin : min(begin + 256, window)]
                    text = head + chunk[window:end]
            found[pattern] = None
        if found:
            yield Hit(number, text, tuple(sorted(found)))


def _cleaned(chunk: bytes) -> bytes:
    """A chunk without colours and overstrikes; its lines stay where they are."""
    if b"\x1b" in chunk or b"\x08" in chunk:
        return _CONTROL.sub(b"", chunk)
    return chunk


def _decoder(begin: bytes) -> codecs.IncrementalDecoder | None:
    """What turns UTF-16 (as PowerShell writes it) into text; None if the stream is not UTF-16."""
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return codecs.getincrementaldecoder("utf-16")(errors="replace")
    sample = begin[:512]
    if len(sample) >= 8 and sample[1::2].count(0) > len(sample) * 2 // 5:
        return codecs.getincrementaldecoder("utf-16-le")(errors="replace")
    return None
