"""Links, neighbours and source addresses as the kernel was seen to treat them (tests/kernel/scenes.py finds more)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from analyzer.facts.address import cidr
from analyzer.facts.fact import Fact, NodeName
from analyzer.facts.routing import InterfaceAddress, Neighbour
from analyzer.facts.store import Facts
from analyzer.packet import source_address
from analyzer.packet.flow import Flow, topology_from
from analyzer.packet.trace import Trace, trace
from tests.packet_builders import address, bridge_port, interface, listener, route, rules, sysctls, world

TOPOLOGY = topology_from(
    '{"links": [{"a": {"node": "a", "if": "eth0"}, "b": {"node": "n", "if": "va"}},'
    ' {"a": {"node": "b", "if": "eth0"}, "b": {"node": "n", "if": "vb"}}]}'
)
FOUR = ("10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24")
SIX = ("fd00::1/64", "fd00::2/64", "fd00::3/64")
ACCEPT = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n"
ND_DROPPED = "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n-A FORWARD -p tcp -j ACCEPT\n"


def bridged(
    networks: tuple[str, str, str] = FOUR, text: str = ACCEPT, more: Iterable[Fact] = (), **change: object
) -> Facts:
    """Two hosts, a and b, on bridge br0 of node n; `change` sets fields of a's port or of br0."""
    host, one, other = networks
    port = bridge_port("n", "va", "br0", isolated=bool(change.get("isolated")))
    gateway, default = host.partition("/")[0], "default" if networks is FOUR else "::/0"
    return world(
        [
            interface("n", "br0", host, kind="bridge", mac="02:00:00:00:00:01", up=change.get("up", True)),
            interface("n", "va", kind="veth", master="br0", mtu=change.get("mtu", 1500)),
            interface("n", "vb", kind="veth", master="br0"),
            port,
            bridge_port("n", "vb", "br0", isolated=bool(change.get("isolated"))),
            interface("a", "eth0", one, kind="veth", mac="02:00:00:00:00:02"),
            interface("b", "eth0", other, kind="veth", mac="02:00:00:00:00:03"),
            route("a", default, gateway, "eth0"),
            route("b", default, gateway, "eth0"),
            listener("b", 80),
            rules("n", text, family=4 if networks is FOUR else 6),
            sysctls("n", net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1),
            sysctls("n", **{"net.bridge.bridge-nf-call-iptables": 1, "net.bridge.bridge-nf-call-ip6tables": 1}),
            more,
        ],
        ["n", "a", "b"],
    )


def send(facts: Facts, dst: str = "10.0.0.3", **more: object) -> Trace:
    return trace(facts, Flow(src_node="a", dst_ip=dst, dst_port=80, **more), TOPOLOGY)  # type: ignore[arg-type]


def neighbour(mac: str, state: str, target: str = "10.0.0.3") -> Neighbour:
    return Neighbour(node=NodeName("a"), ip=address(target), dev="eth0", mac=mac, state=state)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        pytest.param(bridged(), "delivered", id="as it should be"),
        pytest.param(bridged(isolated=True), "bridge-drop", id="isolated ports"),
        pytest.param(bridged(up=False), "bridge-drop", id="the bridge is down"),
        pytest.param(bridged(more=[neighbour("02:00:00:00:66:66", "PERMANENT")]), "neighbour-unreachable", id="static"),
        pytest.param(bridged(more=[neighbour("02:00:00:00:00:03", "PERMANENT")]), "delivered", id="static and right"),
        pytest.param(bridged(more=[neighbour("02:00:00:00:66:66", "STALE")]), "delivered", id="stale: asked anew"),
        pytest.param(bridged(more=[neighbour("02:00:00:00:00:01", "PERMANENT")]), "unknown", id="another's address"),
    ],
)
def test_a_bridge_and_the_neighbour_table(facts: Facts, verdict: str) -> None:
    assert send(facts).verdict == verdict


@pytest.mark.parametrize(
    ("size", "verdict"), [(1400, "delivered"), (1404, "delivered"), (1405, "too-big"), (None, "delivered")]
)
def test_a_veth_pair_takes_no_more_than_its_other_end(size: int | None, verdict: str) -> None:
    assert send(bridged(mtu=1400), proto="udp", size=size).verdict == verdict


def test_rules_lose_neighbour_discovery_of_bridged_hosts() -> None:
    found = send(bridged(SIX, ND_DROPPED), "fd00::3")
    assert (found.verdict, found.at.node if found.at else None) == ("neighbour-unreachable", "a")
    known = neighbour("02:00:00:00:00:03", "REACHABLE", "fd00::3")
    assert send(bridged(SIX, ND_DROPPED, [known]), "fd00::3").verdict == "delivered"


def test_arp_is_not_answered_to_a_source_that_fails_the_reverse_path() -> None:
    strict = sysctls("b", net__ipv4__conf__all__rp_filter=1)
    assert send(bridged(more=strict)).verdict == "delivered"
    elsewhere = [*strict, *interface("b", "eth1", "10.9.0.1/24"), route("b", "10.0.0.2/32", None, "eth1")]
    found = send(bridged(more=elsewhere))
    assert (found.verdict, found.at.node if found.at else None) == ("neighbour-unreachable", "a")
    known = [*elsewhere, neighbour("02:00:00:00:00:03", "REACHABLE")]
    assert send(bridged(more=known)).verdict == "rp-filter"


@pytest.mark.parametrize(
    ("dst", "dev", "source"),
    [
        pytest.param("fd50:1::9", "v1", "fd50:1::", id="longest prefix, though on another interface"),
        pytest.param("fd31::5", "eth0", "fd31::2", id="the interface's own"),
        pytest.param("2001:db8::1", "eth0", "2001:db8:1::2", id="label: global for global"),
        pytest.param("fe80::7", "v1", "fe80::1", id="link-local for link-local"),
    ],
)
def test_source_addresses_of_ipv6(dst: str, dev: str, source: str) -> None:
    held = (("eth0", "fd31::2/64"), ("eth0", "2001:db8:1::2/64"), ("flannel.1", "fd50:1::/128"), ("v1", "fe80::1/64"))
    addresses = [
        InterfaceAddress(dev=name, ip=address(text.partition("/")[0]), network=cidr(text)) for name, text in held
    ]
    assert source_address.select(addresses, dev, address(dst)) == address(source)
