"""Random flows of a scene: every kind of source to every kind of target."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.kernel.scene_plan import EXTERNAL, OUT, OUTSIDE, Place, Plan


def flows(plan: Plan, count: int) -> list[dict[str, Any]]:
    """Flows as docs/trace.md describes them; those that a fault calls for come first."""
    random = Random(plan.seed * 7919 + 1)
    made = [*plan.extra, *(_flow(random, plan) for _ in range(count))]
    return [flow | ({"src_port": 20000 + n} if flow["proto"] != "icmp" else {}) for n, flow in enumerate(made)]


def _flow(random: Random, plan: Plan) -> dict[str, Any]:
    family = 6 if random.random() < 0.3 else 4
    sources = [*plan.of_kind("pod"), *plan.of_kind("pod"), *plan.of_kind("node"), plan.places[OUT]]
    source = random.choice(sources)
    flow: dict[str, Any] = {"src_node": source.name} | _target(random, plan, source, family)
    if random.random() < 0.3 and source.kind == "pod":
        flow["src_ip"] = source.ip(family)
    if source.kind == "outside" and random.random() < 0.3:
        flow["src_ip"] = OUTSIDE[family]
    if source.kind == "node" and not source.routed and random.random() < 0.2:
        flow["src_ip"] = f"10.50.{source.number}.1" if family == 4 else f"fd50:0:{source.number}::1"
    if random.random() < 0.08:
        flow["ttl"] = random.choice((1, 2, 3))
    if flow["proto"] != "tcp" and random.random() < 0.15:
        flow["size"] = random.choice((1300, 1420, 1450, 1460, 1500))
        flow["dont_fragment"] = random.random() < 0.8
    return flow


def _target(random: Random, plan: Plan, source: Place, family: int) -> dict[str, Any]:
    kinds = ["service"] * 6 + ["nodeport"] * 4 + ["pod"] * 4 + ["node"] * 2 + ["outside", "nowhere", "external"]
    kinds += ["hostport"] * 2 if plan.host_ports else []
    kind = random.choice(kinds)
    proto = random.choice(("tcp", "tcp", "udp", "icmp"))
    pods, nodes = plan.of_kind("pod"), plan.of_kind("node")
    service = random.choice(plan.services)
    if kind == "service":
        port = service.port if random.random() < 0.9 else 81
        proto = "icmp" if random.random() < 0.06 else service.proto
        return _to(proto, service.ip(family), port)
    if kind == "nodeport":
        with_port = [item for item in plan.services if item.node_port] or [service]
        service = random.choice(with_port)
        address = random.choice(nodes).ip(family)
        if source.kind == "node" and random.random() < 0.2:
            address = "127.0.0.1" if family == 4 else "::1"
        return _to(service.proto, address, service.node_port or 30009)
    if kind == "external":
        return _to(service.proto, EXTERNAL[family], service.port)
    if kind == "hostport":
        pod, proto, port, _ = random.choice(plan.host_ports)
        home = plan.places[plan.places[pod].node]
        return _to(proto, random.choice((home, home, random.choice(nodes))).ip(family), port)
    if kind == "pod":
        return _to(proto, random.choice(pods).ip(family), random.choice((8080, 9000)))
    if kind == "node":
        node = random.choice(nodes)
        address = node.ip(family)
        if not node.routed and random.random() < 0.3:
            address = f"10.50.{node.number}.1" if family == 4 else f"fd50:0:{node.number}::1"
        return _to(proto, address, random.choice((10250, 10250, 4242)))
    if kind == "outside":
        return _to(proto, OUTSIDE[family], 80)
    nowhere = {
        4: ("10.60.0.200", "10.50.1.99", "10.50.9.9", "192.0.2.9"),
        6: ("fd60::c8", "fd50:0:1::99", "fd50:0:9::9", "2001:db8:5::1"),
    }
    return _to(proto, random.choice(nowhere[family]), 80)


def _to(proto: str, address: str, port: int) -> dict[str, Any]:
    return {"proto": proto, "dst_ip": address} | ({"dst_port": port} if proto != "icmp" else {})
