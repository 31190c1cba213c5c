"""What naive simulators get wrong: one rule set a case, one verdict, as the kernel was seen to decide."""

from __future__ import annotations

import msgspec
import pytest

from analyzer.facts.fact import NodeName
from analyzer.facts.firewall import Ipset
from analyzer.facts.routing import RoutingRule
from analyzer.facts.store import Facts
from analyzer.packet.flow import Flow, topology_from
from analyzer.packet.trace import Trace, trace
from tests.packet_builders import interface, listener, route, rules, sysctls, world

TOPOLOGY = topology_from(
    '{"links": [{"a": {"node": "client", "if": "eth0"}, "b": {"node": "router", "if": "e1"}},'
    ' {"a": {"node": "server", "if": "eth0"}, "b": {"node": "router", "if": "e2"}}]}'
)
HEAD = "*{table}\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\n"


def network(
    *texts: str,
    without: tuple[str, ...] = (),
    more: tuple[object, ...] = (),
    settings: dict[str, int] | None = None,
) -> Facts:
    """A client, a router with these rules, a server; `*nat` and the like start a table."""
    values = {"net.ipv4.ip_forward": 1} | (settings or {})
    loaded = []
    for text in texts:
        table = text.strip().splitlines()[0].strip().lstrip("*")
        loaded.append(rules("router", HEAD.format(table=table) + text.strip().partition("\n")[2]))
    return world(
        [
            interface("client", "eth0", "10.1.0.2/24"),
            route("client", "default", "10.1.0.1", "eth0"),
            interface("router", "e1", "10.1.0.1/24"),
            interface("router", "e2", "10.2.0.1/24"),
            interface("server", "eth0", "10.2.0.2/24"),
            route("server", "default", "10.2.0.1", "eth0"),
            listener("server", 80),
            listener("router", 80),
            sysctls("router", **values),
            *loaded,
            *more,  # type: ignore[list-item]
        ],
        ["client", "router", "server"],
        without,
    )


def send(facts: Facts, dst: str = "10.2.0.2", port: int | None = 80, **more: object) -> Trace:
    flow = Flow(src_node="client", dst_ip=dst, dst_port=port, src_port=30000)
    return trace(facts, msgspec.structs.replace(flow, **more), TOPOLOGY)


