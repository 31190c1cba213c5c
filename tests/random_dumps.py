"""The dumps of one node of a made-up cluster: rules, interfaces, routes, neighbours, settings."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

PODS = 5
Item = dict[str, object]

# What may be wrong, or only unusual, on a node; {a} and {b} are pods' addresses, {v} a Service's, {dev} an interface.
FILTER = (
    "-A FORWARD -d {a}/32 -j DROP",
    "-A FORWARD -s {a}/32 -j REJECT --reject-with icmp-port-unreachable",
    "-A FORWARD -d {net} -p tcp -m tcp --dport {port} -j DROP",
    "-A FORWARD -m iprange --dst-range {a}-{b} -j DROP",
    "-A FORWARD -p tcp -m multiport --dports 8079:8081,9000 -j DROP",
    "-A FORWARD -p tcp -m tcp --sport {port} -j DROP",
    "-A FORWARD -m conntrack --ctorigdst {v} -j DROP",
    "-A FORWARD -o {dev} -j GUARD",
    "-A FORWARD ! -i {dev} -d {net} -p udp -j DROP",
    "-A FORWARD -m set --match-set banned dst -j DROP",
    "-A FORWARD -m mark --mark 0x4000/0x4000 -p tcp -m tcp --dport 8081 -j DROP",
    "-A FORWARD -m physdev --physdev-out {dev} -j DROP",
    "-A FORWARD -m string --string x --algo bm -d {a}/32 -j DROP",
    "-A OUTPUT -d {v}/32 -j DROP",
    "-A INPUT -s {a}/32 -j DROP",
    "-A FORWARD -s {n}/32 -j DROP",
    "-A FORWARD ! -s {n}/32 -d {net} -j DROP",
    "-A FORWARD -d {own} -p tcp -m tcp --dport {port} -j DROP",
    "-A INPUT -s {n}/32 -p udp -j DROP",
    "-A OUTPUT -d {net} -p udp -j DROP",
    "-A FORWARD -p tcp -m tcp --dport {port} -j RETURN",
)
NAT = (
    "-I PREROUTING 1 -d {v}/32 -j ACCEPT",
    "-A POSTROUTING -d {a}/32 -j MASQUERADE",
    "-A POSTROUTING -s {net} ! -d 10.42.0.0/16 -j MASQUERADE",
    "-A POSTROUTING -s {own} ! -d {own} -j MASQUERADE",
    "-A POSTROUTING -d {own} -j MASQUERADE",
    "-I PREROUTING 1 -p tcp -m tcp --dport {port} -j DNAT --to-destination {a}:8080",
)


class Luck(Random):
    """Chance; where it is calm nothing odd happens by it."""

    calm = False

    def odd(self, share: float) -> bool:
        """Whether something odd happens that does so in this share of cases."""
        return not self.calm and self.random() < share


class Shape(NamedTuple):
    """How many nodes a cluster has, and how they reach pods: each on its own interface, those of others by vxlan."""

    nodes: int
    routed: bool
    overlay: bool


def dumps(
    node: int, shape: Shape, made: list[tuple[Item, list[tuple[str, int]]]], chance: Luck, odd: dict[str, str]
) -> dict[str, str]:
    """The dumps of a node by file name; `made` are Services and their endpoints, `odd` what tables begin with."""
    routed = shape.routed
    pods = [(f"cali{node}{pod}", f"10.42.{node}.{pod + 2}") for pod in range(PODS)]
    return {
        "iptables-save.txt": _rules(node, shape.nodes, made, [dev for dev, _ in pods], chance, odd),
        "ipset-save.txt": "create banned hash:net family inet\n"
        + (f"add banned {_any_pod(shape.nodes, chance)}\n" if chance.odd(0.9) else "")
        + ("add banned 10.42.1.4/31\n" if chance.odd(0.3) else ""),
        "nft-ruleset.txt": "",
        "ip-addr.txt": _addresses(node, shape, [dev for dev, _ in pods], chance),
        "bridge-link.txt": "" if routed else _ports([dev for dev, _ in pods], chance),
        "bridge-fdb.txt": (
            ""
            if routed
            else "".join(
                f"02:00:00:{node:02x}:00:{number:02x} dev {dev} master cni0\n" for number, (dev, _) in enumerate(pods)
            )
        )
        + _tunnel_ends(node, shape, chance),
        "ip-rule.txt": "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
        "ip-route.txt": _routes(node, shape, pods if routed else [], chance),
        "ip-neigh.txt": "".join(
            f"{address} dev {dev if routed else 'cni0'} lladdr 02:00:00:{node:02x}:00:{number:02x} REACHABLE\n"
            if not chance.odd(0.03)
            else f"{address} dev {dev if routed else 'cni0'} FAILED\n"
            for number, (dev, address) in enumerate(pods)
            if not chance.odd(0.4)
        )
        + _peers(node, shape, chance),
        "sysctl.txt": _sysctls([dev for dev, _ in pods] if routed else [], chance),
    }


def _any_pod(nodes: int, chance: Luck) -> str:
    return f"10.42.{chance.randrange(nodes)}.{chance.randrange(PODS) + 2}"


def _rules(
    node: int,
    nodes: int,
    made: list[tuple[Item, list[tuple[str, int]]]],
    devs: list[str],
    chance: Luck,
    given: dict[str, str],
) -> str:
    words = {
        "a": _any_pod(nodes, chance),
        "n": f"192.168.0.{chance.randrange(nodes) + 10}",
        "own": f"10.42.{node}.0/24",
        "b": f"10.42.{chance.randrange(nodes)}.{chance.randrange(3, 9)}",
        "dev": chance.choice(devs),
        "net": chance.choice(("10.42.0.0/16", "10.42.1.0/24", "10.42.2.4/30")),
        "v": f"10.96.0.{chance.randrange(len(made)) + 10}",
        "port": chance.choice((80, 8080, 8081, 40000)),
    }
    odd = [chance.choice(FILTER).format(**words) for _ in range(0 if chance.calm else chance.choice((0, 0, 1, 2)))]
    nat_odd = [chance.choice(NAT).format(**words) for _ in range(0 if chance.calm else chance.choice((0, 0, 0, 1)))]
    nat, declared = _proxy(made, chance)
    first = [line.replace("-I PREROUTING 1", "-A PREROUTING") for line in nat_odd if line.startswith("-I")]
    lines = [
        "*nat",
        ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]",
        ":KUBE-SERVICES - [0:0]", ":KUBE-NODEPORTS - [0:0]", ":KUBE-MARK-MASQ - [0:0]", ":KUBE-POSTROUTING - [0:0]",
        *(f":{name} - [0:0]" for name in declared),
        *first,
        *given.get("nat", "").splitlines(),
        "-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
        "-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
        "-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
        *(line for line in nat_odd if not line.startswith("-I")),
        "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
        "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
        "-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0",
        "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
        *nat,
        "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        "COMMIT",
        "*filter",
        ":INPUT ACCEPT [0:0]", f":FORWARD {'DROP' if chance.odd(0.3) else 'ACCEPT'} [0:0]", ":OUTPUT ACCEPT [0:0]",
        ":GUARD - [0:0]", *(f":POD-{pod} - [0:0]" for pod in range(PODS)), ":POLICY - [0:0]",
        *odd,
        *given.get("filter", "").splitlines(),
        "-A GUARD -p tcp -m tcp --dport 8081 -j DROP",
        *_guards(node, chance),
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -s 10.42.0.0/16 -j ACCEPT", "-A FORWARD -d 10.42.0.0/16 -j ACCEPT",
        "COMMIT",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _guards(node: int, chance: Luck) -> list[str]:
    """A chain for each pod, as kube-router writes them; most pods have the same rules."""
    if chance.odd(0.5):
        return []
    sources = ("10.42.0.0/16", "192.168.0.0/16")
    rules = [f"-A POLICY -s {net} -j MARK --set-xmark 0x10000/0x10000" for net in sources]
    for pod in range(PODS):
        rules.append(f"-A FORWARD -d 10.42.{node}.{pod + 2}/32 -j POD-{pod}")
        rules.append(f"-A POD-{pod} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
        if not chance.odd(0.04):
            rules.append(f"-A POD-{pod} -d 10.42.{node}.{pod + 2}/32 -j POLICY")
        if chance.odd(0.2):
            rules.append(f"-A POD-{pod} -p tcp -m tcp --dport 8081 -j DROP")
        rules.append(f"-A POD-{pod} -m mark ! --mark 0x10000/0x10000 -j REJECT --reject-with icmp-port-unreachable")
    return rules


def _proxy(made: list[tuple[Item, list[tuple[str, int]]]], chance: Luck) -> tuple[list[str], list[str]]:
    """kube-proxy's nat rules for Services, now and then with one of them missing."""
    rules: list[str] = []
    declared: list[str] = []
    for number, (service, ends) in enumerate(made):
        if chance.odd(0.05):
            continue
        spec = service["spec"]
        assert isinstance(spec, dict)
        port, address = spec["ports"][0], spec["clusterIP"]
        top = f"KUBE-SVC-{number:016X}"
        declared.append(top)
        name = f'-m comment --comment "shop/web-{number}:http cluster IP"'
        rules.append(f"-A KUBE-SERVICES -d {address}/32 -p tcp {name} -m tcp --dport {port['port']} -j {top}")
        if not chance.odd(0.1):
            rules.append(
                f"-A {top} ! -s 10.42.0.0/16 -d {address}/32 -p tcp -m tcp --dport {port['port']} -j KUBE-MARK-MASQ"
            )
        if "nodePort" in port:
            declared.append(f"KUBE-EXT-{number:016X}")
            rules.append(f"-A KUBE-NODEPORTS -p tcp -m tcp --dport {port['nodePort']} -j KUBE-EXT-{number:016X}")
            rules += [f"-A KUBE-EXT-{number:016X} -j KUBE-MARK-MASQ", f"-A KUBE-EXT-{number:016X} -j {top}"]
        seps = [f"KUBE-SEP-{number:08X}{index:08X}" for index in range(len(ends))]
        declared += seps
        if "sessionAffinity" in spec:
            rules += [f"-A {top} -m recent --rcheck --seconds 10800 --reap --name {sep} --mask 255.255.255.255 "
                      f"--rsource -j {sep}" for sep in seps]  # fmt: skip
        for index, (sep, (ip, target)) in enumerate(zip(seps, ends, strict=True)):
            left = len(ends) - index
            odds = f"-m statistic --mode random --probability {1 / left:.11f} " if left > 1 else ""
            rules.append(f"-A {top} {odds}-j {sep}")
            if not chance.odd(0.05):
                rules.append(f"-A {sep} -s {ip}/32 -j KUBE-MARK-MASQ")
            rules.append(f"-A {sep} -p tcp -m tcp -j DNAT --to-destination {ip}:{target}")
    return rules, declared


