"""Archives opened in memory order: each is decompressed once, archives inside archives too, into the spool."""

from __future__ import annotations

import io
import re
from typing import BinaryIO, cast

from analyzer import tarball, zipball
from analyzer.decompress import Stream, compression, decompressed
from analyzer.limits import Budget
from analyzer.spool import CHUNK, Range, Spool
from analyzer.tree import Stored, Tree, harmless

ARCHIVE_NAME = re.compile(r"\.(tar(\.\w+)?|tgz|txz|tbz2?|tzst|zip)$", re.IGNORECASE)
# Each level is read through those around it; deeper ones would need more nested calls than Python allows.
DEEPEST = 40
UNSUPPORTED = ((b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07", "rar"), (b"\x04\x22\x4d\x18", "lz4"))


class Unpacker:
    """Puts what archives hold into a tree and a spool."""

    def __init__(self, tree: Tree, spool: Spool, budget: Budget) -> None:
        self.tree, self.spool, self.budget = tree, spool, budget

    def take(
        self, stream: Stream, path: str, depth: int, *, mtime: float | None = None, prefix: str | None = None
    ) -> None:
        """Read one file, at `path` in the bundle; if it is an archive, what is in it, below `prefix` (else `path`)."""
        if self.is_archive(stream.peek(tarball.BLOCK)):
            if depth >= min(self.budget.limits.depth, DEEPEST):
                raised = "; --max-depth raises it" if depth < DEEPEST else ""
                text = f"an archive inside {depth} archives was not opened (limit depth{raised})"
                self.tree.note(path, text)
                stream.drain()
                return
            self._open(stream, path, depth, mtime, path if prefix is None else prefix)
            return
        for magic, word in UNSUPPORTED:
            if stream.peek(8).startswith(magic):
                self.tree.note(path, f"a {word} archive; this format cannot be read, unpack it first")
        if ARCHIVE_NAME.search(path) and (head := stream.peek(8)) and not head.startswith(b"\0"):
            self.tree.note(path, "is named like an archive but is none")
        self.keep(stream, path, mtime)

    def is_archive(self, head: bytes) -> bool:
        """Whether these first 512 bytes belong to something that `take` opens."""
        return bool(compression(head)) or zipball.is_zip(head) or tarball.is_tar(head)

    def _open(self, stream: Stream, path: str, depth: int, mtime: float | None, prefix: str) -> None:
        head = stream.peek(tarball.BLOCK)
        if method := compression(head):
            inner = decompressed(stream, method, path, self.budget)
            if self.is_archive(inner.peek(tarball.BLOCK)):
                # compression around a tar is no level of its own, compression around compression is
                deeper = depth if tarball.is_tar(inner.peek(tarball.BLOCK)) else depth + 1
                self.take(inner, path, deeper, mtime=mtime, prefix=prefix)
            elif inner.broken and not inner.peek(1):
                self.tree.damage(path, inner.broken)
                return
            else:
                self.keep(inner, path, mtime)
            if inner.broken and path not in self.tree.truncated:
                self.tree.damage(path, f"{inner.broken}; what came before was read")
        elif zipball.is_zip(head):
            file = self._seekable(stream)
            self._members(zipball.entries(file, path, self.budget), path, depth, prefix)
        else:
            self._members(tarball.entries(stream), path, depth, prefix)

    def _seekable(self, stream: Stream) -> BinaryIO:
        """A zip's bytes where they can be read in any order."""
        start = self.spool.size
        while data := stream.read(CHUNK):
            self.budget.grow("zip", len(data))
            self.spool.append(data)
        self.spool.flush()
        return cast(BinaryIO, io.BufferedReader(Range(self.spool, start, self.spool.size - start), 1 << 16))

    def _members(self, found: object, path: str, depth: int, prefix: str) -> None:
        for entry in found:  # type: ignore[attr-defined]
            self.budget.member(path)
            if isinstance(entry, tarball.Damage):
                self.tree.damage(path, entry.text)
                continue
            name, remark = harmless(entry.name)
            inside = f"{prefix}/{name}" if prefix and name else prefix or name
            if remark:
                self.tree.note(inside, f"{remark}; it was read as {name!r}")
            if entry.kind in ("link", "hard"):
                if name:
                    self.tree.link(inside, entry.link, prefix, hard=entry.kind == "hard")
            elif entry.kind == "file":
                if name:
                    self._member(entry, inside, depth)
            elif entry.kind != "folder":
                self.tree.note(inside, f"is a {entry.kind}; it was skipped")

    def _member(self, entry: tarball.Entry, path: str, depth: int) -> None:
        self.budget.size(path, entry.size)
        if entry.holes is not None:
            self._sparse(entry, path)
        elif self.is_archive(entry.body.peek(tarball.BLOCK)):
            self.take(entry.body, path, depth + 1, mtime=entry.mtime)
            if entry.body.broken:
                self.tree.damage(path, f"{entry.body.broken}; what came before was read")
        else:
            self.keep(entry.body, path, entry.mtime)

    def keep(self, stream: Stream, path: str, mtime: float | None) -> None:
        """Store one file."""
        start, size = self.spool.size, 0
        while data := stream.read(CHUNK):
            size += len(data)
            self.budget.size(path, size)
            self.budget.grow(path, len(data))
            self.spool.append(data)
        self.tree.put(path, Stored(size, mtime, start))
        if stream.broken:
            self.tree.truncated.add(path)
            self.tree.damage(path, f"cut off after {size:,} bytes: {stream.broken}")

    def _sparse(self, entry: tarball.Entry, path: str) -> None:
        """A file with holes, which read as NUL bytes and take no room."""
        start, at = self.spool.size, 0
        for offset, length in sorted(entry.holes or ()):
            if offset < at or offset + length > entry.size:
                continue
            if offset > at:
                self._hole(path, offset - at)
            data = entry.body.exactly(min(length, self.budget.limits.member_size))
            self.budget.grow(path, len(data))
            self.spool.append(data)
            at = offset + len(data)
            if len(data) < length:
                self.tree.truncated.add(path)
                self.tree.note(path, "cut off in a sparse file")
                break
        else:
            if entry.size > at:
                self._hole(path, entry.size - at)
                at = entry.size
        self.tree.put(path, Stored(at, entry.mtime, start))

    def _hole(self, path: str, length: int) -> None:
        self.budget.grow(path, length)
        self.spool.hole(length)
