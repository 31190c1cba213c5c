"""What is costly to make and follows from our own files alone, kept in the user's cache directory between runs.

Nothing of a bundle goes in. A file counts only if it is ours alone (owner, no write permission for others, no link) and
whole (checksum); everything it was made from is in its name, so one that is out of date is never looked at.
`HAIRPIN_CACHE` names another folder; empty, nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from analyzer import __version__

T = TypeVar("T")

MAGIC = b"hairpin-cache/1\n"
KEPT = 4  # files of one name: so many checkouts or versions share the folder without pushing each other out
PAGES = 24
MOST = 64 << 20
UNFIT = (
    pickle.PickleError, AttributeError, ImportError, EOFError, ValueError, TypeError, LookupError, msgspec.MsgspecError,
)  # fmt: skip


def kept(
    name: str,
    made_from: Iterable[str | bytes],
    make: Callable[[], T],
    dump: Callable[[T], bytes] = pickle.dumps,
    load: Callable[[bytes], T] = pickle.loads,
) -> T:
    """What `make` gives, from the cache if it was made before from the same parts; any trouble means making it anew."""
    folder = _folder()
    if folder is None:
        return make()
    path = Path(folder, f"{name}-{_digest(made_from)}")
    found = _read(path)
    if found is not None:
        # A package that changed without changing its version can make our own file unreadable.
        with suppress(*UNFIT):
            return load(found)
    made = make()
    with suppress(OSError, *UNFIT):
        _write(path, dump(made))
        _prune(folder, name)
    return made


def kept_data(name: str, made_from: Iterable[str | bytes], make: Callable[[], T], kind: Any) -> T:
    """The same for plain data of the type `kind`: structs, texts and numbers, read back as nothing else."""
    found: T = kept(name, made_from, make, msgspec.msgpack.encode, msgspec.msgpack.Decoder(kind).decode)
    return found


def stamps(*folders: Path) -> str:
    """Names, sizes and times of the Python files in these folders: what a value also follows from is our own code."""
    found = []
    for folder in folders:
        for entry in os.scandir(folder):
            if entry.name.endswith((".py", ".lark", ".jinja")):
                status = entry.stat()
                found.append(f"{folder}/{entry.name} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(found))


def _digest(parts: Iterable[str | bytes]) -> str:
    whole = hashlib.sha256(f"{__version__}\0{sys.version}\0{sys.byteorder}".encode())
    for part in parts:
        data = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        whole.update(b"%d:" % len(data) + data)
    return whole.hexdigest()[:40]


@cache
def _folder() -> str | None:
    """The folder, if it is there or can be made, and nobody else can write to it."""
    said = os.environ.get("HAIRPIN_CACHE")
    if said == "" or not hasattr(os, "geteuid"):
        return None
    base = os.environ.get("XDG_CACHE_HOME") or ""
    home = os.path.expanduser("~")
    if said is None and not os.path.isabs(base) and not os.path.isabs(home):
        return None
    folder = said or os.path.join(base if os.path.isabs(base) else os.path.join(home, ".cache"), "hairpin")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return None
    return folder if stat.S_ISDIR(status.st_mode) and _ours(status) else None


def _ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: Path) -> bytes | None:
    """The bytes that `_write` put there; None unless the very file that is open is ours and whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _ours(status) or status.st_size > MOST:
            return None
        head, data = file.read(len(MAGIC) + 32), file.read(MOST)
    return data if head == MAGIC + hashlib.sha256(data).digest() else None


def _write(path: Path, data: bytes) -> None:
    """Put the file there whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with open(handle, "wb") as file:
            file.write(MAGIC + hashlib.sha256(data).digest() + data)
        os.replace(name, path)
    finally:
        with suppress(OSError):
            os.unlink(name)


def _prune(folder: str, name: str, most: int = KEPT) -> None:
    """Remove what was not made lately, of this name."""
    found: list[tuple[float, str]] = []
    for entry in os.scandir(folder):
        if entry.name.rpartition("-")[0] == name:
            found.append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
    for _, path in sorted(found, reverse=True)[most:]:
        with suppress(OSError):
            os.unlink(path)


def bytecode() -> Any:
    """A jinja2.BytecodeCache that keeps compiled templates here."""
    from jinja2 import BytecodeCache

    class Kept(BytecodeCache):  # it checks each against the template's text and the version of Python itself
        def load_bytecode(self, bucket: Any) -> None:
            if (folder := _folder()) and (data := _read(Path(folder, f"page-{bucket.key}"))) is not None:
                bucket.bytecode_from_string(data)

        def dump_bytecode(self, bucket: Any) -> None:
            if folder := _folder():
                with suppress(OSError):
                    _write(Path(folder, f"page-{bucket.key}"), bucket.bytecode_to_string())
                    _prune(folder, "page", PAGES)

    return Kept()
