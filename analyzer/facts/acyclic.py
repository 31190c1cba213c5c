"""Work over facts, which hold no cycles: the garbage collector need not look for any, or seldom, while it lasts."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two searches of the youngest, and how many searches of one age come between those of the next.
SELDOM = (20_000, 20, 100)


@contextmanager
def acyclic() -> Iterator[None]:
    """No search for cyclic garbage meanwhile; afterwards as before, whatever happened.

    With 200,000 facts in memory, a search costs more than what a rule does between two of them.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def seldom() -> Iterator[None]:
    """Searches for cyclic garbage are far between meanwhile: work that leaves little of it makes many objects."""
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
