"""Faults of random scenes: settings, routes, rules, links and neighbours as they go wrong in clusters."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.kernel.scene_faults_more import MORE
from tests.kernel.scene_nft import nftables
from tests.kernel.scene_plan import OUT, Place, Plan, plan
from tests.kernel.scene_rules import iptables

CONF = "/proc/sys/net/ipv4/conf"
REJECTS = {
    4: ("icmp-port-unreachable", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited", "icmp-admin-prohibited"),
    6: ("icmp6-port-unreachable", "icmp6-no-route", "icmp6-adm-prohibited", "icmp6-addr-unreachable"),
}  # fmt: skip


def broken(seed: int, proxy: str | None = None) -> Plan:
    """The scene of a seed with up to four faults."""
    made, random = plan(seed, proxy), Random(seed * 31 + 7)
    for node in made.of_kind("node"):
        if made.proxy == "iptables":
            node.rules = {family: iptables(made, node, family) for family in (4, 6)}
        else:
            node.nft = nftables(made, node, 4) + nftables(made, node, 6)
    for _ in range(random.choice((0, 1, 1, 2, 2, 3, 4))):
        node = random.choice(made.of_kind("node"))
        fault = random.choice(FAULTS)
        if text := fault(random, made, node):
            made.faults.append(f"{node.name}: {text}")
    return made


def _say(place: Place, *lines: str) -> str:
    # Another fault may have removed the thing already.
    place.script += [f"{{ {line}; }} 2>/dev/null || true" for line in lines]
    return "; ".join(lines)


def _pods(made: Plan, node: Place) -> list[Place]:
    return [pod for pod in made.of_kind("pod") if pod.node == node.name]


def _devs(made: Plan, node: Place) -> list[str]:
    """Interfaces that take part in forwarding."""
    ports = [pod.port for pod in _pods(made, node)] if node.routed else ["cni0"]
    return ["eth0", *ports, *(["flannel.1"] if made.overlay == "vxlan" else [])]


def _bridge_nf(random: Random, made: Plan, node: Place) -> str:
    kinds = random.choice((("iptables",), ("ip6tables",), ("iptables", "ip6tables")))
    return _say(node, *(f"echo 0 > /proc/sys/net/bridge/bridge-nf-call-{kind}" for kind in kinds))


def _hairpin(random: Random, made: Plan, node: Place) -> str:
    if node.routed:
        return ""
    pods = _pods(made, node)
    lines = [f"bridge link set dev {pod.port} hairpin off" for pod in random.choice((pods, [random.choice(pods)]))]
    if random.random() < 0.25:
        lines.append("ip link set cni0 promisc on")
    return _say(node, *lines)


def _port(random: Random, made: Plan, node: Place) -> str:
    if node.routed:
        return ""
    pods = _pods(made, node)
    if random.random() < 0.6:
        return _say(node, *(f"bridge link set dev {pod.port} isolated on" for pod in pods[: random.randint(1, 3)]))
    return _say(node, f"bridge link set dev {random.choice(pods).port} state {random.choice((0, 1, 2, 4))}")


def _forwarding(random: Random, made: Plan, node: Place) -> str:
    return _say(
        node,
        random.choice(
            (
                "echo 0 > /proc/sys/net/ipv4/ip_forward",
                f"echo 0 > {CONF}/{random.choice(_devs(made, node))}/forwarding",
                "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding",
                f"echo 0 > /proc/sys/net/ipv4/ip_forward; echo 1 > {CONF}/{random.choice(_devs(made, node))}/forwarding",
            )
        ),
    )


def _rp_filter(random: Random, made: Plan, node: Place) -> str:
    dev = random.choice(("all", *_devs(made, node)))
    lines = [f"echo {random.choice((1, 1, 2))} > {CONF}/{dev}/rp_filter"]
    if random.random() < 0.5:
        # Asymmetric: the way back to a pod or to the outside leads elsewhere.
        pod = random.choice(made.of_kind("pod"))
        target = random.choice((f"{pod.ip(4)}/32", "203.0.113.10/32", "172.31.7.11/32"))
        other = random.choice(_devs(made, node))
        lines.append(f"ip route add {target} dev {other} 2>/dev/null || true")
    return _say(node, *lines)


def _policy(random: Random, made: Plan, node: Place) -> str:
    chain = random.choice(("FORWARD", "FORWARD", "INPUT", "OUTPUT"))
    if not node.rules:
        lines = [
            f"nft add table inet fw; nft 'add chain inet fw f {{ type filter hook {chain.lower()} priority 0; policy drop; }}'"
        ]
        lines += ["nft add rule inet fw f ct state established,related accept"]
        lines += (
            [f"nft 'add rule inet fw f {'iifname' if chain != 'OUTPUT' else 'oifname'} {{ cni0, eth0 }} accept'"]
            if random.random() < 0.5
            else []
        )
        return _say(node, *lines)
    lines = [f":{chain} DROP [0:0]"]
    for family, rules in node.rules.items():
        text = (
            rules.replace(f":{chain} ACCEPT [0:0]\n", f":{chain} DROP [0:0]\n")
            if chain == "FORWARD"
            else _filter_policy(rules, chain)
        )
        node.rules[family] = text
    return f"{chain} policy DROP"


def _filter_policy(rules: str, chain: str) -> str:
    before, mark, after = rules.partition("*filter")
    return before + mark + after.replace(f":{chain} ACCEPT [0:0]\n", f":{chain} DROP [0:0]\n")


def _firewall(random: Random, made: Plan, node: Place) -> str:
    said = []
    for family in (4, 6):
        if family not in node.rules:
            continue
        lines = []
        for _ in range(random.randint(1, 2)):
            chain = random.choice(("INPUT", "FORWARD", "FORWARD", "OUTPUT"))
            lines.append(f"-I {chain} {random.randint(1, 2)} {_match(random, made, node, chain, family)}")
        head, _, tail = node.rules[family].rpartition("COMMIT")
        node.rules[family] = head + "\n".join(lines) + "\nCOMMIT" + tail
        said += lines
    if not said:
        return _native(random, made, node)
    return "; ".join(said)


def _match(random: Random, made: Plan, node: Place, chain: str, family: int) -> str:
    pod, other = random.choice(made.of_kind("pod")), random.choice(made.of_kind("node"))
    net = "10.50.0.0/16" if family == 4 else "fd50::/32"
    words = []
    if random.random() < 0.5:
        words.append(f"{random.choice(('', '! '))}-s {random.choice((pod.ip(family), other.ip(family), net))}")
    if random.random() < 0.4:
        words.append(f"-d {random.choice((pod.ip(family), other.ip(family), net))}")
    proto = random.choice(("", "tcp", "udp"))
    if proto:
        words.append(f"-p {proto} -m {proto} --dport {random.choice((8080, 9000, 10250, 8472, '1024:65535'))}")
    if random.random() < 0.3 and chain != "OUTPUT":
        words.append(f"-i {random.choice(_devs(made, node))}")
    if random.random() < 0.3 and chain != "INPUT":
        words.append(f"-o {random.choice(_devs(made, node))}")
    if random.random() < 0.2 and chain == "FORWARD":
        port = random.choice(_pods(made, node)).port
        words.append(
            random.choice(
                (
                    f"-m physdev --physdev-in {port}",
                    f"-m physdev --physdev-out {port} --physdev-is-bridged",
                    "-m physdev --physdev-is-bridged",
                )
            )
        )
    if random.random() < 0.25:
        words.append(
            random.choice(
                (
                    "-m conntrack --ctstate NEW",
                    "-m conntrack ! --ctstate DNAT",
                    "-m mark --mark 0x4000/0x4000",
                    "-m addrtype --dst-type LOCAL",
                    "-m conntrack --ctstate ESTABLISHED",
                )
            )
        )
    target = random.choice(("DROP", "DROP", "ACCEPT", f"REJECT --reject-with {random.choice(REJECTS[family])}"))
    if proto == "tcp" and random.random() < 0.3:
        target = "REJECT --reject-with tcp-reset"
    return " ".join((*words, "-j", target))


def _native(random: Random, made: Plan, node: Place) -> str:
    pod = random.choice(made.of_kind("pod"))
    hook = random.choice(("input", "forward", "forward", "output", "prerouting"))
    match = random.choice(
        (
            f"ip saddr {pod.ip(4)}",
            f"ip6 daddr {pod.ip(6)}",
            "tcp dport { 8080, 9000 }",
            "udp dport 1024-65535",
            'iifname != "lo" ct state new meta l4proto udp',
        )
    )
    verdict = random.choice(("drop", "reject", "reject with icmpx type admin-prohibited", "counter drop"))
    if hook == "prerouting" or (verdict.startswith("reject") and "output" in hook and "iifname" in match):
        verdict = "drop"
    return _say(
        node,
        "nft add table inet fw2",
        f"nft 'add chain inet fw2 c {{ type filter hook {hook} priority {random.choice((-5, 0, 10))}; policy accept; }}'",
        f"nft 'add rule inet fw2 c {match} {verdict}'",
    )


def _route(random: Random, made: Plan, node: Place) -> str:
    peers = [other for other in made.of_kind("node") if other is not node]
    kind = random.choice(("blackhole", "prohibit", "unreachable", "throw"))
    pod = random.choice(made.of_kind("pod"))
    choices = [
        f"ip route add {kind} {pod.ip(4)}/32 2>/dev/null || ip route replace {kind} {pod.ip(4)}/32",
        f"ip -6 route add {kind} {pod.ip(6)}/128 2>/dev/null || ip -6 route replace {kind} {pod.ip(6)}/128",
        f"ip route add {kind} 203.0.113.10/32",
        f"ip -6 route add {kind} 2001:db8:f::/64",
        "ip route del default",
        "ip -6 route del default",
    ]
    if peers:
        peer = random.choice(peers)
        choices += [f"ip route del 10.50.{peer.number}.0/24", f"ip -6 route del fd50:0:{peer.number}::/64"] * 2
        choices += [f"ip route replace 10.50.{peer.number}.0/24 via 172.31.7.1 dev eth0"]
        choices += [f"ip route replace {kind} 10.50.{peer.number}.0/24"]
    if not node.routed:
        choices += [f"ip route del 10.50.{node.number}.0/24", f"ip addr del 10.50.{node.number}.1/24 dev cni0"]
    return _say(node, random.choice(choices))


def _pod_route(random: Random, made: Plan, node: Place) -> str:
    pod = random.choice(_pods(made, node))
    lines = random.choice(
        (
            ("ip route del default",),
            ("ip -6 route del default",),
            ("ip route add prohibit 10.60.0.0/24",),
            ("ip link set eth0 down",),
            ("ip route add 10.60.0.0/24 dev eth0",),
        )
    )
    return pod.name + " " + _say(pod, *lines)


def _rule(random: Random, made: Plan, node: Place) -> str:
    pod = random.choice(made.of_kind("pod"))
    table = random.choice(
        (
            "blackhole default",
            "unreachable 10.50.0.0/16",
            "default via 172.31.7.1 dev eth0",
            "throw default",
            "prohibit 203.0.113.0/24",
        )
    )
    selector = random.choice(
        (
            f"from {pod.ip(4)}",
            f"to {pod.ip(4)}",
            "fwmark 0x10/0xf0",
            f"iif {random.choice(_devs(made, node))}",
            "from 172.31.7.0/24",
            "to 203.0.113.0/24",
            "ipproto udp dport 8080",
            "fwmark 0x4000/0x4000",
        )
    )
    lines = [f"ip route add {table} table 100"]
    action = random.choice(("lookup 100", "lookup 100", "lookup 100", "unreachable", "blackhole", "prohibit"))
    lines.append(f"ip rule add {selector} {action} pref {random.choice((100, 1000, 33000))}")
    if random.random() < 0.4:
        lines.append("ip rule add from all lookup main suppress_prefixlength 0 pref 90")
    if "0x10" in selector and node.rules:
        chain, match = random.choice(
            (("PREROUTING", f"-s {pod.ip(4)}"), ("OUTPUT", "-p udp"), ("PREROUTING", "-p tcp"), ("FORWARD", "-p tcp"))
        )
        node.rules[4] += (
            f"*mangle\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n-A {chain} {match} -j MARK --set-xmark 0x10/0xf0\nCOMMIT\n"
        )
    return _say(node, *lines)


def _mtu(random: Random, made: Plan, node: Place) -> str:
    pod = random.choice(_pods(made, node))
    dev, size = random.choice(
        (
            ("eth0", 1400),
            ("eth0", 1480),
            (pod.port, 1400),
            *((("cni0", 1300),) if not node.routed else ()),
            *((("flannel.1", 1400),) if made.overlay == "vxlan" else ()),
        )
    )
    for _ in range(3):
        family = random.choice((4, 4, 6))
        source, target = (
            random.sample([*made.of_kind("pod"), made.places[OUT]], 2)
            if len(made.of_kind("pod")) > 1
            else (pod, made.places[OUT])
        )
        address = target.ip(family) if target.kind == "pod" else ("203.0.113.10" if family == 4 else "2001:db8:f::10")
        flow = {
            "src_node": source.name,
            "proto": random.choice(("icmp", "udp")),
            "dst_ip": address,
            "size": random.choice((1380, 1420, 1450)),
            "dont_fragment": random.random() < 0.75,
        }
        if flow["proto"] == "udp":
            flow["dst_port"] = 8080 if target.kind == "pod" else 80
        made.extra.append(flow)
    return _say(
        node,
        random.choice((f"ip link set {dev} mtu {size}", f"ip route add 203.0.113.10/32 via 172.31.7.1 mtu {size}")),
    )


def _neighbour(random: Random, made: Plan, node: Place) -> str:
    peers = [other for other in made.of_kind("node") if other is not node]
    wrong = "02:00:00:00:66:66"
    pod = random.choice(_pods(made, node))
    dev = pod.port if node.routed else "cni0"
    choices = [
        f"ip neigh replace {pod.ip(4)} lladdr {wrong} dev {dev} nud permanent",
    ]
    if peers and made.overlay == "vxlan":
        peer = random.choice(peers).number
        mac = f"ee:00:00:00:07:0{peer}"
        choices += [
            f"bridge fdb del {mac} dev flannel.1 dst 172.31.7.1{peer} self",
            f"ip neigh del 10.50.{peer}.0 dev flannel.1",
            f"ip neigh replace 10.50.{peer}.0 lladdr {wrong} dev flannel.1 nud permanent",
            f"bridge fdb replace {mac} dev flannel.1 dst 172.31.7.1 self permanent",
            f"bridge fdb replace {mac} dev flannel.1 dst 172.31.7.77 self permanent",
        ] * 2
    elif peers:
        peer = random.choice(peers).number
        choices += [f"ip neigh replace 172.31.7.1{peer} lladdr {wrong} dev eth0 nud permanent"] * 2
    return _say(node, random.choice(choices))


def _down(random: Random, made: Plan, node: Place) -> str:
    pod = random.choice(_pods(made, node))
    return _say(node, f"ip link set {random.choice((pod.port, pod.port, *_devs(made, node)[1:]))} down")


def _flag(random: Random, made: Plan, node: Place) -> str:
    name = random.choice(("route_localnet", "accept_local", "src_valid_mark"))
    for service in made.services:
        if service.node_port and name == "route_localnet":
            made.extra.append(
                {"src_node": node.name, "proto": service.proto, "dst_ip": "127.0.0.1", "dst_port": service.node_port}
            )
    return _say(node, f"echo 1 > {CONF}/{random.choice(('all', *_devs(made, node)))}/{name}")


FAULTS: tuple[Callable[[Random, Plan, Place], str], ...] = (
    _bridge_nf, _bridge_nf, _hairpin, _hairpin, _port, _forwarding, _forwarding, _rp_filter, _rp_filter, _policy, _policy, _firewall, _firewall,
    _firewall, _route, _route, _pod_route, _rule, _rule, _mtu, _neighbour, _neighbour, _down, _flag, *MORE,
)  # fmt: skip
