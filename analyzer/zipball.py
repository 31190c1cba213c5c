"""Zip as a sequence of entries: by its directory, or by its local headers where the directory is cut off."""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.decompress import Stream
from analyzer.limits import Budget, exceeded
from analyzer.tarball import Damage, Entry

LOCAL, DIRECTORY, END, END64 = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06"
SMALLEST_RECORD = 46
# what zipfile raises on damaged data; RuntimeError is its word for a missing password
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error)


def is_zip(head: bytes) -> bool:
    """Whether these first bytes are those of a zip archive, be it an empty one."""
    return head.startswith((LOCAL, END))


def entries(file: BinaryIO, name: str, budget: Budget) -> Iterator[Entry | Damage]:
    """Every entry; encrypted ones and unknown methods come as Damage."""
    if (count := _announced(file)) > budget.limits.members:
        raise exceeded("members", name, f"more than {budget.limits.members:,} files")
    try:
        archive = zipfile.ZipFile(file)
    except BROKEN:
        yield Damage("its directory is cut off or damaged; reading the entries before that")
        yield from _scan(file, name, budget)
        return
    packed = 0
    with archive:
        for info in archive.infolist():
            packed += info.compress_size
            yield _entry(archive, info)
            budget.compare(name, packed, info.file_size if count == 1 else 0)


def _announced(file: BinaryIO) -> int:
    """How many entries the directory has room for: known before it is read into memory."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 66_000))
    tail = file.read(66_000)
    at = tail.rfind(END)
    length = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if length == 0xFFFFFFFF and (at := tail.rfind(END64)) >= 0:
        length = int.from_bytes(tail[at + 40 : at + 48], "little")
    file.seek(0)
    return min(length, size) // SMALLEST_RECORD


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry | Damage:
    raw = info.filename
    if "\\" in raw and "/" not in raw:
        raw = raw.replace("\\", "/")
    if info.flag_bits & 1:
        return Damage(f"{raw}: encrypted, cannot be read")
    mode = info.external_attr >> 16
    kind = "folder" if info.is_dir() else "link" if stat.S_ISLNK(mode) else "file"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        kind = "device"
    try:
        opened = archive.open(info)
    except BROKEN as error:
        return Damage(f"{raw}: {error}")

    def read(count: int) -> bytes:
        try:
            return opened.read(count)
        except BROKEN as error:
            body.broken = f"damaged data ({error})"
            return b""

    body = Stream(read)
    link = body.exactly(4096) if kind == "link" else b""
    return Entry(raw.encode("utf-8", "surrogateescape"), kind, info.file_size, _time(info.date_time), link, body)


def _time(stamp: tuple[int, int, int, int, int, int]) -> float:
    """A zip's local time, taken as UTC: it has no zone."""
    try:
        return float(time.mktime((*stamp, 0, 0, 0)) - time.timezone)
    except (ValueError, OverflowError):
        return 0.0


def _scan(file: BinaryIO, name: str, budget: Budget) -> Iterator[Entry | Damage]:
    """Entries by their local headers, in order, up to the cut."""
    file.seek(0)
    stream = Stream(file.read)
    while True:
        head = stream.exactly(30)
        if len(head) < 30 or not head.startswith(LOCAL):
            if not head.startswith((DIRECTORY, END)):
                yield Damage("cut off")
            return
        flags, method = struct.unpack("<HH", head[6:10])
        packed, size = struct.unpack("<II", head[18:26])
        name_length, extra_length = struct.unpack("<HH", head[26:30])
        raw = stream.exactly(name_length)
        stream.exactly(extra_length)
        if flags & 1:
            yield Damage(f"{raw.decode('utf-8', 'backslashreplace')}: encrypted, cannot be read")
            return
        if method == 8:
            body, finish = _inflated(stream, name, budget)
        elif method == 0 and not flags & 8:
            body, finish = _stored(stream, packed)
        else:
            yield Damage(f"compression method {method} is not known")
            return
        kind = "folder" if raw.endswith(b"/") else "file"
        yield Entry(raw, kind, 0 if flags & 8 else size, 0.0, b"", body)
        body.drain()
        if body.broken:
            return
        finish()
        if flags & 8:
            _skip_descriptor(stream)


def _skip_descriptor(stream: Stream) -> None:
    """Sizes that follow the data: with or without a signature, of 4 or 8 bytes each."""
    for length in (16, 12, 24, 20):
        if stream.peek(length + 4)[length:] in (LOCAL, DIRECTORY):
            stream.exactly(length)
            return


def _stored(stream: Stream, size: int) -> tuple[Stream, _Finish]:
    left = [size]

    def read(count: int) -> bytes:
        data = stream.read(min(count, left[0])) if left[0] else b""
        left[0] -= len(data)
        if not data and left[0]:
            body.broken = "the archive is cut off"
        return data

    body = Stream(read)
    return body, _Finish(stream)


class _Finish:
    """Gives the bytes after compressed data back to the stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.unused = b""

    def __call__(self) -> None:
        self._stream.give_back(self.unused)


def _inflated(stream: Stream, name: str, budget: Budget) -> tuple[Stream, _Finish]:
    engine = zlib.decompressobj(-15)
    finish = _Finish(stream)
    before = stream.count
    made = [0]

    def read(count: int) -> bytes:
        while not engine.eof:
            data = engine.unconsumed_tail or stream.read()
            if not data:
                body.broken = "the archive is cut off"
                return b""
            try:
                out = engine.decompress(data, count)
            except zlib.error as error:
                body.broken = f"damaged data ({error})"
                return b""
            made[0] += len(out)
            budget.compare(name, stream.count - before, made[0])
            if out:
                return out
        finish.unused = engine.unused_data
        return b""

    body = Stream(read)
    return body, finish
