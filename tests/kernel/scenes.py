"""Random clusters against the kernel: `python -m tests.kernel.scenes --scenes N --seed S [--export DIR]`, as root."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analyzer.facts.store import Facts
from analyzer.packet.flow import Topology, flow_from, topology_from
from analyzer.packet.trace import Trace, trace
from analyzer.packet.world import OUTSIDE
from tests.kernel.scene_build import Built, built, export, facts_in
from tests.kernel.scene_faults import broken
from tests.kernel.scene_flows import flows
from tests.kernel.scene_judge import Scene, judge, short
from tests.kernel.scene_lab import judged
from tests.kernel.scene_plan import OUT, UNDERLAY, Plan
from tests.kernel.scene_plan import OUTSIDE as OUTSIDE_IPS
from tests.kernel.scene_probe import Seen
from tests.lab.faults import FAULTS


@dataclass(frozen=True)
class Judged:
    """One flow in one form: `verdict` is agree, unknown or wrong; the rest is for a person to read."""

    seed: int
    form: str
    verdict: str
    said: str
    text: str


@dataclass(frozen=True)
class Form:
    """The dumps of a scene as a trace gets them: as a case directory with its topology, or as a bundle of a cluster."""

    name: str
    facts: Facts
    topology: Topology | None
    scene: Scene

    def tells(self, flow: dict[str, Any]) -> bool:
        """Whether the form can say anything: a bundle knows nothing of what the outside does with addresses but nodes'."""
        if self.topology is not None:
            return True
        owners = self.scene.owners.get(flow["dst_ip"], frozenset())
        if flow["src_node"] == OUT:
            return flow["dst_ip"].startswith(tuple(UNDERLAY.values())) and owners != {OUT}
        return (owners != {OUT} and bool(owners)) or flow["dst_ip"] in OUTSIDE_IPS.values()

    def trace(self, flow: dict[str, Any]) -> Trace:
        """What the model says of a flow."""
        if self.topology is None:
            home = flow["src_node"].partition("-p")[0]
            flow = flow | {"src_node": flow["src_node"] if home == flow["src_node"] else f"{home}:{flow['src_node']}"}
            flow |= {"src_node": OUTSIDE} if flow["src_node"] == OUT else {}
        return trace(self.facts, flow_from(json.dumps(flow)), self.topology)


def forms(plan: Plan, dumps: dict[str, str], owners: dict[str, frozenset[str]]) -> list[Form]:
    """Both forms of the dumps of a scene; in a bundle, pods lie below their node, and the outside is not collected."""
    topology = topology_from(json.dumps(plan.topology))
    open_ports = {
        (path.split("/")[1], int(port))
        for path, text in dumps.items()
        if path.endswith("/ss-ulnp.txt")
        for port in re.findall(r"^UNCONN\s+\d+\s+\d+\s+\S*:(\d+)\s", text, re.MULTILINE)
    }

    def closed(host: str, port: int) -> bool:
        return (host, port) not in open_ports

    below = {}
    for path, text in dumps.items():
        _, name, file = path.split("/")
        place = plan.places[name]
        if place.kind == "node":
            below[path] = text
        elif place.kind == "pod" and not file.startswith(("hostname", "ip6tables", "iptables")):
            below[f"nodes/{place.node}/pods/{name}/{file}"] = text
    return [
        Form("case", facts_in(dumps), topology, Scene(owners, closed=closed)),
        Form(
            "bundle",
            facts_in(below),
            None,
            Scene(owners, lambda name: OUT if name == OUTSIDE else name.rpartition(":")[2], OUT, closed),
        ),
    ]


