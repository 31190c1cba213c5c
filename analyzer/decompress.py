"""Streams: a source of bytes that can be peeked at, and the decompressors that turn one into another."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import IO, Any, cast

import zstandard

from analyzer.limits import MIB, Budget

CHUNK = 1 << 16
# What a decompressor takes and gives at once: larger pieces fall out of the processor's cache, a tenth slower.
TAKEN, GIVEN = 1 << 14, 1 << 16
XZ_MEMORY = 512 * MIB


def _inflater() -> tuple[Callable[..., Any], type[Exception]]:
    """A decompressor of gzip and what it raises: isal's, two to three times as fast, where that is installed."""
    try:
        module, errors = import_module("isal.isal_zlib"), import_module("isal.igzip_lib")
    except ImportError:
        return zlib.decompressobj, zlib.error
    return module.decompressobj, errors.IsalError


_decompressobj, _GzipError = _inflater()


class Stream:
    """Bytes that arrive in order. `broken` says why they ended early, or is empty."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._ahead, self._at = b"", 0
        self.count = 0
        self.broken = ""

    def peek(self, count: int) -> bytes:
        """The next bytes without consuming them; fewer than asked for only at the end."""
        while len(self._ahead) - self._at < count:
            data = self._read(count)
            if not data:
                break
            self._ahead, self._at = self._ahead[self._at :] + data, 0
        return self._ahead[self._at : self._at + count]

    def read(self, count: int = CHUNK) -> bytes:
        """At least one byte and at most `count`; nothing at the end."""
        if self._at >= len(self._ahead):
            self._ahead, self._at = self._read(count), 0
            if len(self._ahead) <= count:
                data, self._ahead = self._ahead, b""
                self.count += len(data)
                return data
        data = self._ahead[self._at : self._at + count]
        self._at += len(data)
        self.count += len(data)
        return data

    def exactly(self, count: int) -> bytes:
        """`count` bytes, fewer only at the end."""
        parts = []
        while count > 0:
            data = self.read(count)
            if not data:
                break
            parts.append(data)
            count -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def give_back(self, data: bytes) -> None:
        """Put bytes that were read too far in front again."""
        self._ahead, self._at = data + self._ahead[self._at :], 0
        self.count -= len(data)

    def drain(self) -> None:
        """Read to the end and forget it."""
        while self.read(1 << 20):
            pass


class _Zlib:
    """zlib's decompressor with the interface of those of bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = _decompressobj(wbits=31)
        self._rest = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out: bytes = self._inner.decompress(self._rest + data, max_length)
        self._rest = self._inner.unconsumed_tail
        return out

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    @property
    def needs_input(self) -> bool:
        return not self._rest


MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_ENGINES: dict[str, Callable[[], Any]] = {
    "gzip": _Zlib,
    "xz": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
    "bzip2": bz2.BZ2Decompressor,
}


def compression(head: bytes) -> str:
    """Which compression these first bytes announce, or ""."""
    for magic, name in MAGIC:
        if head.startswith(magic):
            # "BZh" is also a word; the block magic is not
            return "" if name == "bzip2" and head[4:10] not in (b"1AY&SY", b"\x17rE8P\x90") else name
    return ""


def decompressed(source: Stream, method: str, name: str, budget: Budget) -> Stream:
    """The stream inside a compressed stream; it ends early, and says why, where the source is cut off or damaged."""
    reader = _Zstd(source) if method == "zstd" else _Reader(source, method)

    def read(count: int) -> bytes:
        try:
            # also where less is asked for, as for every header of a tar: the stream keeps the rest
            data = reader.read(GIVEN)
        except (_GzipError, lzma.LZMAError, OSError, EOFError, zstandard.ZstdError, MemoryError) as error:
            stream.broken = f"damaged {method} data ({error})"
            return b""
        if not data and not stream.broken and not reader.finished:
            stream.broken = f"the {method} data is cut off"
        produced[0] += len(data)
        budget.compare(name, source.count, produced[0])
        return data

    produced = [0]
    stream = Stream(read)
    return stream


class _Reader:
    """Decompression with a bounded step, over concatenated streams as gzip, xz and bzip2 allow them."""

    def __init__(self, source: Stream, method: str) -> None:
        self._source, self._method = source, method
        self._engine = _ENGINES[method]()
        self._pending = b""
        self.finished = False

    def read(self, count: int) -> bytes:
        while not self.finished:
            if self._engine.eof:
                self._pending = self._engine.unused_data
                while len(self._pending) < 16 and (more := self._source.read(TAKEN)):
                    self._pending += more
                following = self._pending.lstrip(b"\0")
                if compression(following) != self._method:
                    self.finished = True
                    return b""
                self._pending, self._engine = following, _ENGINES[self._method]()
            data = self._pending
            self._pending = b""
            if not data and self._engine.needs_input:
                data = self._source.read(TAKEN)
                if not data:
                    return b""
            out: bytes = self._engine.decompress(data, count)
            if out:
                return out
        return b""


class _Zstd:
    """The same for zstd, whose reader pulls by itself."""

    def __init__(self, source: Stream) -> None:
        engine = zstandard.ZstdDecompressor(max_window_size=1 << 27)
        self._reader = engine.stream_reader(cast(IO[bytes], source), read_across_frames=True)
        self.finished = False
        self._source = source

    def read(self, count: int) -> bytes:
        # the library ends quietly at a cut; a frame's end cannot be told from outside, so the cut shows in the tar
        data = self._reader.read(count)
        self.finished = not data
        return bytes(data)
