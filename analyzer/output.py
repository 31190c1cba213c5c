"""Files that a command writes: checked before the work begins, written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from analyzer.errors import UsageError


def check_outputs(outputs: Sequence[Path], inputs: Iterable[Path] = ()) -> None:
    """UsageError if a file cannot be written, is named twice, or is one of the inputs; nothing is written yet."""
    taken: dict[Path, Path] = {}
    given = {path.resolve() for path in inputs if str(path) != "-"}
    for path in outputs:
        if str(path) == "-":
            raise UsageError("-o takes the name of a file; for standard output use --format")
        place = _place(path)
        if place in taken:
            raise UsageError(f"-o {path}: that file is named twice")
        if place in given:
            raise UsageError(f"-o {path}: that is the bundle itself, it would be overwritten")
        taken[place] = path
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder")
        if _special(path):
            continue
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")
        if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise UsageError(f"cannot write {path}: the folder {path.parent.resolve()} is not writable")


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write every file, or none if one of them has no room; UsageError says which and why."""
    done: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, content in files:
            if _special(path):
                # A device or a pipe (/dev/stdout) cannot be replaced.
                path.write_bytes(content)
            else:
                done.append((_partial(path, content), path))
        for partial, path in done:
            partial.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        for partial, _ in done:
            partial.unlink(missing_ok=True)


def _partial(path: Path, content: bytes) -> Path:
    """The content under a new name beside `path`, which nobody can have prepared a link at."""
    partial = path.with_name(f".hairpin-{secrets.token_hex(8)}.partial")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _place(path: Path) -> Path:
    """The folder's real path with the name in it: a link at the name itself is replaced, not followed."""
    return path.parent.resolve() / path.name


def _special(path: Path) -> bool:
    """Whether something stands there that is neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