def _ports(devs: list[str], chance: Luck) -> str:
    return "".join(
        f"{number + 4}: {dev}@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cni0 state "
        f"{'disabled' if chance.odd(0.03) else 'forwarding'} priority 32 cost 2 \n    hairpin "
        f"{'off' if chance.odd(0.1) else 'on'} guard off root_block off fastleave off learning on isolated off\n"
        for number, dev in enumerate(devs)
    )


def _addresses(node: int, shape: Shape, pods: list[str], chance: Luck) -> str:
    routed, mtu = shape.routed, 1400 if chance.odd(0.1) else 1500
    head = (
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n"
        "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n"
        f"2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu {mtu} qdisc mq state UP group default qlen 1000\n"
        f"    link/ether 02:00:00:00:00:{node:02x} brd ff:ff:ff:ff:ff:ff\n"
        f"    inet 192.168.0.{node + 10}/24 brd 192.168.0.255 scope global eth0\n"
    )
    if not routed:
        head += (
            "3: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n"
            f"    link/ether 02:00:00:00:01:{node:02x} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet 10.42.{node}.1/24 brd 10.42.{node}.255 scope global cni0\n"
        )
    if shape.overlay:
        head += (
            "99: flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN group default\n"
            f"    link/ether 02:00:02:00:00:{node:02x} brd ff:ff:ff:ff:ff:ff\n"
            f"    inet 10.42.{node}.0/32 scope global flannel.1\n"
        )
    for number, dev in enumerate(pods):
        up = "UP" if chance.odd(0.03) else "UP,LOWER_UP"
        mtu = 1450 if chance.odd(0.3) else 1500
        head += (
            f"{number + 4}: {dev}@if2: <BROADCAST,MULTICAST,{up}> mtu {mtu} qdisc noqueue "
            f"{'' if routed else 'master cni0 '}state UP group default\n"
            f"    link/ether ee:ee:ee:ee:ee:ee brd ff:ff:ff:ff:ff:ff link-netnsid {number}\n"
        )
    return head


