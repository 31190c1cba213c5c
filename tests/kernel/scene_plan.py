"""A random cluster, on paper: nodes, pods, services, an outside, and the commands that build each namespace."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

OUT = "out"
UNDERLAY = {4: "172.31.7", 6: "fd31:7:"}
PODS_NET = {4: "10.50.0.0/16", 6: "fd50::/32"}
OUTSIDE = {4: "203.0.113.10", 6: "2001:db8:f::10"}
SERVICE_NET = {4: "10.60.0.0/24", 6: "fd60::/112"}
EXTERNAL = {4: "198.51.100.7", 6: "2001:db8:e::7"}  # an ExternalIP; the outside routes it to node 1
LISTENS = (("tcp", 8080), ("udp", 8080), ("tcp", 9000), ("udp", 9000))
NODE_LISTENS = (("tcp", 10250), ("udp", 10250))


@dataclass
class Place:
    """One namespace: a node, a pod (`node` is where it runs) or the outside, and the shell lines that set it up."""

    name: str
    kind: str
    number: int
    node: str = ""
    script: list[str] = field(default_factory=list)
    rules: dict[int, str] = field(default_factory=dict)  # input of iptables-restore, by family
    nft: str = ""
    listens: tuple[tuple[str, int], ...] = ()
    routed: bool = False  # pods behind host routes instead of a bridge
    port: str = ""  # of a pod: the host's end of its veth pair

    def ip(self, family: int) -> str:
        """The address that others use."""
        if self.kind == "node":
            return f"{UNDERLAY[family]}.1{self.number}" if family == 4 else f"fd31:7::1{self.number}"
        node, number = divmod(self.number, 100)
        return f"10.50.{node}.{number}" if family == 4 else f"fd50:0:{node}::{number}"


@dataclass(frozen=True)
class Service:
    """A service; `endpoints` are pods or nodes, `local` is externalTrafficPolicy."""

    name: str
    number: int
    proto: str
    port: int
    target: int
    endpoints: tuple[str, ...]
    node_port: int = 0
    external: bool = False
    local: bool = False
    affinity: bool = False

    def ip(self, family: int) -> str:
        """The cluster IP."""
        return f"10.60.0.{self.number}" if family == 4 else f"fd60::{self.number}"


@dataclass
class Plan:
    """A whole scene."""

    seed: int
    proxy: str  # iptables or nftables
    overlay: str  # vxlan or routes
    places: dict[str, Place] = field(default_factory=dict)
    links: list[tuple[str, str, str, str]] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    host_ports: list[tuple[str, str, int, int]] = field(default_factory=list)  # pod, protocol, host port, pod's port
    faults: list[str] = field(default_factory=list)
    extra: list[dict[str, Any]] = field(default_factory=list)  # flows that a fault calls for

    def of_kind(self, kind: str) -> list[Place]:
        """Places of one kind, in order."""
        return [place for place in self.places.values() if place.kind == kind]

    @property
    def topology(self) -> dict[str, Any]:
        """The links as docs/trace.md wants them."""
        return {"links": [{"a": {"node": a, "if": i}, "b": {"node": b, "if": j}} for a, i, b, j in self.links]}


QUICK = (
    # Failing neighbours, error messages and duplicate address detection at once, not after seconds.
    "for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done",
    "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit",
    "ip link set lo up",
)
PATIENCE = "for d in /proc/sys/net/ipv[46]/neigh/*; do echo 100 > $d/retrans_time_ms; echo 2 > $d/mcast_solicit; echo 0 > $d/proxy_delay; done"


def plan(seed: int, proxy: str | None = None) -> Plan:
    """The healthy scene of a seed: 1 to 3 nodes, pods on a bridge or behind routes, random services."""
    random = Random(seed)
    made = Plan(seed, proxy or random.choice(("iptables", "iptables", "nftables")), random.choice(("vxlan", "routes")))
    count = random.choice((1, 2, 2, 2, 3))
    out = Place(OUT, "outside", 1, script=[*QUICK], listens=(("tcp", 80), ("udp", 80)))
    out.script += ["ip link add sw0 type bridge", "ip link set sw0 up", "ip addr add 172.31.7.1/24 dev sw0"]
    out.script += ["ip addr add fd31:7::1/64 dev sw0 nodad", f"ip addr add {OUTSIDE[4]}/32 dev lo"]
    out.script += [f"ip addr add {OUTSIDE[6]}/128 dev lo nodad"]
    out.script += [f"echo 0 > /proc/sys/net/bridge/bridge-nf-call-{kind}" for kind in ("iptables", "ip6tables")]
    made.places[OUT] = out
    for number in range(1, count + 1):
        _node(random, made, number, count)
    out.script += [f"ip route add {EXTERNAL[4]} via 172.31.7.11", f"ip -6 route add {EXTERNAL[6]} via fd31:7::11"]
    if made.overlay == "routes" and random.random() < 0.5:
        for number in range(1, count + 1):
            out.script += [f"ip route add 10.50.{number}.0/24 via 172.31.7.1{number}"]
            out.script += [f"ip -6 route add fd50:0:{number}::/64 via fd31:7::1{number}"]
    _services(random, made)
    return made


def _node(random: Random, made: Plan, number: int, count: int) -> None:
    name = f"n{number}"
    node = Place(name, "node", number, script=[*QUICK], listens=NODE_LISTENS, routed=random.random() < 0.25)
    made.places[name] = node
    made.links.append((OUT, f"p{number}", name, "eth0"))
    made.places[OUT].script += [f"ip link set p{number} master sw0 up"]
    lines = node.script
    lines += [f"ip link set eth0 address 52:54:00:00:07:0{number} up", f"ip addr add 172.31.7.1{number}/24 dev eth0"]
    lines += [f"ip addr add fd31:7::1{number}/64 dev eth0 nodad", "ip route add default via 172.31.7.1"]
    lines += ["ip -6 route add default via fd31:7::1", "echo 1 > /proc/sys/net/ipv4/ip_forward"]
    lines += ["for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done"]
    lines += ["echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"]
    mtu = 1450 if made.overlay == "vxlan" else 1500
    if not node.routed:
        lines += [f"ip link add cni0 address 5e:00:00:00:07:0{number} mtu {mtu} type bridge", "ip link set cni0 up"]
        lines += [f"ip addr add 10.50.{number}.1/24 dev cni0", f"ip addr add fd50:0:{number}::1/64 dev cni0 nodad"]
    _peers(made, node, count)
    for index in range(random.choice((1, 2, 2, 3))):
        _pod(random, made, node, index + 10, mtu)


def _peers(made: Plan, node: Place, count: int) -> None:
    lines, number = node.script, node.number
    if made.overlay == "vxlan":
        lines += [
            f"ip link add flannel.1 address ee:00:00:00:07:0{number} mtu 1450 type vxlan id 1 local 172.31.7.1{number} dev eth0 dstport 8472 nolearning",
            f"ip addr add 10.50.{number}.0/32 dev flannel.1",
            f"ip addr add fd50:0:{number}::/128 dev flannel.1 nodad",
            "ip link set flannel.1 up",
        ]
    for peer in range(1, count + 1):
        if peer == number:
            continue
        if made.overlay == "routes":
            lines += [f"ip route add 10.50.{peer}.0/24 via 172.31.7.1{peer}"]
            lines += [f"ip -6 route add fd50:0:{peer}::/64 via fd31:7::1{peer}"]
            continue
        mac = f"ee:00:00:00:07:0{peer}"
        lines += [
            f"ip route add 10.50.{peer}.0/24 via 10.50.{peer}.0 dev flannel.1 onlink",
            f"ip -6 route add fd50:0:{peer}::/64 via fd50:0:{peer}:: dev flannel.1 onlink",
            f"ip neigh add 10.50.{peer}.0 lladdr {mac} dev flannel.1 nud permanent",
            f"ip -6 neigh add fd50:0:{peer}:: lladdr {mac} dev flannel.1 nud permanent",
            f"bridge fdb add {mac} dev flannel.1 dst 172.31.7.1{peer} self permanent",
        ]


def _pod(random: Random, made: Plan, node: Place, index: int, mtu: int) -> None:
    name = f"{node.name}-p{index}"
    listens = tuple(item for item in LISTENS if random.random() < 0.9)
    pod = Place(name, "pod", node.number * 100 + index, node.name, script=[*QUICK], listens=listens, port=f"v{index}")
    made.places[name] = pod
    made.links.append((node.name, pod.port, name, "eth0"))
    four, six = pod.ip(4), pod.ip(6)
    up = [f"ip link set eth0 mtu {mtu} up"]
    if node.routed:
        node.script += [
            f"ip link set {pod.port} mtu {mtu} up",
            f"echo 1 > /proc/sys/net/ipv4/conf/{pod.port}/proxy_arp",
        ]
        node.script += [f"ip route add {four} dev {pod.port}", f"ip -6 route add {six} dev {pod.port}"]
        node.script += [f"ip -6 addr add fe80::1/64 dev {pod.port} nodad"]
        pod.script += [*up, f"ip addr add {four}/32 dev eth0", f"ip addr add {six}/128 dev eth0 nodad"]
        pod.script += ["ip route add 169.254.1.1 dev eth0", "ip route add default via 169.254.1.1"]
        pod.script += ["ip -6 route add default via fe80::1 dev eth0"]
    else:
        node.script += [
            f"ip link set {pod.port} mtu {mtu} master cni0 up",
            f"bridge link set dev {pod.port} hairpin on",
        ]
        pod.script += [*up, f"ip addr add {four}/24 dev eth0", f"ip addr add {six}/64 dev eth0 nodad"]
        pod.script += [f"ip route add default via 10.50.{node.number}.1"]
        pod.script += [f"ip -6 route add default via fd50:0:{node.number}::1"]
    if random.random() < 0.15:
        made.host_ports.append((name, random.choice(("tcp", "udp")), 7000 + index, random.choice((8080, 9000))))


def _services(random: Random, made: Plan) -> None:
    pods = [pod.name for pod in made.of_kind("pod")]
    external: set[tuple[str, int]] = set()  # one address for all: what it offers may not repeat
    for number in range(10, 10 + random.randint(2, 5)):
        behind = tuple(sorted(random.sample(pods, min(len(pods), random.choice((0, 1, 1, 2, 2, 3, 4))))))
        proto, port = random.choice(("tcp", "tcp", "udp")), random.choice((80, 443, 8080))
        outside = random.random() < 0.2 and (proto, port) not in external
        external |= {(proto, port)} if outside else set()
        made.services.append(
            Service(
                f"ns/s{number}",
                number,
                proto,
                port,
                random.choice((8080, 9000)),
                behind,
                node_port=30000 + number if random.random() < 0.6 else 0,
                external=outside,
                local=random.random() < 0.3,
                affinity=random.random() < 0.12,
            )
        )
    if random.random() < 0.5:
        made.services.append(Service("default/kubernetes", 1, "tcp", 443, 10250, ("n1",)))
