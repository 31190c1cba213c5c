"""What the network of a node makes of pods: ranges in conflict, hairpin ports, ends of the overlay, clocks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from statistics import median

from analyzer.facts.address import CIDR, IP, ip, overlaps
from analyzer.facts.derived import Cluster, HairpinPort, NodeClock, OverlayPeer, RangeConflict
from analyzer.facts.fact import Coverage, Fact, NodeName, PodName
from analyzer.facts.nodes import Clock, Node, Sysctl
from analyzer.facts.routing import BridgePort, FdbEntry, Interface, InterfaceAddress, Neighbour, Route
from analyzer.facts.services import Endpoint
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.model.addresses import POD_BRIDGES, made_by_cni

# These take pod addresses from the network of the nodes, by design.
_NATIVE = ("aws-vpc", "azure")


def range_conflicts(facts: Facts, cluster: Cluster, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """RangeConflict of every node: its own networks and foreign routes against the pod and service ranges."""
    found: list[Fact] = []
    ranges = [("service", net) for net in cluster.service_cidrs]
    if cluster.cni not in _NATIVE and cluster.distribution not in ("gke", "eks"):
        ranges += [("pod", net) for net in cluster.pod_cidrs]
    hosts = {
        address for node in facts.of(Node) for address in (*(node.addresses or ()), node.ip) if address is not None
    }
    if not cluster.obfuscated:
        for node in nodes:
            for kind, net in ranges:
                found += _conflicts(facts, node, kind, net, hosts)
    coverage = []
    for node in nodes:
        for entry in facts.coverage(InterfaceAddress, node=node):
            complete = entry.complete and facts.collected(Route, node=node) and bool(ranges)
            coverage.append(
                Coverage(fact="RangeConflict", node=node, complete=complete, note=entry.note, path=entry.path)
            )
    return list(dict.fromkeys(found)), coverage


def _conflicts(facts: Facts, node: NodeName, kind: str, net: CIDR, hosts: set[IP]) -> Iterator[RangeConflict]:
    seen: set[CIDR] = set()
    for address in facts.where(InterfaceAddress, node=node):
        own = address.network
        if own is None or made_by_cni(address.dev) or address.ip.is_link_local or own.prefixlen == own.max_prefixlen:
            continue
        if overlaps(own, net):
            seen.add(own)
            yield RangeConflict(
                node=node, range=net, range_kind=kind, network=own, dev=address.dev, origin=address.origin
            )
    for route in facts.where(Route, node=node):
        other = route.destination
        if route.table == "local" or route.type != "unicast" or other.prefixlen == 0 or made_by_cni(route.dev):
            continue
        # routes to other nodes' pods by way of those nodes, and routes of a routing daemon, are the CNI's own
        if (
            route.via in hosts
            or route.protocol in ("bird", "zebra", "80", "kernel")
            or other in seen
            or route.dev is None
        ):
            continue
        if other.prefixlen < other.max_prefixlen and overlaps(other, net):
            yield RangeConflict(
                node=node, range=net, range_kind=kind, network=other, dev=route.dev, origin=route.origin
            )


def hairpin_ports(facts: Facts, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """HairpinPort of every port of a pod bridge that leads to a pod."""
    behind = {endpoint.ip for endpoint in facts.of(Endpoint)}
    found: list[Fact] = []
    coverage: list[Coverage] = []
    for node in nodes:
        links = {link.name: link for link in facts.where(Interface, node=node)}
        pods = dict(_pods_by_port(facts, node))
        bridge_nf = next(
            (one.number for one in facts.where(Sysctl, node=node, name="net.bridge.bridge-nf-call-iptables")), None
        )
        for port in facts.where(BridgePort, node=node):
            link = links.get(port.dev)
            bridge = port.bridge or (link.master if link is not None else None)
            if (
                bridge is None
                or not POD_BRIDGES.match(bridge)
                or (link is not None and link.kind not in (None, "veth"))
            ):
                continue
            pod = pods.get(link.index) if link is not None and link.index is not None else None
            found.append(
                HairpinPort(
                    node=node,
                    bridge=bridge,
                    dev=port.dev,
                    pod=PodName(pod.key) if pod is not None else None,
                    hairpin=port.hairpin,
                    promiscuous=links[bridge].promiscuous if bridge in links else None,
                    bridge_nf=None if bridge_nf is None else bridge_nf == 1,
                    serves=pod.ip in behind if pod is not None else None,
                    origin=port.origin.of("hairpin"),
                )
            )
        # Which port leads to a pod that serves, and whether bridged packets meet iptables, decide whether it matters.
        lacking = [kind.__name__ for kind in (Pod, Endpoint) if not facts.collected(kind)]
        lacking += ["net.bridge.bridge-nf-call-iptables"] if bridge_nf is None else []
        note = f"{' and '.join(lacking)} not collected" if lacking else ""
        for entry in facts.coverage(BridgePort, node=node):
            complete = entry.complete and not lacking
            coverage.append(
                Coverage(
                    fact="HairpinPort", node=node, complete=complete, note=entry.note or note, path=entry.path
                )
            )
    return found, coverage


def _pods_by_port(facts: Facts, node: NodeName) -> Iterator[tuple[int, Pod]]:
    """Pods by the number of the host's end of their veth pair."""
    for pod in facts.where(Pod, node=node):
        for link in facts.where(Interface, netns=f"{node}:{pod.name}"):
            if link.peer_index is not None and link.kind != "loopback":
                yield link.peer_index, pod