def _routes(node: int, shape: Shape, pods: list[tuple[str, str]], chance: Luck) -> str:
    lines = [
        "default via 192.168.0.1 dev eth0",
        f"192.168.0.0/24 dev eth0 proto kernel scope link src 192.168.0.{node + 10}",
    ]
    if not pods:
        lines.append(f"10.42.{node}.0/24 dev cni0 proto kernel scope link src 10.42.{node}.1")
    lines += [f"{address} dev {dev} scope link" for dev, address in pods]
    for peer in range(shape.nodes):
        if peer == node or chance.odd(0.05):
            continue
        hop = chance.randrange(shape.nodes) if chance.odd(0.04) else peer
        if shape.overlay and not chance.odd(0.04):
            lines.append(f"10.42.{peer}.0/24 via 10.42.{hop}.0 dev flannel.1 onlink")
        else:
            lines.append(f"10.42.{peer}.0/24 via 192.168.0.{hop + 10} dev eth0")
    if chance.odd(0.1):
        lines.append(f"192.168.0.{chance.randrange(shape.nodes) + 10} via 192.168.0.1 dev eth0")
    if chance.odd(0.2):
        lines.append(f"blackhole {_any_pod(shape.nodes, chance)}")
    if chance.odd(0.1):
        lines.append("unreachable 10.42.2.4/31")
    return "\n".join(lines) + "\n"


