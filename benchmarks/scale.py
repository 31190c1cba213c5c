"""How big the measured work is, what runs it, and a row of the table."""

from __future__ import annotations

import sys

import msgspec

PYTHON = sys.executable
HAIRPIN = (PYTHON, "-c", "from analyzer.cli import main; main()")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `ours` and `theirs` in CPU seconds; `rss` of ours in MB; `met` None: only shown."""

    id: str
    work: str
    ours: float
    theirs: float | None = None
    reference: str = ""
    ratio: float | None = None
    rss: float
    target: str
    met: bool | None = None
    found: str = ""


class Scale(msgspec.Struct, frozen=True):
    """How big: MB of logs, MB of bundles, Services of the rule dump, pods of the list, repeats."""

    logs: int = 1000
    bundle: int = 1000
    services: int = 10000
    pods: int = 29800
    repeats: int = 3


SMALL = Scale(logs=100, bundle=100, services=1000, pods=2500, repeats=1)
