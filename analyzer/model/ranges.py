"""The pod and service ranges against the networks that a node has itself."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from analyzer.facts.address import CIDR, IP
from analyzer.facts.derived import Cluster
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.health import RangeConflict
from analyzer.facts.nodes import Node
from analyzer.facts.routing import InterfaceAddress, Route
from analyzer.facts.store import Facts
from analyzer.model.addresses import made_by_cni

# These take pod addresses from the network of the nodes, by design.
_NATIVE = ("aws-vpc", "azure")


class Range(msgspec.Struct, frozen=True):
    """A range of the cluster, "pod" or "service", and its number among all of them."""

    number: int
    kind: str
    net: CIDR


class Ranges:
    """Ranges by their addresses. Those of one kind lie apart, so that those a network meets stand side by side."""

    def __init__(self, ranges: Iterable[tuple[str, CIDR]]) -> None:
        groups: dict[tuple[str, int], list[Range]] = defaultdict(list)
        for number, (kind, net) in enumerate(ranges):
            groups[kind, net.version].append(Range(number, kind, net))
        self._groups: dict[int, list[tuple[list[int], list[int], list[Range]]]] = defaultdict(list)
        for (_, version), found in groups.items():
            found.sort(key=lambda one: _first(one.net))
            firsts, lasts = [_first(one.net) for one in found], [_last(one.net) for one in found]
            self._groups[version].append((firsts, lasts, found))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def meeting(self, net: CIDR) -> Iterator[Range]:
        """The ranges that share an address with a network."""
        for firsts, lasts, ranges in self._groups.get(net.version, ()):
            yield from ranges[bisect_left(lasts, _first(net)) : bisect_right(firsts, _last(net))]

    def hold(self, address: IP) -> bool:
        """Whether an address lies in a range."""
        number = int(address)
        return any(
            bisect_left(lasts, number) < bisect_right(firsts, number)
            for firsts, lasts, _ in self._groups.get(address.version, ())
        )


def _first(net: CIDR) -> int:
    return int(net.network_address)


def _last(net: CIDR) -> int:
    return _first(net) + (1 << (net.max_prefixlen - net.prefixlen)) - 1


def range_conflicts(facts: Facts, cluster: Cluster, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """RangeConflict of every node: its own networks and foreign routes against the pod and service ranges."""
    found: list[Fact] = []
    stated = [("service", net) for net in cluster.service_cidrs]
    if cluster.cni not in _NATIVE and cluster.distribution not in ("gke", "eks"):
        stated += [("pod", net) for net in cluster.pod_cidrs]
    ranges = Ranges(stated)
    hosts = {
        address for node in facts.of(Node) for address in (*(node.addresses or ()), node.ip) if address is not None
    }
    # A route to just the pods of one node is meant for them, even if its next hop is wrong.
    given = {net for node in facts.of(Node) for net in (*(node.pod_cidrs or ()), node.pod_cidr)}
    if not cluster.obfuscated:
        for node in nodes:
            routes = [route for route in facts.where(Route, node=node) if route.destination not in given]
            found += _conflicts(facts.where(InterfaceAddress, node=node), routes, node, ranges, hosts)
    coverage = []
    for node in nodes:
        for entry in facts.coverage(InterfaceAddress, node=node):
            complete = entry.complete and facts.collected(Route, node=node) and bool(ranges)
            coverage.append(
                Coverage(fact="RangeConflict", node=node, complete=complete, note=entry.note, path=entry.path)
            )
    return list(dict.fromkeys(found)), coverage


def _conflicts(
    addresses: Sequence[InterfaceAddress], routes: Sequence[Route], node: NodeName, ranges: Ranges, hosts: set[IP]
) -> list[RangeConflict]:
    """Range by range, first by what addresses the node has there, then by what routes."""
    found: list[tuple[int, RangeConflict]] = []
    seen: set[tuple[int, CIDR]] = set()
    for address in addresses:
        own = address.network
        if own is None or made_by_cni(address.dev) or address.ip.is_link_local or own.prefixlen == own.max_prefixlen:
            continue
        for one in ranges.meeting(own):
            seen.add((one.number, own))
            conflict = RangeConflict(
                node=node, range=one.net, range_kind=one.kind, network=own, dev=address.dev, origin=address.origin
            )
            found.append((one.number, conflict))
    for route in routes:
        other = route.destination
        if not _foreign(route, hosts):
            continue
        for one in ranges.meeting(other):
            if (one.number, other) not in seen:
                conflict = RangeConflict(
                    node=node, range=one.net, range_kind=one.kind, network=other, dev=route.dev, origin=route.origin
                )
                found.append((one.number, conflict))
    return [conflict for _, conflict in sorted(found, key=lambda pair: pair[0])]


def _foreign(route: Route, hosts: set[IP]) -> bool:
    """Whether a route leads somewhere that is not the cluster's.

    Routes to other nodes' pods by way of those nodes, and routes of a routing daemon, are the CNI's own.
    """
    return not (
        route.dev is None
        or route.table == "local"
        or route.type != "unicast"
        or route.destination.prefixlen in (0, route.destination.max_prefixlen)
        or route.protocol in ("bird", "zebra", "80", "kernel")
        or route.via in hosts
        or made_by_cni(route.dev)
    )
