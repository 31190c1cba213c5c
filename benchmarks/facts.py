"""Facts of a made-up cluster of any size, all of it collected, for measuring rules without reading a bundle."""

from __future__ import annotations

from analyzer.facts import fact_types
from analyzer.facts.address import CIDR, IP, cidr, ip
from analyzer.facts.derived import Cluster, ProgrammedEndpoint, ProgrammedService
from analyzer.facts.fact import Coverage, Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.logs import LogLine
from analyzer.facts.nodes import Node
from analyzer.facts.routing import Route
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.source import Source
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from benchmarks.generate import YEAR


def cluster(nodes: int, services: int, pods: int, log_lines: int, programmed: bool = True) -> Facts:
    """A healthy flannel cluster: every node has all routes and programs every service; logs hold time-outs."""
    names = [NodeName(f"node-{number}") for number in range(nodes)]
    ranges = [_cidr(f"10.{42 + number // 256}.{number % 256}.0/24") for number in range(nodes)]
    facts: list[Fact] = [Cluster(cni="flannel", service_proxy="iptables", pod_cidrs=(_cidr("10.42.0.0/16"),))]
    for number, name in enumerate(names):
        facts.append(Node(name=name, ip=_ip(f"192.168.{number // 250}.{number % 250 + 1}"), pod_cidr=ranges[number]))
        origin = Source(f"nodes/{name}/ip-route.txt", 1, 1)
        facts += [Route(origin=origin, node=name, destination=to, dev="flannel.1") for to in ranges]
    for number in range(pods):
        range_ = ranges[number % nodes]
        facts.append(
            Pod(
                namespace="shop",
                name=f"web-{number}",
                node=names[number % nodes],
                ip=range_.network_address + 2 + number // nodes % 250,
                phase="Running",
                ready=True,
                labels={"app": f"web-{number % services}"},
            )
        )
    for number in range(services):
        service = ServiceName(f"shop/web-{number}")
        address = _ip(f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}")
        selector = Selector({"app": f"web-{number}"})
        facts.append(
            Service(namespace="shop", name=f"web-{number}", type="ClusterIP", cluster_ip=address, selector=selector)
        )
        facts.append(ServicePort(service=service, port=80, target_port=8080))
        pod = PodName(f"shop/web-{number % pods}")
        target = ranges[number % nodes].network_address + 2
        facts.append(Endpoint(service=service, ip=target, port=8080, pod=pod))
        if programmed:
            facts += [ProgrammedService(node=name, service=service, address=address, port=80) for name in names]
            facts += [
                ProgrammedEndpoint(node=name, address=address, port=80, ip=target, target_port=8080) for name in names
            ]
    for number in range(log_lines):
        name = names[number % nodes]
        origin = Source(f"nodes/{name}/k3s.log", number + 1, number + 1)
        text = f"dial tcp 10.43.{number % 250}.{number // 250 % 250}:443: i/o timeout ({number})"
        facts.append(
            LogLine(origin=origin, node=name, component="k3s", time=YEAR - number, message=text, age=float(number))
        )
    return Facts(facts, _everything(names))


def _ip(text: str) -> IP:
    """An address as readers make it: one object for each text."""
    found = ip(text)
    assert found is not None
    return found


def _cidr(text: str) -> CIDR:
    found = cidr(text)
    assert found is not None
    return found


def _everything(nodes: list[NodeName]) -> list[Coverage]:
    entries = []
    for name, kind in fact_types().items():
        entries += [Coverage(fact=name, node=node) for node in nodes] if kind.per == "node" else [Coverage(fact=name)]
    return entries
