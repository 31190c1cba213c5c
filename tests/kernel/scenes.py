"""Random clusters against the kernel: `python -m tests.kernel.scenes --scenes N --seed S [--export DIR]`, as root."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from analyzer.packet.flow import flow_from, topology_from
from analyzer.packet.trace import Trace, trace
from tests.kernel.scene_build import Built, built, export, facts_in
from tests.kernel.scene_faults import broken
from tests.kernel.scene_flows import flows
from tests.kernel.scene_judge import Scene, judge
from tests.kernel.scene_probe import Seen


@dataclass(frozen=True)
class Judged:
    """One flow: `verdict` is agree, unknown or wrong; the rest is for a person to read, or to export."""

    seed: int
    verdict: str
    said: str
    text: str
    flow: dict[str, Any] = field(repr=False)
    export: Path | None = None


def run_scene(seed: int, count: int = 14, proxy: str | None = None, folder: Path | None = None) -> list[Judged]:
    """Builds the scene of a seed, sends its flows, compares each; wrong ones are written below `folder`."""
    plan = broken(seed, proxy)
    with built(plan) as running:
        dumps = running.dumps()
        facts = facts_in(dumps)
        topology = topology_from(json.dumps(plan.topology))
        scene = Scene(running.owners(dumps))
        results = []
        for number, flow in enumerate(flows(plan, count)):
            said = trace(facts, flow_from(json.dumps(flow)), topology)
            word, why, seen = _probe(running, said, flow, scene, 0.25)
            if word == "wrong":
                # A lost race is no disagreement: again, from another port, with time.
                flow |= {"src_port": 40000 + number} if "src_port" in flow else {}
                said = trace(facts, flow_from(json.dumps(flow)), topology)
                word, why, seen = _probe(running, said, flow, scene, 1.5)
            kernel = f"seed {seed} {plan.proxy} {plan.overlay} {plan.faults}\n  flow {json.dumps(flow)}\n  kernel {seen}\n  {why}"
            if word == "wrong" and folder is not None:
                export(folder / f"seed-{seed}-{number}", dumps, plan, flow, kernel)
            results.append(Judged(seed, word, said.verdict, f"{kernel}\n  trace {short(said)}", flow))
    return results


def _probe(running: Built, said: Trace, flow: dict[str, Any], scene: Scene, timeout: float) -> tuple[str, str, Seen]:
    assert running.agent is not None
    family = "6" if ":" in flow["dst_ip"] else ""
    if family:
        running.forget_neighbours()
    before = running.counters()
    seen = running.agent.send(flow, timeout)
    after = running.counters()
    hits = {
        (node, table.removesuffix("6"), chain, rule): packets - before.get((node, table, chain, rule), 0)
        for (node, table, chain, rule), packets in after.items()
        if table.endswith("6") == bool(family)
    }
    word, why = judge(said, seen, scene, flow["src_node"], hits)
    return word, why, seen


def short(said: Trace) -> str:
    """A trace for a person: the result, then its steps."""
    plain = msgspec.to_builtins(said, enc_hook=str)
    steps = plain.pop("steps")
    head = {key: value for key, value in plain.items() if value and key != "outcomes"}
    lines = [
        "    "
        + " ".join(
            str(part)
            for part in (
                "<" if s["reply"] else ">",
                s["node"],
                s["hook"],
                s["table"],
                s["chain"],
                s["rule"],
                s["text"],
                s["changed"] or "",
            )
            if part
        )
        for s in steps
    ]
    return "\n".join([str(head), *lines, *(short(outcome) for outcome in said.outcomes)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--flows", type=int, default=14, help="flows of each scene")
    parser.add_argument("--proxy", choices=("iptables", "nftables"))
    parser.add_argument("--export", type=Path, help="where to write wrong cases as case directories")
    parser.add_argument("--show", type=int, default=3, help="wrong verdicts to print")
    parser.add_argument("--unknown", action="store_true", help="print why verdicts are unknown")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    said: Counter[str] = Counter()
    shown = 0
    for seed in range(options.seed, options.seed + options.scenes):
        for result in run_scene(seed, options.flows, options.proxy, options.export):
            total[result.verdict] += 1
            said[result.said] += 1
            if (result.verdict == "wrong" and shown < options.show) or (
                result.verdict == "unknown" and options.unknown
            ):
                shown += result.verdict == "wrong"
                print(f"--- {result.verdict}: {result.text}", flush=True)
    print(
        f"{total.total()} flows: {total['agree']} agree, {total['unknown']} unknown, {total['wrong']} wrong; {dict(said)}"
    )


if __name__ == "__main__":
    main()
