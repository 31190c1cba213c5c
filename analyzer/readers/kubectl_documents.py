"""JSON documents in a file that may hold more: text before and between them, a cut-off end, wild nesting."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_START = re.compile(rb"^[ \t]*[{\[]", re.MULTILINE)
_MALFORMED = re.compile(r"trailing characters \(byte (\d+)\)")
_MARKS = re.compile(rb'["{}\[\]]')
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*")


class Envelope(msgspec.Struct, frozen=True):
    """A list as kubectl prints it; `items` stay undecoded."""

    kind: str = ""
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


_DECODE = msgspec.json.Decoder(Envelope)
_DECODE_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class Piece(msgspec.Struct, frozen=True):
    """One API object of a document: where it stands (byte offsets)."""

    start: int
    end: int


class JsonDocument(msgspec.Struct, frozen=True):
    """A document between two offsets: a list of objects, or one object.

    broken: what is wrong if it could not be read to its end; the objects before are there
    at: the offset of what is wrong
    """

    start: int
    end: int
    kind: str
    pieces: tuple[Piece, ...]
    listed: bool
    broken: str = ""
    at: int = 0


def documents(data: bytes) -> Iterator[JsonDocument]:
    """Every JSON document that starts a line, in order. Never raises."""
    position = 0
    while found := _START.search(data, position):
        start = found.end() - 1
        document = _read(data, start)
        if document is None:
            # Not JSON: "[root@n1 ~]# kubectl ..." or braces of a log line.
            position = found.end()
            if (newline := data.find(b"\n", position)) < 0:
                return
            position = newline + 1
            continue
        yield document
        position = document.end


def _read(data: bytes, start: int) -> JsonDocument | None:
    view = memoryview(data)[start:]
    end = len(data)
    for _ in range(2):
        try:
            if data[start : start + 1] == b"[":
                return _listed(data, start, end, "", _DECODE_ARRAY.decode(view))
            envelope = _DECODE.decode(view)
        except msgspec.ValidationError:
            return _recovered(data, start, "not as kubectl writes it")
        except msgspec.DecodeError as error:
            if not (found := _MALFORMED.search(str(error))):
                return _recovered(data, start, "cut off" if "truncated" in str(error) else str(error))
            # the number counts the first character behind the document
            end = start + int(found[1]) - 1
            view = view[: int(found[1]) - 1]
        except (RecursionError, UnicodeError):
            return _recovered(data, start, "nested too deeply")
        else:
            if isinstance(envelope.items, msgspec.UnsetType):
                return JsonDocument(start, end, envelope.kind, (Piece(start, end),), False)
            return _listed(data, start, end, envelope.kind, envelope.items or [])
    return _recovered(data, start, "malformed")


def _listed(data: bytes, start: int, end: int, kind: str, items: list[msgspec.Raw]) -> JsonDocument:
    pieces: list[Piece] = []
    if items:
        position = data.find(bytes(memoryview(items[0])), start + 1)
        for item in items:
            between = _BETWEEN.match(data, position)
            position = between.end() if between else position
            length = len(memoryview(item))
            pieces.append(Piece(position, position + length))
            position += length
    return JsonDocument(start, end, kind, tuple(pieces), True)


def _recovered(data: bytes, start: int, what: str) -> JsonDocument | None:
    """The complete objects of a document that cannot be decoded, found by counting brackets."""
    bare = data[start : start + 1] == b"["
    depth, position, item, inside = 0, start, -1, -1
    pieces: list[Piece] = []
    closed = -1
    while mark := _MARKS.search(data, position):
        position = mark.end()
        char = mark[0]
        if char == b'"':
            if not (string := _STRING_END.match(data, position)):
                break
            if depth == 1 and not bare and string[0] == b'items"':
                inside = 2
            position = string.end()
        elif char in b"{[":
            depth += 1
            if bare and depth == 1:
                inside = 1
            if char == b"{" and depth == inside + 1 and inside > 0:
                item = mark.start()
        else:
            depth -= 1
            if char == b"}" and item >= 0 and depth == inside:
                pieces.append(Piece(item, position))
                item = -1
            elif char == b"]" and depth == inside - 1:
                inside = -1
            if depth <= 0:
                closed = position
                break
    if not pieces and item < 0 and inside < 0 and closed < 0 and not re.match(rb'\s*"', data[start + 1 : start + 200]):
        return None
    end = closed if closed > 0 else len(data)
    listed = bool(pieces) or item >= 0 or inside > 0 or bare
    whole = () if listed or closed < 0 else (Piece(start, end),)
    at = item if item >= 0 else pieces[-1].end if pieces else start
    if closed > 0 and bare and not pieces:
        return None
    return JsonDocument(start, end, "", tuple(pieces) or whole, listed, what, at)
