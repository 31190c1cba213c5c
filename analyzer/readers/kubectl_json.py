"""`kubectl get -o json`: lists, single objects, bare arrays, several documents in one file."""

from __future__ import annotations

import re

import msgspec

from analyzer.facts.acyclic import acyclic
from analyzer.facts.fact import Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.readers.kubectl_collected import Collected, named
from analyzer.readers.kubectl_convert import KINDS
from analyzer.readers.kubectl_documents import JsonDocument, Piece, documents
from analyzer.readers.kubectl_objects import Item
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_scope import asked, kind_of
from analyzer.text import decode, wide

ARTIFACT = "kubectl-json"
COMMAND = "kubectl get {resource} -A -o json"
PER = "cluster"
FILES = ("**/cluster/*.json", "**/cluster-info-dump/**/*.json", "**/cluster-resources/**/*.json", "**/kubectl*json*")
BEGINS = (
    r'^\s*\{\s*"(apiVersion|kind|items|metadata|action|addressType)"\s*:',
    r'^\s*\[\s*\{\s*"(metadata|apiVersion|kind)"\s*:',
)
RANK = 90

# What kubectl and the wrappers around it print before and between documents.
_KNOWN = re.compile(
    rb"Warning: |[EWIF]\d{4} \d\d:|==== (START|END) |\s*$|.*[#$+>] *kubectl |\+ |No resources found|command terminated"
)
_OF_COMPONENT = re.compile(r'"apiVersion"\s*:\s*"[\w.]+\.config\.k8s\.io/')
_HEAD = msgspec.json.Decoder(Item)
_DECODERS = {name: msgspec.json.Decoder(kind.struct) for name, kind in KINDS.items()}
_LENIENT = {name: msgspec.json.Decoder(kind.struct, strict=False) for name, kind in KINDS.items()}


def SNIFF(head: str) -> bool:
    """Whether it is not the configuration of a component, which has a kind too."""
    return not _OF_COMPONENT.search(head)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Facts of every object in the file, whatever surrounds the documents."""
    if wide(data[:512]) or b"\x1b" in data or b"\0" in data:
        data = decode(data).encode("utf-8", "replace")
    reader = _Reader(data, path, place, first_line, command)
    position = 0
    with acyclic():
        for document in documents(data):
            reader.between(position, document.start)
            reader.document(document)
            position = document.end
    reader.between(position, len(data))
    return reader.collected.parsed(reader.lines())


class _Reader:
    """One file: its bytes, a line counter that only moves forward, and what was found so far."""

    def __init__(self, data: bytes, path: str, place: Place, first_line: int, command: str) -> None:
        self._data, self._path, self._place = data, path, place
        self._offset, self._line, self._first = 0, first_line, first_line
        self._asked = asked(command, path, place)
        self._guess = ""
        self.collected = Collected(path)

    def between(self, start: int, end: int) -> None:
        """Text that is no document: known words of kubectl, container logs of a cluster dump, or gaps."""
        log = False
        for line in self._data[start:end].split(b"\n"):
            at = start
            start += len(line) + 1
            log = line.startswith(b"==== START logs") or (log and not line.startswith(b"==== END logs"))
            if not log and not _KNOWN.match(line):
                number = self._number(min(at, len(self._data)))
                text = line.decode("utf-8", "replace").strip()
                self.collected.gap(Gap(Source(self._path, number, number), "a JSON document of kubectl", text[:400]))

    def document(self, document: JsonDocument) -> None:
        """Facts and coverage of one document."""
        kinds: set[str] = set()
        spaces: set[str] = set()
        unread = ""
        listed = kind_of(document.kind) if document.listed else None
        self._guess = listed or self._guess
        for piece in document.pieces:
            line = self._number(piece.start)
            region = Region(self._path, self._data, piece.start, piece.end, line)
            kind = listed or ""
            try:
                kind, item = self._decoded(piece, listed)
            except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
                unread = f"an object at line {line} was not understood"
                what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
                text = self._data[piece.start : piece.start + 400].decode("utf-8", "replace")
                self.collected.gap(Gap(region.whole(), f"an API object: {what}", text), region.last - line + 1)
                continue
            if item is None:
                continue
            kinds.add(kind)
            meta = item.metadata
            if meta.namespace:
                spaces.add(meta.namespace)
            self.collected.facts.extend(KINDS[kind].convert(item, region))
            self._offset, self._line = piece.end, region.last
        if document.broken:
            line = self._number(document.at)
            rest = self._data.count(b"\n", document.at, document.end) + 1
            text = self._data[document.at : document.at + 400].decode("utf-8", "replace")
            self.collected.gap(Gap(Source(self._path, line, line + rest - 1), f"JSON: {document.broken}", text), rest)
            unread = f"{document.broken} at line {line}"
        if not kinds and document.listed and not document.pieces:
            kinds = {listed} if listed else set(self._asked.kinds)
        self.collected.cover(kinds, spaces, self._asked, unread, single=not document.listed)

    def _decoded(self, piece: Piece, listed: str | None) -> tuple[str, Item | None]:
        """The object and its kind; None if its kind gives no facts."""
        view = memoryview(self._data)[piece.start : piece.end]
        guess = listed or self._guess
        if guess:
            try:
                item = _DECODERS[guess].decode(view)
                if listed or item.kind == guess:
                    return guess, named(item, guess)
            except msgspec.ValidationError:
                pass
        head = _HEAD.decode(view)
        kind = head.kind or listed or guess or next(iter(self._asked.kinds), "")
        if kind not in KINDS:
            return kind, None
        self._guess = kind
        return kind, named(_LENIENT[kind].decode(view), kind)

    def lines(self) -> int:
        """How many lines the file has."""
        return self._number(len(self._data)) - self._first + (not self._data.endswith(b"\n"))

    def _number(self, offset: int) -> int:
        if offset >= self._offset:
            self._line += self._data.count(b"\n", self._offset, offset)
        else:
            self._line -= self._data.count(b"\n", offset, self._offset)
        self._offset = offset
        return self._line
