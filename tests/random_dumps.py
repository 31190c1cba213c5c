"""The dumps of one node of a made-up cluster: rules, interfaces, routes, neighbours, settings."""

from __future__ import annotations

from tests.random_luck import PODS, Luck, Made, Shape, any_pod
from tests.random_rules import iptables


def dumps(node: int, shape: Shape, made: Made, chance: Luck, odd: dict[str, str]) -> dict[str, str]:
    """The dumps of a node by file name; `made` are Services and their endpoints, `odd` what tables begin with."""
    routed = shape.routed
    pods = [(f"cali{node}{pod}", f"10.42.{node}.{pod + 2}") for pod in range(PODS)]
    return {
        "iptables-save.txt": iptables(node, shape.nodes, made, [dev for dev, _ in pods], chance, odd),
        "ipset-save.txt": "create banned hash:net family inet\n"
        + (f"add banned {any_pod(shape.nodes, chance)}\n" if chance.odd(0.9) else "")
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
        lines.append(f"blackhole {any_pod(shape.nodes, chance)}")
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
