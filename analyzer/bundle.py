"""Any folder, archive or pasted file as one read-only set of members, within limits; nothing is extracted to a name."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

import msgspec

from analyzer import text
from analyzer.archive import Unpacker
from analyzer.decompress import Stream
from analyzer.errors import BundleError
from analyzer.folder import Folder
from analyzer.limits import Budget, Limits
from analyzer.spool import Range, Spool
from analyzer.tarball import BLOCK
from analyzer.tree import Note, Stored, Tree, harmless

__all__ = ["Bundle", "Limits", "Member", "Note", "open_bundle"]


class Member(msgspec.Struct, frozen=True):
    """One file: its path inside the bundle, its size in bytes, its time of modification (seconds since 1970)."""

    path: str
    size: int
    mtime: float | None


class Bundle:
    """The files of one cluster. Read-only, and readable from processes that were forked after it was opened.

    `name` is that of the file or folder (joined by ", " if several were given), `sha256` the digest of the archive,
    or of paths and contents of a folder. `aliases` maps a file or folder to the links that point at it. `truncated` are
    members that are cut off, `damaged` these and the archives of which something may be missing. `several` says that
    more than one path was given, each below its name. After `until` (time.monotonic) nothing more is to be read.
    """

    def __init__(self, name: str, sha256: str, tree: Tree, spool: Spool, limits: Limits, several: bool = False) -> None:
        self.name, self.sha256, self.limits, self.several = name, sha256, limits, several
        self._tree, self._spool = tree, spool
        self.aliases = tree.aliases()
        found = sorted(tree.files.items())
        self.members = tuple(Member(path, stored.size, stored.mtime) for path, stored in found)
        self.notes = tree.all_notes()
        self.truncated = frozenset(tree.truncated)
        self.damaged = frozenset(tree.damaged)
        self.until: float | None = None

    @classmethod
    def of_texts(cls, files: Mapping[str, str]) -> Bundle:
        """A bundle of these texts by path."""
        tree, spool, digest = Tree(), Spool(), hashlib.sha256()
        for path, content in sorted(files.items()):
            data = content.encode("utf-8", "surrogateescape")
            digest.update(f"\0{path}\0".encode() + data)
            tree.put(harmless(path)[0], Stored(len(data), None, spool.size))
            spool.append(data)
        spool.flush()
        return cls("texts", digest.hexdigest(), tree, spool, Limits())

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the temporary space back."""
        self._spool.close()

    def _stored(self, path: str) -> Stored:
        stored = self._tree.files.get(path) or self._tree.files.get(self._tree.resolve(path))
        if stored is None:
            raise KeyError(path)
        return stored

    def mtime(self, path: str) -> float | None:
        """When a member was modified, seconds since 1970; None if that is not known."""
        stored = self._tree.files.get(path)
        return stored.mtime if stored is not None else None

    def __contains__(self, path: str) -> bool:
        return path in self._tree.files or self._tree.resolve(path) in self._tree.files

    def aliases_of_folders(self) -> tuple[str, ...]:
        """The links of the bundle: names at which something can be found though no member lies there."""
        return tuple(sorted(link for links in self.aliases.values() for link in links))

    def open(self, path: str) -> BinaryIO:
        """A member as a seekable binary file. KeyError if there is none; a file that vanished since reads as empty."""
        stored = self._stored(path)
        if not stored.real:
            return cast(BinaryIO, io.BufferedReader(Range(self._spool, stored.offset, stored.size), 1 << 16))
        try:
            handle = os.open(stored.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return io.BytesIO(b"")
        return os.fdopen(handle, "rb")

    def read(self, path: str, limit: int | None = None) -> bytes:
        """The bytes of a member, or its first `limit`."""
        stored = self._stored(path)
        count = stored.size if limit is None else min(limit, stored.size)
        if not stored.real:
            return self._spool.read(stored.offset, count) if count < 1 << 30 else self._whole(path, count)
        return self._whole(path, count)

    def _whole(self, path: str, count: int) -> bytes:
        with self.open(path) as file:
            return file.read(count)

    def lines(self, path: str, first: int, last: int) -> list[str]:
        """Lines `first` to `last` (1-based) of a member, decoded as they were for the parser."""
        with self.open(path) as file:
            return text.lines(file, first, last)


def open_bundle(paths: Sequence[Path], limits: Limits | None = None) -> Bundle:
    """Open files, folders and archives as one bundle; "-" is standard input. BundleError if that cannot be done.

    With several paths each one's members lie below its name.
    """
    budget = Budget(limits or Limits())
    tree, spool = Tree(), Spool()
    unpacker = Unpacker(tree, spool, budget)
    digests, names = [], _names(paths)
    with ExitStack() as undo:
        undo.callback(spool.close)
        for path, name in zip(paths, names, strict=True):
            prefix = name if len(paths) > 1 else ""
            before = len(tree.files)
            digests.append(_take(path, name, prefix, unpacker))
            if len(tree.files) == before and not tree.links:
                raise BundleError(_nothing(str(path), tree))
        undo.pop_all()
    spool.flush()
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    bundle = Bundle(", ".join(names), digest, tree, spool, budget.limits, len(paths) > 1)
    bundle.until = budget.until
    return bundle


def _names(paths: Sequence[Path]) -> list[str]:
    """A name for each path, unlike all others."""
    names: list[str] = []
    for path in paths:
        plain = "stdin" if str(path) == "-" else harmless(os.fsencode(path.name or path.resolve().name))[0] or "bundle"
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain}~{number}"
        names.append(name)
    return names