OK = "delivered"
CASES = [
    pytest.param("*filter\n-A FORWARD ! -s 10.1.0.0/24 -j DROP", OK, id="negated source"),
    pytest.param("*filter\n-A FORWARD -s 10.1.0.0/24 -j DROP", "dropped", id="source"),
    pytest.param("*filter\n-A FORWARD -m conntrack ! --ctstate NEW -j DROP", OK, id="negated state"),
    pytest.param("*filter\n-A FORWARD -p tcp -m tcp ! --dport 80 -j DROP", OK, id="negated port"),
    pytest.param("*filter\n:U -\n-A FORWARD -j U\n-A FORWARD -j DROP\n-A U -j RETURN", "dropped", id="jump returns"),
    pytest.param(
        "*filter\n:U -\n:V -\n-A FORWARD -j U\n-A FORWARD -j ACCEPT\n-A U -g V\n-A U -j DROP\n-A V -j RETURN",
        OK, id="goto returns to the caller's caller",
    ),
    pytest.param("*filter\n:U -\n-A FORWARD -g U\n-A FORWARD -j DROP\n-A U -j RETURN", OK, id="goto from a base chain"),
    pytest.param("*filter\n-A FORWARD -m mark --mark 0x1/0x1 -j DROP", OK, id="no mark"),
    pytest.param("*mangle\n-A PREROUTING -j ACCEPT\n-A FORWARD -j DROP", "dropped", id="accept ends one hook only"),
    pytest.param("*filter\n-A FORWARD -i e+ -o e2 -j DROP", "dropped", id="interface wildcard"),
    pytest.param("*mangle\n-A PREROUTING -o e2 -j DROP", OK, id="no outgoing interface in PREROUTING"),
    # iptables refuses -i in POSTROUTING itself, but not in a chain called from there; Linux knows it since 5.7.
    pytest.param("*mangle\n:U -\n-A POSTROUTING -j U\n-A U -i e1 -j DROP", "dropped", id="-i in POSTROUTING"),
    pytest.param("*mangle\n:U -\n-A OUTPUT -j U\n-A U -i e1 -j DROP", OK, id="no -i in OUTPUT"),
    pytest.param("*filter\n-A FORWARD -m addrtype --dst-type LOCAL -j DROP", OK, id="not local"),
    pytest.param("*filter\n-A FORWARD -m addrtype ! --dst-type LOCAL -j DROP", "dropped", id="negated type"),
    pytest.param("*filter\n-A FORWARD -j REJECT --reject-with tcp-reset", "rejected", id="reject"),
    pytest.param("*raw\n-A PREROUTING -m conntrack --ctstate INVALID -j DROP", "dropped", id="all is invalid in raw"),
    pytest.param("*raw\n-A PREROUTING -m conntrack --ctstate UNTRACKED -j DROP", OK, id="not untracked in raw"),
    pytest.param("*nat\n-A PREROUTING -j DROP", OK, id="nat is skipped where nothing uses conntrack"),
    pytest.param("*filter\n-A FORWARD -m owner ! --uid-owner 0 -j DROP", "dropped", id="no socket: negated owner"),
    pytest.param("*filter\n-A FORWARD -m owner --uid-owner 0 -j DROP", OK, id="no socket: owner"),
    pytest.param("*filter\n-A FORWARD -m limit --limit 1/sec -j ACCEPT\n-A FORWARD -j DROP", OK, id="limit"),
    pytest.param("*filter\n-A FORWARD -m u32 --u32 0x0 -j DROP", "unknown", id="unknown match"),
    pytest.param("*filter\n-A FORWARD -m u32 --u32 0x0 -j LOG", OK, id="unknown match of a rule without effect"),
    pytest.param("*filter\n-A FORWARD -m u32 --u32 0x0 -j ACCEPT", OK, id="unknown match, both ways the same"),
    pytest.param("*filter\n-A FORWARD -m u32 --u32 0 -j DROP\n-A FORWARD -j DROP", "dropped", id="both ways drop"),
    pytest.param("*filter\n-A FORWARD -j TPROXY --on-port 1", "unknown", id="unknown target"),
    pytest.param("*filter\n-A FORWARD -m set --match-set gone src -j DROP", "unknown", id="missing ipset"),
    pytest.param("*filter\n-A FORWARD -m physdev ! --physdev-is-bridged -j DROP", "dropped", id="not bridged"),
    pytest.param("*filter\n-A FORWARD -m iprange --dst-range 10.2.0.1-10.2.0.9 -j DROP", "dropped", id="range"),
    pytest.param("*mangle\n-A FORWARD -j TTL --ttl-set 0", OK, id="ttl changed too late"),
    pytest.param("*filter\n-A FORWARD -p udp -j DROP", OK, id="other protocol"),
    pytest.param("*filter\n-A FORWARD -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP", "dropped", id="flags"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "verdict"), CASES)
def test_one_table(text: str, verdict: str) -> None:
    assert send(network(text)).verdict == verdict


def test_marks_are_compared_under_their_mask() -> None:
    mark = "*mangle\n-A PREROUTING -j MARK --set-xmark 0x5/0xffffffff\n-A PREROUTING -j MARK --set-xmark 0x4/0x0"
    facts = network(mark, "*filter\n-A FORWARD -m mark --mark 0x1/0x4 -j DROP\n-A FORWARD -m mark --mark 0x1 -j REJECT")
    assert send(facts).verdict == "rejected"


def test_forward_sees_the_translated_destination() -> None:
    nat = "*nat\n-A PREROUTING -d 10.9.9.9/32 -p tcp -j DNAT --to-destination 10.2.0.2:80"
    dropped = network(nat, "*filter\n-A FORWARD -d 10.2.0.2/32 -j DROP")
    original = network(nat, "*filter\n-A FORWARD -d 10.9.9.9/32 -j DROP")
    tracked = network(nat, "*filter\n-A FORWARD -m conntrack --ctorigdst 10.9.9.9 -j DROP")
    assert [send(facts, "10.9.9.9").verdict for facts in (dropped, original, tracked)] == ["dropped", OK, "dropped"]
    result = send(network(nat), "10.9.9.9")
    assert result.reply == "ok" and result.to is not None and result.to.ip == "10.2.0.2"


@pytest.mark.parametrize(
    ("match", "verdict"),
    [
        pytest.param("! --ctorigdst 10.9.9.9", OK, id="original destination"),
        pytest.param("! --ctstate NEW", "dropped", id="state"),
        pytest.param("--ctstate UNTRACKED", "dropped", id="untracked"),
    ],
)
def test_untracked_packets(match: str, verdict: str) -> None:
    facts = network("*raw\n-A PREROUTING -j CT --notrack", f"*filter\n-A FORWARD -m conntrack {match} -j DROP")
    assert send(facts).verdict == verdict


