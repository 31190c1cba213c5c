"""A folder read in place: its files stay where they are, only archives among them go to the spool."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from analyzer.archive import Unpacker
from analyzer.decompress import Stream
from analyzer.spool import CHUNK
from analyzer.tarball import BLOCK
from analyzer.tree import Stored, harmless

SAFE_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MAX_NESTING = 200


class Folder:
    """Walks one folder without following links; what cannot be read is noted."""

    def __init__(self, root: Path, prefix: str, unpacker: Unpacker) -> None:
        self._root, self._prefix, self._unpacker = os.fsencode(root), prefix, unpacker
        self._digest = hashlib.sha256()

    def digest(self) -> str:
        """Take every file in and return the digest over paths and contents, in order of path."""
        self._walk(self._root, self._prefix, 0)
        return self._digest.hexdigest()

    def _walk(self, folder: bytes, inside: str, nesting: int) -> None:
        tree = self._unpacker.tree
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            tree.note(inside, f"the folder cannot be read ({error.strerror})")
            return
        if nesting > MAX_NESTING:
            tree.note(inside, f"folders below {MAX_NESTING} levels were not read")
            return
        for entry in entries:
            self._unpacker.budget.member(os.fsdecode(self._root).encode("utf-8", "replace").decode())
            name, _ = harmless(entry.name.replace(b"/", b"_"))
            path = f"{inside}/{name}" if inside else name
            try:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    tree.link(path, os.readlink(entry.path), self._prefix)
                elif stat.S_ISDIR(status.st_mode):
                    self._walk(entry.path, path, nesting + 1)
                elif stat.S_ISREG(status.st_mode):
                    self._file(entry.path, path, status)
                else:
                    tree.note(path, "is a device, socket or FIFO; it was skipped")
            except OSError as error:
                tree.note(path, f"cannot be read ({error.strerror})")

    def _file(self, real: bytes, path: str, status: os.stat_result) -> None:
        budget = self._unpacker.budget
        budget.size(path, status.st_size)
        budget.packed += status.st_size
        with os.fdopen(os.open(real, SAFE_OPEN), "rb") as file:
            head = file.read(BLOCK)
            file.seek(0)
            self._digest.update(f"\0{path}\0{status.st_size}\0".encode())
            if self._unpacker.is_archive(head):
                self._archive(file, path, status.st_mtime)
                return
            budget.grow(path, status.st_size)
            left = status.st_size
            while left > 0 and (data := file.read(min(CHUNK, left))):
                self._digest.update(data)
                left -= len(data)
        self._unpacker.tree.put(path, Stored(status.st_size - left, status.st_mtime, real=os.fsdecode(real)))

    def _archive(self, file: BinaryIO, path: str, mtime: float) -> None:
        def read(count: int) -> bytes:
            data = file.read(max(count, CHUNK))
            self._digest.update(data)
            return data

        stream = Stream(read)
        self._unpacker.take(stream, path, 0, mtime=mtime)
        stream.drain()
