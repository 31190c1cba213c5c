"""Native nftables: kube-proxy's nftables mode, firewalld, and what is not understood."""

from __future__ import annotations

import pytest

from analyzer.facts.firewall import NftObject
from analyzer.facts.source import Place
from analyzer.facts.store import Facts
from analyzer.kinds import kinds
from analyzer.packet.flow import Flow, topology_from
from analyzer.packet.trace import Trace, trace
from tests.packet_builders import interface, listener, route, sysctls, world

TOPOLOGY = topology_from(
    '{"links": [{"a": {"node": "client", "if": "eth0"}, "b": {"node": "router", "if": "e1"}},'
    ' {"a": {"node": "server", "if": "eth0"}, "b": {"node": "router", "if": "e2"}}]}'
)
PROXY = """
table ip kube-proxy {
	set cluster-ips {
		type ipv4_addr
		elements = { 10.96.0.1, 10.96.5.5 }
	}
	set nodeport-ips {
		type ipv4_addr
		elements = { 10.1.0.1 }
	}
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.0.1 . tcp . 80 comment "shop/web:http" : goto service-AAAA-shop/web/tcp/http,
				10.96.0.2 . tcp . 80 : goto service-BBBB-shop/two/tcp/http }
	}
	map no-endpoint-services {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.5.5 . tcp . 80 comment "shop/none:http" : goto reject-chain }
	}
	map service-nodeports {
		type inet_proto . inet_service : verdict
		elements = { tcp . 30080 : goto external-AAAA-shop/web/tcp/http }
	}
	chain filter-forward {
		type filter hook forward priority -110; policy accept;
		ct state new jump service-endpoints-check
		ct state new jump cluster-ips-check
	}
	chain service-endpoints-check {
		ip daddr . meta l4proto . th dport vmap @no-endpoint-services
	}
	chain cluster-ips-check {
		ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
		ip daddr { 10.96.0.0/12 } drop comment "Drop traffic to unallocated ClusterIPs"
	}
	chain reject-chain {
		reject
	}
	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump services
	}
	chain services {
		ip daddr . meta l4proto . th dport vmap @service-ips
		ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
	}
	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		jump masquerading
	}
	chain masquerading {
		meta mark & 0x00004000 == 0x00000000 return
		meta mark set meta mark ^ 0x00004000
		masquerade fully-random
	}
	chain mark-for-masquerade {
		meta mark set meta mark | 0x00004000
	}
	chain external-AAAA-shop/web/tcp/http {
		jump mark-for-masquerade
		goto service-AAAA-shop/web/tcp/http
	}
	chain service-AAAA-shop/web/tcp/http {
		ip daddr 10.96.0.1 tcp dport 80 ip saddr != 10.0.0.0/8 jump mark-for-masquerade
		numgen random mod 1 vmap { 0 : goto endpoint-CCCC }
	}
	chain service-BBBB-shop/two/tcp/http {
		numgen random mod 2 vmap { 0 : goto endpoint-CCCC, 1 : goto endpoint-DDDD }
	}
	chain endpoint-CCCC {
		ip saddr 10.2.0.2 jump mark-for-masquerade
		meta l4proto tcp dnat to 10.2.0.2:8080
	}
	chain endpoint-DDDD {
		meta l4proto tcp dnat to 10.2.0.77:8080
	}
}
"""
FIREWALLD = """
table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		jump filter_FORWARD_ZONES
		ct state invalid drop
		reject with icmpx admin-prohibited
	}
	chain filter_FORWARD_ZONES {
		iifname "cni*" accept
	}
}
"""


def network(text: str) -> Facts:
    objects = kinds()["nft-ruleset"].parse(
        text.encode(), "nodes/router/nft.txt", Place(node="router"), 1, "nft list ruleset"
    )
    made = world(
        [
            interface("client", "eth0", "10.1.0.2/24"),
            route("client", "default", "10.1.0.1", "eth0"),
            interface("router", "e1", "10.1.0.1/24"),
            interface("router", "e2", "10.2.0.1/24"),
            interface("server", "eth0", "10.2.0.2/24"),
            route("server", "default", "10.2.0.1", "eth0"),
            listener("server", 8080),
            sysctls("router", **{"net.ipv4.ip_forward": 1}),
            [fact for fact in objects.facts if isinstance(fact, NftObject)],
        ],
        ["client", "router", "server"],
    )
    return made.plus((), objects.coverage)


def send(facts: Facts, dst: str, port: int) -> Trace:
    return trace(facts, Flow(src_node="client", dst_ip=dst, dst_port=port, src_port=30000), TOPOLOGY)


def test_service_is_translated_and_the_reply_as_well() -> None:
    result = send(network(PROXY), "10.96.0.1", 80)
    assert (result.verdict, result.reply) == ("delivered", "ok")
    assert result.to is not None and (result.to.ip, result.to.port) == ("10.2.0.2", 8080)
    assert result.seen_src is not None and result.seen_src.ip == "10.1.0.2"


def test_node_port_is_masqueraded() -> None:
    result = send(network(PROXY), "10.1.0.1", 30080)
    assert (result.verdict, result.reply) == ("delivered", "ok")
    assert result.seen_src is not None and (result.seen_src.ip, result.seen_src.port) == ("10.2.0.1", None)


def test_random_endpoint() -> None:
    result = send(network(PROXY), "10.96.0.2", 80)
    assert sorted((o.verdict, o.probability) for o in result.outcomes) == [
        ("delivered", 0.5),
        ("neighbour-unreachable", 0.5),
    ]


@pytest.mark.parametrize(
    ("dst", "port", "verdict", "rule"),
    [
        pytest.param("10.96.5.5", 80, "rejected", ("reject-chain", 1), id="no endpoints"),
        pytest.param("10.96.0.1", 81, "rejected", ("cluster-ips-check", 1), id="wrong port"),
        pytest.param("10.96.9.9", 80, "dropped", ("cluster-ips-check", 2), id="no such service"),
    ],
)
def test_refused(dst: str, port: int, verdict: str, rule: tuple[str, int]) -> None:
    facts = network(PROXY).plus([route("router", "10.96.0.0/12", dev="e2")])
    result = send(facts, dst, port)
    assert result.verdict == verdict
    assert result.at is not None and (result.at.table, result.at.chain, result.at.rule) == ("ip kube-proxy", *rule)


def test_firewalld_rejects_what_no_zone_accepts() -> None:
    result = send(network(FIREWALLD), "10.2.0.2", 8080)
    assert (result.verdict, result.with_) == ("rejected", "icmp-admin-prohibited")
    assert send(network(FIREWALLD.replace("cni*", "e*")), "10.2.0.2", 8080).ok is True


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        pytest.param("meta cgroup 5 drop", "unknown", id="drop"),
        pytest.param("meta cgroup 5 accept", "delivered", id="accept"),
        pytest.param("meta cgroup 5 counter packets 0 bytes 0", "delivered", id="without a verdict"),
        pytest.param("tcp dport { 8000-9000, 22 } drop", "dropped", id="range"),
        pytest.param("ip saddr != 10.1.0.0/24 drop", "delivered", id="negated"),
        pytest.param("tcp dport 8080 counter packets 1 bytes 60 drop", "dropped", id="counter"),
        pytest.param("udp dport 8080 drop", "delivered", id="other protocol"),
    ],
)
def test_rules(rule: str, verdict: str) -> None:
    head = "table inet x {\n\tchain f {\n\t\ttype filter hook forward priority 0; policy accept;\n"
    text = f"{head}\t\t{rule}\n\t}}\n}}\n"
    assert send(network(text), "10.2.0.2", 8080).verdict == verdict
