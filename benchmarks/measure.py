"""What a command costs: CPU seconds of it and its children, wall seconds, peak resident memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

# A child's peak memory begins with its parent's at the time of the fork, so a small process stands between.
_BETWEEN = """
import json, os, sys, time
begin = time.monotonic()
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - begin
code = os.waitstatus_to_exitcode(status)
print(json.dumps([usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, code]), file=sys.stderr)
"""


class Cost(msgspec.Struct, frozen=True):
    """CPU and wall in seconds, rss in MB; of the last run what the command printed, and its exit status."""

    cpu: float
    wall: float
    rss: float
    output: str = ""
    status: int = 0


def cost(command: Sequence[str], repeats: int = 3, folder: Path | None = None) -> Cost:
    """The median cost of a command. Its exit status does not matter; its standard error is dropped."""
    return middle([once(command, folder) for _ in range(repeats)])


def side_by_side(ours: Sequence[str], theirs: Sequence[str], repeats: int = 3) -> tuple[Cost, Cost]:
    """The median costs of two commands that are run in turn, so that a busy machine slows both."""
    pairs = [(once(ours), once(theirs)) for _ in range(repeats)]
    return middle([one for one, _ in pairs]), middle([other for _, other in pairs])


def once(command: Sequence[str], folder: Path | None = None) -> Cost:
    """The cost of one run."""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", _BETWEEN, *command],
        capture_output=True,
        check=False,
        cwd=folder,
        env=_environment(),
    )
    cpu, wall, rss, status = json.loads(done.stderr)
    return Cost(cpu, wall, rss, done.stdout.decode(errors="replace"), int(status))


def _environment() -> dict[str, str]:
    """As an installed program runs: with compiled modules, which some environments do not write."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if "PYTHONDONTWRITEBYTECODE" in os.environ:
        kept.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir(), f"hairpin-bench-{os.getuid()}")))
    return kept


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        statistics.median(one.cpu for one in costs),
        statistics.median(one.wall for one in costs),
        max(one.rss for one in costs),
        costs[-1].output,
        costs[-1].status,
    )
