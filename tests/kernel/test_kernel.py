"""A bounded run of random cases; `make kernel N=…` runs as many as one likes."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from tests.kernel import judge_crafted
from tests.kernel.judge import Judged, judge
from tests.kernel.wire import wire

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("ip", "iptables-restore", "conntrack", "ipset"))),
    reason="needs root, iproute2, iptables, ipset and conntrack",
)


def test_no_definite_verdict_differs_from_the_kernel() -> None:
    results: list[Judged] = []
    with wire() as running:
        time.sleep(0.5)
        for seed in range(1, 26):
            results += judge(running, seed)
    assert len(results) > 60
    wrong = [result.text for result in results if result.verdict == "wrong"]
    assert not wrong, f"{len(wrong)} of {len(results)}: {wrong[0]}"
    unknown = sum(result.verdict == "unknown" for result in results)
    assert unknown <= len(results) * 0.05, f"{unknown} of {len(results)} unknown"


@pytest.mark.parametrize("native", [False, True], ids=["iptables", "nftables"])
def test_single_packets_meet_the_rules_that_the_kernel_counts(native: bool) -> None:
    results: list[Judged] = []
    with judge_crafted.bench() as made:
        for seed in range(20001, 20021):
            results += judge_crafted.judge(made, seed, native)
    assert len(results) > 80
    wrong = [result.text for result in results if result.verdict == "wrong"]
    assert not wrong, f"{len(wrong)} of {len(results)}: {wrong[0]}"
    unknown = sum(result.verdict == "unknown" for result in results)
    assert unknown <= len(results) * 0.06, f"{unknown} of {len(results)} unknown"
