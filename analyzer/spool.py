"""One unnamed temporary file that holds what came out of archives; members are ranges of it, never file names."""

from __future__ import annotations

import io
import os
import tempfile
from typing import IO

from analyzer.errors import BundleError

CHUNK = 1 << 18


class Spool:
    """Append-only bytes on disk without a name; safe to read from forked processes, which share the descriptor."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=1 << 18, prefix="hairpin-")  # noqa: SIM115  # closed in close()
        try:
            self._file.write(data)
        except OSError as error:
            raise BundleError(f"no room to unpack into {tempfile.gettempdir()}: {error.strerror}") from error
        self.size += len(data)

    def hole(self, count: int) -> None:
        """Add `count` NUL bytes without storing them."""
        self.append(b"")
        assert self._file is not None
        self._file.flush()
        self.size += count
        os.ftruncate(self._file.fileno(), self.size)
        self._file.seek(self.size)

    def flush(self) -> None:
        """Make everything appended visible to `read`."""
        if self._file is not None:
            self._file.flush()

    def read(self, offset: int, count: int) -> bytes:
        """Bytes at an offset; shorter only at the end. Does not move any shared position."""
        if self._file is None or count <= 0:
            return b""
        return os.pread(self._file.fileno(), count, offset)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        """Fill a buffer with the bytes at an offset; how many there were."""
        return os.preadv(self._file.fileno(), [buffer], offset) if self._file is not None and buffer else 0

    def close(self) -> None:
        """Give the space back."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Range(io.RawIOBase):
    """A read-only, seekable file made of a range of the spool."""

    def __init__(self, spool: Spool, start: int, size: int) -> None:
        super().__init__()
        self._spool, self._start, self._size, self._at = spool, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        left = max(0, self._size - self._at)
        count = self._spool.read_into(self._start + self._at, memoryview(buffer)[:left])
        self._at += count
        return count