def _peers(node: int, shape: Shape, chance: Luck) -> str:
    """Neighbours among the nodes, and those of the tunnel."""
    lines = []
    for peer in range(shape.nodes):
        if peer != node and not chance.odd(0.5):
            known = "FAILED" if chance.odd(0.05) else f"lladdr 02:00:00:00:00:{peer:02x} REACHABLE"
            lines.append(f"192.168.0.{peer + 10} dev eth0 {known}\n")
        if shape.overlay and peer != node and not chance.odd(0.05):
            mac = chance.randrange(shape.nodes) if chance.odd(0.05) else peer
            lines.append(f"10.42.{peer}.0 dev flannel.1 lladdr 02:00:02:00:00:{mac:02x} PERMANENT\n")
    return "".join(lines)


def _tunnel_ends(node: int, shape: Shape, chance: Luck) -> str:
    lines = []
    for peer in range(shape.nodes) if shape.overlay else ():
        if peer != node and not chance.odd(0.05):
            end = chance.randrange(shape.nodes) if chance.odd(0.05) else peer
            lines.append(f"02:00:02:00:00:{peer:02x} dev flannel.1 dst 192.168.0.{end + 10} self permanent\n")
    return "".join(lines)


def _sysctls(devs: list[str], chance: Luck) -> str:
    forwards = 0 if chance.odd(0.04) else 1
    lines = [f"net.bridge.bridge-nf-call-iptables = {0 if chance.odd(0.1) else 1}", f"net.ipv4.ip_forward = {forwards}"]
    for dev in ("all", "default", "eth0", "cni0", "lo", "flannel/1", *devs):
        odd = (dev in devs or dev == "eth0") and chance.odd(0.05)
        lines += [
            f"net.ipv4.conf.{dev}.rp_filter = {int(odd)}",
            f"net.ipv4.conf.{dev}.forwarding = {0 if dev in devs and chance.odd(0.03) else 1}",
            f"net.ipv4.conf.{dev}.route_localnet = 0",
            f"net.ipv4.conf.{dev}.proxy_arp = {int(dev in devs)}",
        ]
    return "\n".join(lines) + "\n"
