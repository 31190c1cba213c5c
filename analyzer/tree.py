"""Names and links inside a bundle: every name made harmless, every link resolved inside or not at all."""

from __future__ import annotations

import math
import zlib
from collections import defaultdict

import msgspec

NAME_LENGTH = 4096
MAX_NOTES = 2000
MAX_HOPS = 40


class Note(msgspec.Struct, frozen=True):
    """A remark about a file or archive of the bundle: cut off, skipped, a link that leaves the tree."""

    path: str
    text: str


class Stored(msgspec.Struct):
    """Where the bytes of a member are: in the spool at `offset`, or in the file `real` if that is not empty."""

    size: int
    mtime: float | None
    offset: int = 0
    real: str = ""


def harmless(raw: bytes | str) -> tuple[str, str]:
    """A member's name as a printable relative path, and a remark if it was not one.

    Bytes that are not UTF-8 and characters that do not print become \\xNN escapes; nothing can point above the root.
    """
    text = raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw
    remark = "its name is absolute" if text.startswith("/") else ""
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            remark = "its name climbs out of the archive"
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    path = "/".join(parts)
    if not path.isprintable():
        path = "".join(char if char.isprintable() else _escape(char) for char in path)
    if len(path) > NAME_LENGTH:
        remark = f"its name has {len(path):,} characters"
        path = f"{path[:200]}…{zlib.crc32(path.encode()):08x}"
    return path, remark


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Tree:
    """The members of a bundle by path, the links between them, and remarks. Later entries replace earlier ones."""

    def __init__(self) -> None:
        self.files: dict[str, Stored] = {}
        self.links: dict[str, str] = {}
        self.truncated: set[str] = set()
        self.damaged: set[str] = set()
        self.notes: list[Note] = []
        self._silent = 0

    def note(self, path: str, text: str) -> None:
        """Keep a remark; beyond a number that nobody reads they are only counted."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(Note(path, text))
        else:
            self._silent += 1

    def damage(self, path: str, text: str) -> None:
        """Keep a remark about an archive or file that is cut off or damaged: some of what was in it may be missing."""
        self.damaged.add(path)
        self.note(path, text)

    def put(self, path: str, stored: Stored) -> None:
        """Add a file."""
        if path in self.files:
            self.note(path, "is in the archive more than once; the last one was read")
            self.truncated.discard(path)
        self.links.pop(path, None)
        if stored.mtime is not None and not (math.isfinite(stored.mtime) and 0 < stored.mtime < 1 << 36):
            stored.mtime = None
        self.files[path] = stored

    def link(self, path: str, target: bytes | str, root: str, *, hard: bool = False) -> None:
        """Add a link below `root`, the path of the archive it came from. Its target is looked up later.

        Absolute targets are kept with a leading slash: the bundle stands for the machine's root directory.
        """
        text = target.decode("utf-8", "surrogateescape") if isinstance(target, bytes) else target
        if path in self.files and not hard:
            self.note(path, "is in the archive more than once; the last one was read")
            del self.files[path]
        if hard:
            aim, _ = harmless(text)
            self.links[path] = f"{root}/{aim}" if root else aim
        elif text.startswith("/"):
            self.links[path] = "/" + harmless(text)[0]
        else:
            folder = path.rsplit("/", 1)[0].split("/") if "/" in path else []
            for part in text.split("/"):
                if part == "..":
                    if len(folder) <= (root.count("/") + 1 if root else 0):
                        self.note(path, "is a link that leaves the archive; it was not followed")
                        return
                    folder.pop()
                elif part not in ("", "."):
                    folder.append(part)
            self.links[path] = harmless("/".join(folder))[0]

    def resolve(self, path: str) -> str:
        """The path of the file or folder a path stands for, links followed; "" if it leads nowhere or in circles."""
        hops = 0
        parts, done = path.split("/"), ""
        while parts:
            step = f"{done}/{parts[0]}" if done else parts[0]
            parts = parts[1:]
            target = self.links.get(step)
            if target is None:
                done = step
                continue
            hops += 1
            if hops > MAX_HOPS:
                return ""
            if target.startswith("/"):
                target = self._rooted(step, target)
            parts, done = [*target.split("/"), *parts], ""
        return done

    def _rooted(self, link: str, target: str) -> str:
        """An absolute target below the nearest folder above the link that has its first component."""
        above = link.split("/")[:-1]
        for depth in range(len(above) + 1):
            first = "/".join([*above[:depth], target[1:].split("/")[0]])
            if first in self.files or first in self.links or first in self._folders():
                return "/".join([*above[:depth], target[1:]])
        return target[1:]

    def _folders(self) -> set[str]:
        if self._known_folders is None:
            found: set[str] = set()
            for path in (*self.files, *self.links):
                while "/" in path:
                    path = path.rsplit("/", 1)[0]
                    if path in found:
                        break
                    found.add(path)
            self._known_folders = found
        return self._known_folders

    _known_folders: set[str] | None = None

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """For each file or folder that links point at: the paths of these links. Notes those that lead nowhere."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.links):
            aim = self.resolve(path)
            if aim and (aim in self.files or aim in self._folders()):
                found[aim].append(path)
            elif not aim:
                self.note(path, "is a link in a circle")
            else:
                self.note(path, f"is a link to {self.links[path]}, which is not in the bundle")
        return {aim: tuple(paths) for aim, paths in found.items()}

    def all_notes(self) -> tuple[Note, ...]:
        """Every remark, with the number of those left out."""
        more = (Note("", f"{self._silent:,} further remarks are not shown"),) if self._silent else ()
        return (*self.notes, *more)
