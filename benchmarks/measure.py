"""What a command costs: CPU seconds of it and its children, wall seconds, peak resident memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec


class Cost(msgspec.Struct, frozen=True):
    """CPU and wall in seconds, rss in MB; `output` is what the command printed (of the last run)."""

    cpu: float
    wall: float
    rss: float
    output: str = ""


def cost(command: Sequence[str], repeats: int = 3, folder: Path | None = None) -> Cost:
    """The median cost of a command. Its exit status does not matter; its standard error is dropped."""
    return middle([once(command, folder) for _ in range(repeats)])


def side_by_side(ours: Sequence[str], theirs: Sequence[str], repeats: int = 3) -> tuple[Cost, Cost]:
    """The median costs of two commands that are run in turn, so that a busy machine slows both."""
    pairs = [(once(ours), once(theirs)) for _ in range(repeats)]
    return middle([one for one, _ in pairs]), middle([other for _, other in pairs])


def once(command: Sequence[str], folder: Path | None = None) -> Cost:
    """The cost of one run."""
    begin = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        usage.ru_utime + usage.ru_stime,
        time.monotonic() - begin,
        usage.ru_maxrss / 1024,
        output.decode(errors="replace"),
    )


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        statistics.median(one.cpu for one in costs),
        statistics.median(one.wall for one in costs),
        max(one.rss for one in costs),
        costs[-1].output,
    )
