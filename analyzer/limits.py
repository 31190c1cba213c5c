"""How much of a bundle is read before it counts as an attack, and the flag that raises each limit."""

from __future__ import annotations

import time

import msgspec

from analyzer.errors import BundleError

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds while a bundle is opened; sizes are bytes after decompression.

    `members`      files, links and folders in all archives together
    `member_size`  one file
    `total_size`   all files together
    `ratio`        unpacked : packed, once `ratio_from` bytes were unpacked (small files may compress well)
    `depth`        archives inside archives; deeper ones stay closed, and a note says so
    `line_length`  characters of one line that line formats look at; the rest is cut off, and counted as a gap
    `file_time`    seconds of computing for one file; beyond them it stays unread, and the report says so
    `time`         seconds for everything
    `time_limit`   seconds after which nothing more is read, and the report is of what was; None for no such end
    `memory`       bytes of memory of the process (then there is but one); None for no limit
    """

    members: int = 250_000
    member_size: int = 4 * GIB
    total_size: int = 16 * GIB
    ratio: int = 400
    ratio_from: int = 256 * MIB
    depth: int = 6
    line_length: int = MIB
    file_time: int = 120
    time: int = 3600
    time_limit: int | None = None
    memory: int | None = None


FLAGS = {
    "members": "--max-members",
    "member_size": "--max-member-size",
    "total_size": "--max-size",
    "ratio": "--max-ratio",
    "depth": "--max-depth",
    "line_length": "--max-line",
    "file_time": "--max-file-time",
    "time": "--max-time",
    "time_limit": "--time-limit",
    "memory": "--max-memory",
}


class Budget:
    """What is left of the limits while one set of archives is read."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.members = 0
        self.packed = 0
        self.unpacked = 0
        self.until = None if limits.time_limit is None else time.monotonic() + limits.time_limit

    @property
    def late(self) -> bool:
        """Whether the time limit is reached."""
        return self.until is not None and time.monotonic() >= self.until

    def member(self, name: str) -> None:
        """Count one file, link or folder."""
        self.members += 1
        if self.members > self.limits.members:
            raise exceeded("members", name, f"more than {self.limits.members:,} files")

    def size(self, name: str, size: int) -> None:
        """Check the size of one file, as announced or as read so far."""
        if size > self.limits.member_size:
            raise exceeded("member_size", name, f"a file of more than {readable(self.limits.member_size)}")

    def grow(self, name: str, count: int) -> None:
        """Count bytes that are kept."""
        self.unpacked += count
        if self.unpacked > self.limits.total_size:
            raise exceeded("total_size", name, f"more than {readable(self.limits.total_size)} when unpacked")
        self.compare(name, self.packed, self.unpacked)

    def compare(self, name: str, packed: int, unpacked: int) -> None:
        """Check how much came out of how little."""
        if unpacked > self.limits.ratio_from and unpacked > self.limits.ratio * max(packed, 1):
            what = f"unpacks to more than {self.limits.ratio} times its size, like a decompression bomb"
            raise exceeded("ratio", name, what)


def exceeded(limit: str, name: str, what: str) -> BundleError:
    """The error that names the limit and the flag that raises it."""
    name = name if len(name) <= 200 else f"{name[:200]}…"
    return BundleError(f"{name}: {what} (limit {limit.replace('_', ' ')}; {FLAGS[limit]} raises it)")


def readable(size: int) -> str:
    """A size in bytes as people write it: 512 B, 4 GiB."""
    for unit, step in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if size >= step:
            return f"{size / step:.4g} {unit}"
    return f"{size} B"
