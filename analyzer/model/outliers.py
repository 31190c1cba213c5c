"""Nodes that differ from the others: in a cluster of forty alike, the one that is not is where to look."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.firewall import Chain
from analyzer.facts.health import NodeDifference
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.routing import Interface
from analyzer.facts.source import Source
from analyzer.facts.store import Facts

# Below four nodes there is no custom to differ from; of a few more nodes than a tenth, none is an outlier.
FEWEST, SHARE = 4, 0.1
_NAMES = """
    net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.all.rp_filter net.ipv4.conf.default.rp_filter
    net.ipv4.conf.all.forwarding net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables
    net.netfilter.nf_conntrack_tcp_be_liberal net.netfilter.nf_conntrack_checksum net.ipv4.ip_nonlocal_bind
    net.ipv4.conf.all.route_localnet net.ipv4.tcp_mtu_probing net.ipv4.ip_local_port_range
    net.ipv4.neigh.default.gc_thresh3 net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce
"""
SETTINGS = frozenset(_NAMES.split())
# Interfaces that a network plugin makes alike on each node.
OVERLAYS = frozenset(("vxlan", "ipip", "wireguard", "geneve", "bridge"))
Stated = tuple[str, NodeName, str, Source]


def differences(facts: Facts, nodes: Sequence[NodeName]) -> tuple[list[NodeDifference], list[Coverage]]:
    """For each thing that nearly all nodes have alike, the nodes that have it otherwise."""
    said: dict[str, dict[NodeName, tuple[str, Source]]] = defaultdict(dict)
    for what, node, value, source in _stated(facts):
        said[what].setdefault(node, (value, source))
    found: list[NodeDifference] = []
    for what, values in sorted(said.items()):
        counts = Counter(value for value, _ in values.values())
        usual, same = counts.most_common(1)[0]
        others = len(values) - same
        if len(values) < FEWEST or not 0 < others <= max(1, len(values) * SHARE):
            continue
        found += [
            NodeDifference(node=node, what=what, value=value, usual=usual, same=same, of=len(values), origin=source)
            for node, (value, source) in sorted(values.items())
            if value != usual
        ]
    return found, list(_coverage(facts, nodes))


def _stated(facts: Facts) -> Iterator[Stated]:
    for setting in facts.of(Sysctl):
        if setting.node is not None and setting.name in SETTINGS:
            yield setting.name, setting.node, setting.value, setting.origin
    for chain in facts.of(Chain):
        if chain.node is not None and chain.table == "filter" and chain.policy and chain.name in ("INPUT", "FORWARD"):
            family = "IPv4" if chain.family == 4 else "IPv6"
            yield f"{family} policy of {chain.name}", chain.node, chain.policy, chain.origin
    for interface in facts.of(Interface):
        if interface.node is not None and interface.kind in OVERLAYS and interface.mtu is not None:
            yield f"MTU of {interface.name}", interface.node, str(interface.mtu), interface.origin
    for node in facts.of(Node):
        for what, value in (
            ("kubelet version", node.version),
            ("kernel", node.kernel),
            ("container runtime", node.runtime),
        ):
            if value:
                yield what, node.name, value, node.origin


def _coverage(facts: Facts, nodes: Iterable[NodeName]) -> Iterator[Coverage]:
    """A node is compared as far as its settings, chains and interfaces were collected."""
    kinds: tuple[type[Fact], ...] = (Sysctl, Chain, Interface)
    for node in nodes:
        lacking = [kind.__name__ for kind in kinds if not facts.collected(kind, node=node)]
        yield Coverage(
            fact="NodeDifference",
            node=node,
            complete=not lacking,
            note=f"{', '.join(lacking)} not collected" if lacking else "",
        )