def test_untracked_packets_are_not_translated() -> None:
    nat = "*nat\n-A PREROUTING -d 10.2.0.2/32 -p tcp -j DNAT --to-destination 10.1.0.1:80"
    result = send(network("*raw\n-A PREROUTING -j CT --notrack", nat))
    assert result.to is not None and result.to.node == "server"


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        pytest.param(("SYN",), OK, id="a SYN is new"),
        pytest.param(("ACK",), OK, id="a lone ACK is new"),
        pytest.param(("RST",), "dropped", id="a lone RST is invalid"),
        pytest.param(("SYN", "ACK"), "dropped", id="a lone SYN-ACK is invalid"),
    ],
)
def test_what_opens_a_connection(flags: tuple[str, ...], verdict: str) -> None:
    facts = network("*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP")
    assert send(facts, tcp_flags=flags, kind="crafted").verdict == verdict


def test_random_choice_gives_every_outcome_its_odds() -> None:
    nat = (
        "*nat\n-A PREROUTING -d 10.9.9.9/32 -p tcp -m statistic --mode random --probability 0.25 "
        "-j DNAT --to-destination 10.2.0.2:80\n"
        "-A PREROUTING -d 10.9.9.9/32 -p tcp -j DNAT --to-destination 10.2.0.99:80"
    )
    result = send(network(nat), "10.9.9.9")
    assert result.verdict == "one-of"
    assert {outcome.verdict: outcome.probability for outcome in result.outcomes} == {
        OK: 0.25,
        "neighbour-unreachable": 0.75,
    }
    assert result.ok is False


def test_masquerade_takes_the_address_of_the_outgoing_interface() -> None:
    result = send(network("*nat\n-A POSTROUTING -o e2 -j MASQUERADE"))
    assert result.seen_src is not None and result.seen_src.ip == "10.2.0.1"
    assert result.reply == "ok"


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        pytest.param({"net.ipv4.ip_forward": 0}, "not-forwarded", id="forwarding off"),
        pytest.param({"net.ipv4.conf.e1.forwarding": 0}, "not-forwarded", id="off on the incoming interface"),
        pytest.param({"net.ipv4.conf.e2.forwarding": 0}, "delivered", id="off on the outgoing interface: the reply"),
    ],
)
def test_forwarding(settings: dict[str, int], verdict: str) -> None:
    assert send(network(settings=settings)).verdict == verdict


def test_the_reply_dies_where_its_interface_does_not_forward() -> None:
    assert send(network(settings={"net.ipv4.conf.e2.forwarding": 0})).reply == "not-forwarded"


def test_reverse_path_filter_is_the_stricter_of_all_and_interface() -> None:
    facts = network(settings={"net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.e1.rp_filter": 0})
    assert send(facts, src_ip="10.2.0.77", kind="crafted").verdict == "rp-filter"


def test_own_address_as_source_is_a_martian() -> None:
    assert send(network(), src_ip="10.2.0.1", kind="crafted").verdict == "martian"


def test_loopback_needs_route_localnet() -> None:
    nat = "*nat\n-A PREROUTING -d 10.1.0.1/32 -p tcp -j DNAT --to-destination 127.0.0.1:80"
    lo = (interface("router", "lo", "127.0.0.1/8"),)
    assert send(network(nat, more=lo), "10.1.0.1").verdict == "martian"
    assert send(network(nat, more=lo, settings={"net.ipv4.conf.e1.route_localnet": 1}), "10.1.0.1").verdict == OK


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
def test_failing_routes(kind: str) -> None:
    result = send(network(more=(route("router", "10.2.0.2/32", type=kind),)))
    assert (result.verdict, result.route_type) == ("no-route", kind)


def test_marks_choose_the_routing_table() -> None:
    more = (
        RoutingRule(node=NodeName("router"), priority=0, selector="from all", table="local"),
        RoutingRule(node=NodeName("router"), priority=100, selector="from all fwmark 0x7", table="7"),
        RoutingRule(node=NodeName("router"), priority=32766, selector="from all", table="main"),
        route("router", "default", type="blackhole", table="7"),
    )
    mangle = "*mangle\n-A PREROUTING -p tcp -j MARK --set-xmark 0x7/0xff"
    assert send(network(more=more)).verdict == OK
    assert send(network(mangle, more=more)).verdict == "no-route"


def test_both_backends_count() -> None:
    nft = rules("router", HEAD.format(table="filter") + "-A FORWARD -j ACCEPT", backend="nft")
    legacy = rules("router", HEAD.format(table="filter") + "-A FORWARD -j DROP", backend="legacy")
    result = send(network(more=(nft, legacy)))
    assert result.verdict == "dropped"
    assert result.at is not None and result.at.table == "legacy:filter"


