"""Time and memory as limits: hostile text can make any reader slow, so each file and the whole run have an end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from analyzer.limits import exceeded


class TookTooLong(Exception):
    """One file cost more computing than it may; what is in it stays unread."""


@contextmanager
def file_deadline(seconds: float) -> Iterator[None]:
    """Raises TookTooLong once this process has computed that long inside; other processes do not count.

    Works in the main thread only; elsewhere there is no end.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"not read: more than {seconds:,.0f} s of computing (--max-file-time raises the limit)")

    with _timer(signal.SIGPROF, signal.ITIMER_PROF, seconds, end):
        yield


@contextmanager
def run_deadline(seconds: float) -> Iterator[None]:
    """Raises BundleError once that much time has passed inside."""

    def end(number: int, frame: FrameType | None) -> None:
        raise exceeded("time", "the bundle", f"not done after {seconds:,.0f} s")

    with _timer(signal.SIGALRM, signal.ITIMER_REAL, seconds, end):
        yield


@contextmanager
def _timer(number: signal.Signals, timer: int, seconds: float, end: object) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, end)  # type: ignore[arg-type]
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)


def bound_memory(size: int) -> None:
    """Makes this process fail with MemoryError, rather than grow beyond that many bytes of its own."""
    try:
        import resource
    except ImportError:  # no Unix
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
