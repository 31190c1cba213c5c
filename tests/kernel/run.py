"""Random cases against the kernel without bound: `python -m tests.kernel.run --cases 2000 [--seed 1]`, as root.

A third are connections that servers answer, the rest single packets from a raw socket, half of them through nftables.
"""

from __future__ import annotations

import argparse
from collections import Counter

from tests.kernel import judge_crafted
from tests.kernel.judge import Judged, judge
from tests.kernel.wire import wire


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="flows to send")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--show", type=int, default=3, help="wrong verdicts to print")
    options = parser.parse_args()
    answered: list[Judged] = []
    crafted: list[Judged] = []
    native: list[Judged] = []
    seed = options.seed
    with wire() as running:
        while len(answered) < options.cases / 3:
            answered += judge(running, seed)
            seed += 1
    with judge_crafted.bench() as made:
        while len(crafted) < options.cases / 3:
            crafted += judge_crafted.judge(made, seed)
            seed += 1
        while len(native) < options.cases / 3:
            native += judge_crafted.judge(made, seed, native=True)
            seed += 1
    for what, results in (
        ("connections", answered),
        ("single packets", crafted),
        ("single packets through native nftables", native),
    ):
        count = Counter(result.verdict for result in results)
        for result in [result for result in results if result.verdict == "wrong"][: options.show]:
            print(f"--- seed {result.seed}\n{result.text}")
        print(f"{len(results)} {what}: {count['agree']} agree, {count['unknown']} unknown, {count['wrong']} wrong")


if __name__ == "__main__":
    main()