def _nothing(path: str, tree: Tree) -> str:
    shown = harmless(path)[0] if not path.startswith("/") else "/" + harmless(path)[0]
    why = f" ({tree.notes[-1].text})" if tree.notes else ""
    return f"{shown}: nothing to read in it{why}"


def _take(path: Path, name: str, prefix: str, unpacker: Unpacker) -> str:
    """Read one path into the tree; its digest."""
    if str(path) == "-":
        return _stream(_standard_input(), name, prefix, unpacker, None)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return Folder(path, prefix, unpacker).digest()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISFIFO(status.st_mode):
            raise BundleError(f"{path}: neither a file nor a folder")
        with _opened(path) as file:
            return _stream(file, name, prefix, unpacker, status.st_mtime)
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror or error}") from error


def _standard_input() -> BinaryIO:
    """What comes in through a pipe or from a file, or is typed; BundleError for /dev/zero and the like."""
    file = sys.stdin.buffer if sys.stdin is not None else None
    try:
        endless = file is None or (stat.S_ISCHR(os.fstat(file.fileno()).st_mode) and not os.isatty(file.fileno()))
    except (OSError, ValueError):
        endless = False
    if file is None or endless:
        raise BundleError("stdin: nothing comes in; use it as in `cat bundle.tar.gz | hairpin report -`")
    return file


def _opened(path: Path) -> BinaryIO:
    """A file, or a pipe that somebody writes to: one without a writer reads as empty, it is not waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(handle, True)
    return os.fdopen(handle, "rb")


def _stream(file: BinaryIO, name: str, prefix: str, unpacker: Unpacker, mtime: float | None) -> str:
    digest = hashlib.sha256()

    def read(count: int) -> bytes:
        if unpacker.budget.late:
            if not stream.broken:
                stream.broken = "the time limit was reached (--time-limit)"
                unpacker.tree.damage(prefix or name, f"{stream.broken}; what came before was read, and is the sha256's")
            return b""
        data = file.read(max(count, 1 << 16))
        digest.update(data)
        unpacker.budget.packed += len(data)
        return data

    stream = Stream(read)
    if not stream.peek(1):
        raise BundleError(f"{name}: the file is empty")
    archive = unpacker.is_archive(stream.peek(BLOCK))
    unpacker.take(stream, name, 0, mtime=mtime, prefix=prefix)
    stream.drain()
    if archive and not unpacker.tree.files and not unpacker.tree.links:
        raise BundleError(_nothing(name, unpacker.tree))
    return digest.hexdigest()
