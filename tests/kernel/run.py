"""Random cases against the kernel without bound: `python -m tests.kernel.run --cases 2000 [--seed 1]`, as root."""

from __future__ import annotations

import argparse
from collections import Counter

from tests.kernel.judge import Judged, judge
from tests.kernel.wire import wire


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="flows to send")
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--show", type=int, default=3, help="wrong verdicts to print")
    options = parser.parse_args()
    results: list[Judged] = []
    seed = options.seed
    with wire() as running:
        while len(results) < options.cases:
            results += judge(running, seed)
            seed += 1
    count = Counter(result.verdict for result in results)
    for result in [result for result in results if result.verdict == "wrong"][: options.show]:
        print(f"--- seed {result.seed}\n{result.text}")
    print(f"{len(results)} flows: {count['agree']} agree, {count['unknown']} unknown, {count['wrong']} wrong")


if __name__ == "__main__":
    main()
