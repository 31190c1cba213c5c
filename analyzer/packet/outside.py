"""Addresses outside of the cluster that its pods really talk to: a rule may name one of them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.facts.address import IP, contains
from analyzer.facts.fact import Fact
from analyzer.facts.firewall import Connection
from analyzer.facts.health import DnsUpstream
from analyzer.facts.nodes import Node
from analyzer.facts.services import Endpoint, Service
from analyzer.facts.workloads import Pod
from analyzer.packet.header import protocol_number
from analyzer.packet.places import Places

PER_NODE = 4  # so many of a node's destinations are tried, those with most connections first
End = tuple[IP, int, str]  # address, port, protocol in lower case


class Outside:
    """Which outside ends pods of a node talk to: those of its conntrack table, and those behind headless Services."""

    def __init__(self, places: Places) -> None:
        self._places = places
        world = places.world
        self._own = {address for node in world.facts.of(Node) if (address := node.ip) is not None}
        self._own |= {pod.ip for pod in world.facts.of(Pod) if pod.ip is not None}
        for service in world.facts.of(Service):
            self._own |= {ip for ip in (service.cluster_ip, *(service.cluster_ips or ())) if ip is not None}
            self._own |= {*(service.external_ips or ()), *(service.ingress_ips or ())}
        self._own |= {upstream.ip for upstream in world.facts.of(DnsUpstream)}  # they have a probe of their own
        self._ranges = (*world.cluster.pod_cidrs, *world.cluster.service_cidrs)

    def outside(self, address: IP) -> bool:
        """Whether nothing of the cluster has an address."""
        return (
            address.version == 4
            and not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)
            and address not in self._own
            and address not in self._places.world.owners
            and not any(contains(network, address) for network in self._ranges)
        )

    def ends(self, nodes: list[str]) -> Iterator[tuple[str, Pod, End, Fact]]:
        """Node, pod, the end that it talks to, and what says so."""
        if self._places.world.cluster.obfuscated:
            return
        listed = list(self._listed())
        for node in nodes:
            sender = self._places.sender(node)
            plain = [pod for pod in self._places.candidates(node) if not self._places.isolated(pod)]
            by_address = {pod.ip: pod for pod in plain}
            seen: Counter[End] = Counter()
            first: dict[End, tuple[Pod, Fact]] = {}
            for one in self._places.world.facts.where(Connection, node=node):
                pod = by_address.get(one.src)
                end = _end(one.dst, one.dport, one.protocol)
                if pod is not None and end is not None and self.outside(one.dst):
                    seen[end] += 1
                    first.setdefault(end, (pod, one))
            order = sorted(seen, key=lambda end: (-seen[end], int(end[0]), end[1], end[2]))
            for end in order[:PER_NODE]:
                yield node, first[end][0], end, first[end][1]
            if sender is not None and sender in plain:
                for end, fact in listed:
                    if end not in order[:PER_NODE]:
                        yield node, sender, end, fact

    def _listed(self) -> Iterator[tuple[End, Fact]]:
        """The first outside endpoints of Services without an address: those of others are reached by the Service."""
        headless = {service.key for service in self._places.world.facts.of(Service) if service.headless}
        found: dict[End, Fact] = {}
        for one in sorted(self._places.world.facts.of(Endpoint), key=lambda one: (one.service, int(one.ip))):
            end = _end(one.ip, one.port, one.protocol)
            if one.service in headless and one.pod is None and one.ready and end is not None and self.outside(one.ip):
                found.setdefault(end, one)
        yield from list(found.items())[:PER_NODE]


def _end(address: IP, port: int | None, protocol: str) -> End | None:
    if port is None or protocol_number(protocol.lower()) not in (6, 17):
        return None
    return address, port, protocol.lower()
