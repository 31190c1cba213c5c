"""Random clusters and the lab against the kernel, bounded; `python -m tests.kernel.scenes` runs as many as one likes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kernel.scene_build import built, export, facts_in
from tests.kernel.scene_faults import broken
from tests.kernel.scene_flows import flows
from tests.kernel.scene_lab import judged
from tests.kernel.scenes import run_scene
from tests.lab.faults import FAULTS

TOOLS = ("ip", "bridge", "iptables-restore", "ip6tables-restore", "nft", "ss")
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, TOOLS)), reason=f"needs root and {', '.join(TOOLS)}"
)
SECONDS = 16  # of each proxy mode; a slow machine sees fewer scenes, not a longer run


@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
def test_random_clusters(proxy: str) -> None:
    end = time.monotonic() + SECONDS
    results = []
    for seed in range(1, 20):
        results += run_scene(seed, 8, proxy)
        if time.monotonic() > end:
            break
    wrong = [result.text for result in results if result.verdict == "wrong"]
    assert not wrong, f"{len(wrong)} of {len(results)}: {wrong[0]}"
    unknown = [result.text for result in results if result.verdict == "unknown"]
    assert len(unknown) <= len(results) * 0.05, f"{len(unknown)} of {len(results)} unknown: {unknown[0]}"


@pytest.mark.parametrize("name", ["healthy", "bridge-nf-off", "forward-policy-drop"])
def test_the_lab(name: str) -> None:
    results = judged(next(fault for fault in FAULTS if fault.name == name), every=7)
    assert len(results) > 15
    wrong = [result.text for result in results if result.verdict != "agree"]
    assert not wrong, f"{len(wrong)} of {len(results)}: {wrong[0]}"


def test_a_case_directory_is_understood_by_the_command(tmp_path: Path) -> None:
    plan = broken(7)
    with built(plan) as running:
        dumps = running.dumps()
        flow = next(flow for flow in flows(plan, 20) if flow["proto"] == "udp" and flow["src_node"] == "n2")
        assert running.agent is not None
        seen = running.agent.send(flow, 1.0)
    assert facts_in(dumps)
    export(tmp_path, dumps, plan, flow, str(seen))
    files = ("--flow", str(tmp_path / "flow.json"), "--topology", str(tmp_path / "topology.json"))
    command = [
        sys.executable,
        "-c",
        "from analyzer.cli import main; main()",
        "trace",
        str(tmp_path),
        *files,
        "--format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert (said["verdict"], said["reply"], seen.answered) == ("delivered", "ok", True)
    assert said["to"]["node"] in {heard.host for heard in seen.heard}
