"""One line of progress on stderr, shown only if the work lasts over a second and somebody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Gives a function to call with what is being done; the line is wiped at the end."""
    started = time.monotonic()
    shown = False

    def tell(text: str) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - started > 1:
            sys.stderr.write(f"\r\x1b[K{text} …")
            sys.stderr.flush()
            shown = True

    try:
        yield tell
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