def overlay_peers(facts: Facts, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """OverlayPeer of every pair of nodes that flannel joins by vxlan, from what each node announces of itself."""
    ends = dict(_ends(facts.of(Node)))
    found: list[Fact] = []
    coverage: list[Coverage] = []
    for node in nodes:
        device = next((link for link in facts.where(Interface, node=node) if link.name == "flannel.1"), None)
        neighbours = facts.where(Neighbour, node=node, dev="flannel.1")
        forwarding = facts.where(FdbEntry, node=node, dev="flannel.1")
        knows = (facts.collected(Neighbour, node=node), facts.collected(FdbEntry, node=node))
        if device is None or not any(knows):
            continue
        entry = facts.coverage(Neighbour, node=node) or facts.coverage(FdbEntry, node=node)
        coverage.append(Coverage(fact="OverlayPeer", node=node, complete=all(knows), path=entry[0].path))
        for peer, (mac, address) in sorted(ends.items()):
            if peer == node:
                continue
            found.append(
                OverlayPeer(
                    node=node,
                    peer=peer,
                    dev="flannel.1",
                    expected_mac=mac,
                    expected_ip=address,
                    neighbour=any((one.mac or "").lower() == mac for one in neighbours) if knows[0] else None,
                    forwarding=any(one.mac.lower() == mac and one.dst == address for one in forwarding)
                    if knows[1]
                    else None,
                    origin=device.origin,
                )
            )
    return found, coverage


def _ends(nodes: Iterable[Node]) -> Iterator[tuple[NodeName, tuple[str, IP]]]:
    """The hardware address and the public address that each node announces in flannel's annotations."""
    for node in nodes:
        notes = node.annotations or {}
        if notes.get("flannel.alpha.coreos.com/backend-type") != "vxlan":
            continue
        address = ip(notes.get("flannel.alpha.coreos.com/public-ip", ""))
        try:
            data = json.loads(notes.get("flannel.alpha.coreos.com/backend-data", ""))
        except ValueError:
            continue
        mac = data.get("VtepMAC") if isinstance(data, dict) else None
        if address is not None and isinstance(mac, str):
            yield node.name, (mac.lower(), address)


def clocks(facts: Facts) -> tuple[list[Fact], list[Coverage]]:
    """NodeClock of every node, where at least two nodes tell their time."""
    times = facts.of(Clock)
    if len(times) < 2:
        return [], []
    middle = median(sorted(clock.time for clock in times))
    found: list[Fact] = [
        NodeClock(node=clock.node, offset=round(clock.time - middle, 1), origin=clock.origin) for clock in times
    ]
    return found, [Coverage(fact="NodeClock", node=clock.node, path=clock.origin.path) for clock in times]
