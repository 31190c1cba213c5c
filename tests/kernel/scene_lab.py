"""The lab of tests/lab as a scene: real probes over every fault, against traces over its collector's dumps."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from analyzer.analysis import facts_of
from analyzer.errors import UsageError
from analyzer.facts.store import Facts
from analyzer.packet.endpoints import resolve
from analyzer.packet.flow import Flow
from analyzer.packet.trace import trace
from tests.kernel.scene_judge import Scene, judge, short
from tests.kernel.scene_probe import Agent
from tests.lab.cluster import NODES, PODS, Lab, lab, within
from tests.lab.collect import collect
from tests.lab.faults import Fault
from tests.lab.objects import objects

OUTSIDE = "hp-outside"
UDP_PORT = 5300  # the lab's own UDP server answers from its main address, which is no fault of the network
SHELLS = ("pod/tools/shell-1", "pod/tools/shell-2")
WEB, API = "pod/shop/web-7f9-x1", "pod/shop/api-55c-y1"
SERVICES = ("svc/shop/web", "svc/shop/api", "svc/default/kubernetes", "svc/kube-system/kube-dns")
BACKENDS = (WEB, "pod/shop/web-7f9-x2", API, "pod/kube-system/coredns-6d8c-aa", "pod/kube-system/coredns-6d8c-bb")
NODE_IPS = tuple(f"172.31.5.1{number}" for number in NODES.values())


@dataclass(frozen=True)
class Judged:
    """One probe: `verdict` is agree, unknown or wrong; `text` is for a person to read."""

    name: str
    verdict: str
    text: str


def probes() -> Iterator[tuple[str, str, str]]:
    """Source, target and protocol of every probe."""
    for source in (*SHELLS, WEB, API, "node/node-1", "node/node-2"):
        for target in (*SERVICES, *BACKENDS):
            if "dns" in target:
                yield source, target + ":53", "udp"
            yield source, target, "tcp"
        for address in NODE_IPS:
            yield source, f"{address}:30080", "tcp"
            yield source, address, "icmp"
        for pod in (*SHELLS, WEB):
            yield source, pod, "icmp"
        yield source, "203.0.113.10:80", "tcp"
        yield source, "203.0.113.10", "icmp"
        yield source, f"203.0.113.10:{UDP_PORT}", "udp"
    for address in NODE_IPS:
        yield "external", f"{address}:30080", "tcp"
        yield "external", f"{address}:6443", "tcp"
        yield "external", address, "icmp"


def hosts() -> dict[str, str]:
    """Namespaces of the kernel by the names that a trace may use."""
    found = {"external": OUTSIDE} | {node: f"hp-{node}" for node in NODES}
    for pod in PODS:
        found[f"{pod.node}:{pod.name}"] = found[f"{pod.node}:{pod.namespace}/{pod.name}"] = pod.netns
    return found


def judged(fault: Fault, every: int = 1) -> list[Judged]:
    """Builds the lab, breaks it, takes its dumps, and sends every probe, or one of `every`."""
    with lab() as running:
        time.sleep(0.4)
        agent = Agent({real: real for real in running.names})
        try:
            agent.listen(OUTSIDE, [("udp", UDP_PORT)])
            return list(_judged(running, agent, fault, every))
        finally:
            agent.close()


def _judged(running: Lab, agent: Agent, fault: Fault, every: int) -> Iterator[Judged]:
    api = objects()
    files = fault.inject(running, api)
    with tempfile.TemporaryDirectory() as folder:
        collect(Path(folder), api, files)
        texts = {str(p.relative_to(folder)): p.read_text() for p in Path(folder).rglob("*") if p.is_file()}
    facts = facts_of(texts)
    names = hosts()
    scene = Scene(owners(running.names), lambda name: names[name])
    for number, (source, target, proto) in enumerate(list(probes())[::every]):
        name = f"{fault.name}: {source} -> {target} {proto}"
        flow = _flow(facts, source, target, proto, 20000 + number)
        if flow is None:
            continue
        said = trace(facts, flow)
        asked = wire_form(flow, names)
        seen = agent.send(asked, 0.3)
        word, why = judge(said, seen, scene, flow.src_node or "", flow.dst_ip)
        if word == "wrong":
            # A lost race is no disagreement: again, from another port, with time.
            seen = agent.send(asked | {"src_port": 30000 + number}, 1.5)
            again = trace(facts, from_port(flow, 30000 + number))
            word, why = judge(again, seen, scene, flow.src_node or "", flow.dst_ip)
        yield Judged(name, word, f"{name}: {why}\n  kernel {seen}\n  trace {short(said)}")


def _flow(facts: Facts, source: str, target: str, proto: str, port: int) -> Flow | None:
    try:
        return from_port(resolve(facts, source, target, proto), port)
    except UsageError:
        return None  # the fault removed the thing


def from_port(flow: Flow, port: int) -> Flow:
    """The flow from another port."""
    return msgspec.structs.replace(flow, src_port=port if flow.proto != "icmp" else None)


def wire_form(flow: Flow, names: dict[str, str]) -> dict[str, Any]:
    """A flow as the probes take it."""
    asked: dict[str, Any] = {"src_node": names[flow.src_node or ""], "dst_ip": flow.dst_ip, "proto": flow.proto}
    for key in ("src_ip", "src_port", "dst_port", "size"):
        if getattr(flow, key) is not None:
            asked[key] = getattr(flow, key)
    return asked


def owners(names: list[str]) -> dict[str, frozenset[str]]:
    """Namespaces by the addresses that they have."""
    found: dict[str, frozenset[str]] = {}
    for name in names:
        for address in re.findall(r"inet6? ([0-9a-f.:]+)/", within(name, "ip", "-o", "addr")):
            found[address] = found.get(address, frozenset()) | {name}
    return found
