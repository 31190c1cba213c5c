"""Makes the sample bundles of samples/bundles from the lab: `python -m tests.lab.make [FAULT…]`, as root."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

from tests.lab.cluster import lab
from tests.lab.collect import collect
from tests.lab.faults import FAULTS, Fault
from tests.lab.objects import objects


def make(fault: Fault, folder: Path) -> None:
    """Builds the lab, breaks it, takes its dumps into `folder`."""
    with lab() as running:
        # Listeners need a moment; the neighbour tables fill only when packets flow.
        time.sleep(0.5)
        for node in (1, 2):
            running.probe(f"hp-node-{node}-shell-{node}", "tcp", "10.244.1.10", 8080)
            running.probe(f"hp-node-{node}-shell-{node}", "tcp", "10.244.2.10", 8080)
            running.probe(f"hp-node-{node}", "tcp", "10.244.1.11", 9000)
            running.probe(f"hp-node-{node}-shell-{node}", "tcp", "203.0.113.10", 80)
        api = objects()
        files = fault.inject(running, api)
        collect(folder, api, files)


def main() -> None:
    root = Path(__file__).parents[2] / "samples" / "bundles"
    for fault in FAULTS:
        if len(sys.argv) == 1 or fault.name in sys.argv[1:]:
            shutil.rmtree(root / fault.name, ignore_errors=True)
            make(fault, root / fault.name)
            print(fault.name)


if __name__ == "__main__":
    main()