def test_ipset_members() -> None:
    sets = (
        Ipset(node=NodeName("router"), name="ports", type="hash:ip,port", members=("10.2.0.2,tcp:80",)),
        Ipset(node=NodeName("router"), name="nets", type="hash:net", members=("10.1.0.0/16", "10.1.0.2 nomatch")),
    )
    hit = network("*filter\n-A FORWARD -m set --match-set ports dst,dst -j DROP", more=sets)
    miss = network("*filter\n-A FORWARD -m set --match-set nets src -j DROP", more=sets)
    assert [send(hit).verdict, send(miss).verdict] == ["dropped", OK]


@pytest.mark.parametrize(
    ("members", "sides", "verdict"),
    [
        pytest.param(("10.2.0.2,icmp:echo-request",), "dst,src", "dropped", id="by name, whichever side"),
        pytest.param(("10.2.0.2,icmp:8/0",), "dst,dst", "dropped", id="by number"),
        pytest.param(("10.2.0.2,icmp:echo-reply",), "dst,dst", "delivered", id="another message"),
        pytest.param(("10.2.0.2,icmp:martian-tea",), "dst,dst", "unknown", id="a name nobody knows"),
        pytest.param(("10.2.0.2,icmp:martian-tea", "10.2.0.2,icmp:8/0"), "dst,dst", "dropped", id="beside one known"),
    ],
)
def test_the_port_of_icmp_is_its_message(members: tuple[str, ...], sides: str, verdict: str) -> None:
    found = Ipset(node=NodeName("router"), name="pings", type="hash:ip,port", members=members)
    net = network(f"*filter\n-A FORWARD -m set --match-set pings {sides} -j DROP", more=(found,))
    assert send(net, proto="icmp", dst_port=None).verdict == verdict


@pytest.mark.parametrize(
    ("fact", "named"),
    [
        pytest.param("Rule", "iptables-save of client", id="rules"),
        pytest.param("Sysctl", "forwarding", id="settings"),
    ],
)
def test_what_is_missing_is_named(fact: str, named: str) -> None:
    facts = network(without=(fact, "Chain"))
    kept = [item for item in facts.all() if type(item).__name__ != fact]
    result = send(Facts(kept, facts.all_coverage()))
    assert result.verdict == "unknown"
    assert any(named in text for text in result.missing)


def test_ttl_and_size() -> None:
    assert send(network(), ttl=1).verdict == "ttl-exceeded"
    small = Facts(
        [msgspec.structs.replace(f, mtu=1400) if getattr(f, "name", "") == "e2" else f for f in network().all()],
        network().all_coverage(),
    )
    assert send(small, size=1450).verdict == "too-big"
    assert send(small, size=1450, dont_fragment=False).verdict == OK


def test_the_step_that_decides_is_told() -> None:
    result = send(network("*filter\n-A FORWARD -p udp -j DROP\n-A FORWARD -p tcp -j DROP"))
    assert result.at is not None
    assert (result.at.node, result.at.table, result.at.chain, result.at.rule) == ("router", "filter", "FORWARD", 2)
    assert result.steps[-1].matched == "-A FORWARD -p tcp -j DROP"


@pytest.mark.parametrize(("proto", "port"), [("tcp", 80), ("udp", 80)])
def test_a_connecting_socket_asks_for_its_source_and_then_for_the_way_from_there(proto: str, port: int) -> None:
    rule = RoutingRule(
        node=NodeName("client"), family=4, priority=1000, selector="from 10.1.0.0/24", action="blackhole"
    )
    usual = [
        RoutingRule(node=NodeName("client"), family=4, priority=number, table=table)
        for number, table in ((0, "local"), (32766, "main"), (32767, "default"))
    ]
    result = send(network(more=(rule, *usual)), port=port, proto=proto)
    assert (result.verdict, result.route_type) == ("no-route", "blackhole")
    assert not any(step.hook == "OUTPUT" for step in result.steps)
    assert send(network(more=tuple(usual)), port=port, proto=proto).verdict == "delivered"


def test_no_gateway_is_taken_to_have_the_inner_address_of_a_node() -> None:
    more = (interface("server", "br0", "10.9.0.1/24"), interface("router", "wan", "192.168.0.2/24"))
    facts = network(more=(*more, route("router", "default", "192.168.0.1", "wan")))
    flow = Flow(src_node="router", dst_ip="10.9.0.1", proto="icmp")
    result = trace(facts, flow)
    assert result.verdict == "unknown"
    assert any("has a route to 10.9.0.1 of server" in text for text in result.missing)
