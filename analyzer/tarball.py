"""Tar as a stream of entries: ustar, pax, GNU long names and sparse files; a damaged header costs one entry."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzer.decompress import Stream

BLOCK = 512
HEADER_LIMIT = 1 << 20
ZERO = bytes(BLOCK)
RESYNC_BLOCKS = 1 << 16

HARD, SYMBOLIC, FOLDER, SPARSE, LONG_NAME, LONG_LINK = b"1", b"2", b"5", b"S", b"L", b"K"


class Entry(msgspec.Struct):
    """One entry: `kind` is file, link (symbolic), hard, folder or the word for what is skipped.

    `body` gives exactly the stored bytes; `holes` maps them to their places (offset, length) in a sparse file.
    """

    name: bytes
    kind: str
    size: int
    mtime: float
    link: bytes
    body: Stream
    holes: list[tuple[int, int]] | None = None


class Damage(msgspec.Struct):
    """A place where the archive could not be read, and what happened there."""

    text: str


def is_tar(head: bytes) -> bool:
    """Whether 512 bytes are a tar header."""
    return len(head) == BLOCK and head != ZERO and _checksum_holds(head)


def _checksum_holds(head: bytes) -> bool:
    try:
        stated = _number(head[148:156])
    except ValueError:
        return False
    return bool(head[:100].strip(b"\0")) and stated == sum(head) - sum(head[148:156]) + 8 * 32


def _number(field: bytes) -> int:
    """An octal or base-256 number."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == 0x80 else value - (1 << 8 * (len(field) - 1))
    return int(field.strip(b"\0 ") or b"0", 8)


def entries(stream: Stream) -> Iterator[Entry | Damage]:
    """Every entry in order; the body of one must be read before the next is asked for (the rest is skipped)."""
    extra: dict[str, bytes] = {}
    lost = 0
    while True:
        head = stream.exactly(BLOCK)
        if len(head) < BLOCK:
            if head or stream.broken or lost:
                yield Damage("cut off in a header")
            return
        if head == ZERO:
            return
        if not _checksum_holds(head):
            if not lost:
                yield Damage("damaged header; looking for the next one")
            lost += 1
            if lost > RESYNC_BLOCKS:
                return
            continue
        lost = 0
        kind, size = head[156:157], max(0, _number_or(head[124:136], 0))
        if kind in b"xgXLK":
            data = stream.exactly(min(size, HEADER_LIMIT))
            _skip(stream, size - len(data) + -size % BLOCK)
            if kind in b"xX":
                extra.update(_pax(data))
            elif kind in b"LK":
                extra["path" if kind == LONG_NAME else "linkpath"] = data.rstrip(b"\0")
            continue
        size = max(0, _number_or(extra.get("size", b""), size, 10))
        entry = _entry(stream, head, kind, size, extra)
        yield entry
        entry.body.drain()
        _skip(stream, -size % BLOCK if entry.kind not in ("link", "hard", "folder") else 0)
        extra = {}


def _entry(stream: Stream, head: bytes, kind: bytes, size: int, extra: dict[str, bytes]) -> Entry:
    name = extra.get("GNU.sparse.name") or extra.get("path") or _name(head)
    link = extra.get("linkpath") or head[157:257].split(b"\0")[0]
    try:
        mtime = float(extra["mtime"]) if "mtime" in extra else float(_number_or(head[136:148], 0))
    except ValueError:
        mtime = 0.0
    word = _kind(kind, name)
    stored = 0 if word in ("link", "hard", "folder") else size
    holes = None
    if kind == SPARSE:
        holes, size = _old_sparse(stream, head)
    left = [stored]

    def read(count: int) -> bytes:
        data = stream.read(min(count, left[0])) if left[0] > 0 else b""
        left[0] -= len(data)
        if not data and left[0] > 0:
            body.broken = stream.broken or "the archive is cut off"
        return data

    body = Stream(read)
    real = _number_or(extra.get("GNU.sparse.realsize", extra.get("GNU.sparse.size", b"")), size, 10)
    if extra.get("GNU.sparse.major") == b"1":
        holes, size = _map_in_body(body), real
    elif "GNU.sparse.map" in extra:
        numbers = [_number_or(part, 0, 10) for part in extra["GNU.sparse.map"].split(b",")]
        holes, size = list(zip(numbers[::2], numbers[1::2], strict=False)), real
    return Entry(name, word, size, mtime, link, body, holes)


def _kind(flag: bytes, name: bytes) -> str:
    if flag in (b"0", b"\0", b"7", SPARSE):
        return "folder" if name.endswith(b"/") else "file"
    words = {HARD: "hard", SYMBOLIC: "link", FOLDER: "folder", b"3": "character device", b"4": "block device"}
    words[b"6"] = "FIFO"
    return words.get(flag) or ("entry" if flag in b"DMNV" or not flag.isalnum() else "file")


def _name(head: bytes) -> bytes:
    name = head[:100].split(b"\0")[0]
    prefix = head[345:500].split(b"\0")[0] if head[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _number_or(field: bytes, default: int, base: int = 8) -> int:
    try:
        return (_number(field) if base == 8 else int(field)) if field else default
    except ValueError:
        return default


def _pax(data: bytes) -> dict[str, bytes]:
    """Records "LENGTH KEY=VALUE\\n"."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = _number_or(data[at:space], 0, 10) if space > 0 else 0
        if length <= space - at:
            break
        key, _, value = data[space + 1 : at + length - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value
        at += length
    return found


def _old_sparse(stream: Stream, head: bytes) -> tuple[list[tuple[int, int]], int]:
    """The map of an old GNU sparse file, part of it in extension blocks after the header."""
    pieces: list[tuple[int, int]] = []

    def collect(block: bytes, start: int, count: int) -> None:
        for index in range(count):
            at = start + 24 * index
            length = _number_or(block[at + 12 : at + 24].strip(b"\0 "), 0)
            if length:
                pieces.append((_number_or(block[at : at + 12], 0), length))

    collect(head, 386, 4)
    more = head[482]
    while more and len(pieces) < HEADER_LIMIT:
        block = stream.exactly(BLOCK)
        if len(block) < BLOCK:
            break
        collect(block, 0, 21)
        more = block[504]
    return pieces, max(0, _number_or(head[483:495], 0))


def _map_in_body(body: Stream) -> list[tuple[int, int]]:
    """The map of a pax 1.0 sparse file: decimal lines at the start of its data, padded to a block."""
    text = body.exactly(BLOCK)
    count = _number_or(text.split(b"\n", 1)[0], 0, 10)
    while text.count(b"\n") < 1 + 2 * count and len(text) < HEADER_LIMIT:
        block = body.exactly(BLOCK)
        if not block:
            break
        text += block
    numbers = [_number_or(line, 0, 10) for line in text.split(b"\n")[1 : 1 + 2 * count]]
    return list(zip(numbers[::2], numbers[1::2], strict=False))


def _skip(stream: Stream, count: int) -> None:
    while count > 0:
        data = stream.read(min(count, 1 << 20))
        if not data:
            return
        count -= len(data)
