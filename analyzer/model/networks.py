"""What the network of a node makes of pods: hairpin ports, ends of the overlay, clocks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from statistics import median

from analyzer.facts.address import IP, ip
from analyzer.facts.fact import Coverage, Fact, NodeName, PodName
from analyzer.facts.health import HairpinPort, NodeClock, OverlayPeer
from analyzer.facts.nodes import Clock, Node, Sysctl
from analyzer.facts.routing import BridgePort, FdbEntry, Interface, Neighbour
from analyzer.facts.services import Endpoint
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.model.addresses import POD_BRIDGES


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
                Coverage(fact="HairpinPort", node=node, complete=complete, note=entry.note or note, path=entry.path)
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
    ends = sorted(dict(_ends(facts.of(Node))).items())
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
        macs = {(one.mac or "").lower() for one in neighbours}
        forwarded = {(one.mac.lower(), one.dst) for one in forwarding}
        for peer, (mac, address) in ends:
            if peer == node:
                continue
            found.append(
                OverlayPeer(
                    node=node,
                    peer=peer,
                    dev="flannel.1",
                    expected_mac=mac,
                    expected_ip=address,
                    neighbour=mac in macs if knows[0] else None,
                    forwarding=(mac, address) in forwarded if knows[1] else None,
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
