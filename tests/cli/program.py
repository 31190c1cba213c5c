"""The program as its users run it: in this process, and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
HAIRPIN = [sys.executable, "-c", "from analyzer.cli import main; main()"]

# Arguments to exit code, standard output and standard error: the fixture `run`, in this process
Run = Callable[..., tuple[int, str, str]]


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own, for what the operating system takes part in."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("HAIRPIN_STRICT", None)
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*HAIRPIN, *arguments],
        capture_output="stdout" not in options,
        text=True,
        timeout=60,
        env=environment,
        **options,
    )
