"""The table of interactions that was measured on a real kernel: bridge-nf, hairpin, ip_forward, FORWARD."""

from __future__ import annotations

import pytest

from analyzer.facts.store import Facts
from analyzer.packet.flow import Flow, topology_from
from analyzer.packet.trace import Trace, trace
from tests.packet_builders import bridge_port, interface, listener, route, rules, sysctls, world

TOPOLOGY = topology_from(
    '{"links": [{"a": {"node": "pod-a", "if": "eth0"}, "b": {"node": "n1", "if": "vetha"}},'
    ' {"a": {"node": "pod-b", "if": "eth0"}, "b": {"node": "n1", "if": "vethb"}}]}'
)
SERVICE = """
*nat
:PREROUTING ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j KUBE-SEP-A
-A KUBE-SERVICES -d 10.96.0.2/32 -p tcp -m tcp --dport 80 -j KUBE-SEP-B
-A KUBE-SEP-A -s 10.0.0.2/32 -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.0.0.2:8080
-A KUBE-SEP-B -s 10.0.0.3/32 -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SEP-B -p tcp -j DNAT --to-destination 10.0.0.3:8080
*filter
:INPUT ACCEPT
:FORWARD {policy}
:OUTPUT ACCEPT
"""


def node(bridge_nf: int, hairpin: bool, forward: int, policy: str, masquerade: bool = True) -> Facts:
    """A node with two pods on a bridge; service 10.96.0.1 is pod a's, 10.96.0.2 is pod b's."""
    text = SERVICE.format(policy=policy)
    if not masquerade:
        text = text.replace("-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\n", "")
    return world(
        [
            interface("n1", "cni0", "10.0.0.1/24", kind="bridge", mac="02:00:00:00:00:01"),
            interface("n1", "vetha", kind="veth", master="cni0"),
            interface("n1", "vethb", kind="veth", master="cni0"),
            bridge_port("n1", "vetha", "cni0", hairpin),
            bridge_port("n1", "vethb", "cni0", hairpin),
            interface("pod-a", "eth0", "10.0.0.2/24", kind="veth"),
            route("pod-a", "default", "10.0.0.1", "eth0"),
            interface("pod-b", "eth0", "10.0.0.3/24", kind="veth"),
            route("pod-b", "default", "10.0.0.1", "eth0"),
            listener("pod-a", 8080),
            listener("pod-b", 8080),
            rules("n1", text),
            sysctls("n1", net__ipv4__ip_forward=forward),
            sysctls("n1", **{"net.bridge.bridge-nf-call-iptables": bridge_nf}),
        ],
        ["n1", "pod-a", "pod-b"],
    )


def send(facts: Facts, dst: str, port: int, src_node: str = "pod-a") -> Trace:
    return trace(facts, Flow(src_node=src_node, dst_ip=dst, dst_port=port, src_port=30000), TOPOLOGY)


@pytest.mark.parametrize(
    ("bridge_nf", "hairpin", "forward", "policy", "direct", "service", "own"),
    [
        pytest.param(1, True, 1, "ACCEPT", True, True, True, id="all well"),
        pytest.param(1, False, 1, "ACCEPT", True, True, False, id="hairpin off"),
        pytest.param(0, True, 1, "ACCEPT", True, False, True, id="bridge-nf off, hairpin on"),
        pytest.param(0, False, 1, "ACCEPT", True, False, True, id="bridge-nf off, hairpin off"),
        pytest.param(1, True, 0, "ACCEPT", True, False, False, id="forwarding off"),
        pytest.param(1, True, 1, "DROP", False, False, False, id="policy drop"),
        pytest.param(0, True, 1, "DROP", True, False, False, id="policy drop, bridge-nf off"),
    ],
)
def test_table(
    bridge_nf: int, hairpin: bool, forward: int, policy: str, direct: bool, service: bool, own: bool
) -> None:
    facts = node(bridge_nf, hairpin, forward, policy)
    assert send(facts, "10.0.0.3", 8080).ok is direct
    assert send(facts, "10.96.0.2", 80).ok is service
    assert send(facts, "10.96.0.1", 80).ok is own


def test_hairpin_off_is_a_bridge_drop() -> None:
    result = send(node(1, False, 1, "ACCEPT"), "10.96.0.1", 80)
    assert result.verdict == "bridge-drop"
    assert result.at is not None and result.at.node == "n1"


def test_forwarding_off_is_told_as_such() -> None:
    assert send(node(1, True, 0, "ACCEPT"), "10.96.0.2", 80).verdict == "not-forwarded"


def test_unfiltered_bridge_loses_the_address_of_the_reply() -> None:
    result = send(node(0, True, 1, "ACCEPT"), "10.96.0.2", 80)
    assert (result.verdict, result.reply) == ("delivered", "misaddressed")


def test_own_service_without_masquerade_is_a_martian_in_the_pod() -> None:
    result = send(node(1, True, 1, "ACCEPT", masquerade=False), "10.96.0.1", 80)
    assert result.verdict == "martian"
    assert result.at is not None and result.at.node == "pod-a"


def test_masquerade_shows_the_address_of_the_bridge() -> None:
    result = send(node(1, True, 1, "ACCEPT"), "10.96.0.1", 80)
    assert result.seen_src is not None and result.seen_src.ip == "10.0.0.1"
    assert result.to is not None and (result.to.node, result.to.port) == ("pod-a", 8080)
    assert result.listener is True


def test_policy_drop_names_the_chain() -> None:
    result = send(node(1, True, 1, "DROP"), "10.0.0.3", 8080)
    assert result.at is not None
    assert (result.at.node, result.at.table, result.at.chain, result.at.rule) == ("n1", "filter", "FORWARD", "policy")


def test_unknown_bridge_nf_is_unknown_only_where_it_matters() -> None:
    facts = node(1, True, 1, "ACCEPT")
    kept = [fact for fact in facts.all() if getattr(fact, "name", "") != "net.bridge.bridge-nf-call-iptables"]
    coverage = [entry for entry in facts.all_coverage() if entry.fact != "Sysctl"]
    blind = Facts(kept, coverage)
    assert send(blind, "10.96.0.1", 80).verdict == "delivered"
    assert send(blind, "10.0.0.3", 8080).ok is True
    assert send(blind, "10.96.0.2", 80).ok is None