def run_scene(seed: int, count: int = 14, proxy: str | None = None, folder: Path | None = None) -> list[Judged]:
    """Builds the scene of a seed, sends its flows, compares each; wrong ones are written below `folder`."""
    plan = broken(seed, proxy)
    with built(plan) as running:
        dumps = running.dumps()
        both = forms(plan, dumps, running.owners(dumps))
        results = []
        for number, flow in enumerate(flows(plan, count)):
            found, seen = _probe(running, both, flow, 0.25)
            if any(word == "wrong" and form.tells(flow) for form, (_, word, _) in zip(both, found, strict=True)):
                # A lost race is no disagreement: again, from another port, with time.
                flow |= {"src_port": 40000 + number} if "src_port" in flow else {}
                found, seen = _probe(running, both, flow, 1.5)
            for form, (said, word, why) in zip(both, found, strict=True):
                if not form.tells(flow):
                    continue
                about = f"seed {seed} {plan.proxy} {plan.overlay} {form.name} {plan.faults}"
                kernel = f"{about}\n  flow {json.dumps(flow)}\n  kernel {seen}\n  {why}"
                if word == "wrong" and folder is not None:
                    export(folder / f"seed-{seed}-{number}", dumps, plan, flow, kernel)
                results.append(Judged(seed, form.name, word, said.verdict, f"{kernel}\n  trace {short(said)}"))
    return results


def _probe(
    running: Built, both: list[Form], flow: dict[str, Any], timeout: float
) -> tuple[list[tuple[Trace, str, str]], Seen]:
    assert running.agent is not None
    family = "6" if ":" in flow["dst_ip"] else ""
    running.forget_neighbours()
    before = running.counters()
    seen = running.agent.send(flow, timeout)
    after = running.counters()
    hits = {
        (node, table.removesuffix("6"), chain, rule): packets - before.get((node, table, chain, rule), 0)
        for (node, table, chain, rule), packets in after.items()
        if table.endswith("6") == bool(family)
    }
    found = []
    for form in both:
        said = form.trace(flow)
        scene = form.scene if flow["proto"] == "udp" else replace(form.scene, closed=lambda host, port: False)
        found.append((said, *judge(said, seen, scene, flow["src_node"], flow["dst_ip"], hits)))
    return found, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="first seed")
    parser.add_argument("--flows", type=int, default=14, help="flows of each scene")
    parser.add_argument("--proxy", choices=("iptables", "nftables"))
    parser.add_argument("--export", type=Path, help="where to write wrong cases as case directories")
    parser.add_argument("--show", type=int, default=3, help="wrong verdicts to print")
    parser.add_argument("--unknown", action="store_true", help="print why verdicts are unknown")
    parser.add_argument("--lab", action="store_true", help="the lab of tests/lab with each of its faults, as well")
    options = parser.parse_args()
    total: dict[str, Counter[str]] = {"case": Counter(), "bundle": Counter()}
    said: Counter[str] = Counter()
    shown = 0
    for seed in range(options.seed, options.seed + options.scenes):
        for result in run_scene(seed, options.flows, options.proxy, options.export):
            total[result.form][result.verdict] += 1
            said[result.said] += 1
            if (result.verdict == "wrong" and shown < options.show) or (
                result.verdict == "unknown" and options.unknown
            ):
                shown += result.verdict == "wrong"
                print(f"--- {result.verdict}: {result.text}", flush=True)
        if seed % 10 == 9:
            print(f"up to seed {seed}:", flush=True)
            _print(total)
    _print(total)
    print(dict(said))
    if options.lab:
        _lab()


def _print(total: dict[str, Counter[str]]) -> None:
    for form, count in total.items():
        print(
            f"{count.total()} flows as a {form}: {count['agree']} agree, {count['unknown']} unknown, {count['wrong']} wrong",
            flush=True,
        )


def _lab() -> None:
    count: Counter[str] = Counter()
    for fault in FAULTS:
        for result in judged(fault):
            count[result.verdict] += 1
            if result.verdict == "wrong":
                print(result.text, flush=True)
    print(
        f"{count.total()} probes of the lab: {count['agree']} agree, {count['unknown']} unknown, {count['wrong']} wrong"
    )


if __name__ == "__main__":
    main()
