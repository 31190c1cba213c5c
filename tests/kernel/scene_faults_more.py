"""More faults: several next hops, sets, translation by hand, untracked packets, second addresses."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.kernel.scene_plan import Place, Plan


def _fault(place: Place, *lines: str) -> str:
    place.script += [f"{{ {line}; }} 2>/dev/null || true" for line in lines]
    return "; ".join(lines)


def _insert(node: Place, family: int, table: str, rule: str) -> str:
    """Puts a rule in front of a chain, at its place in the table that the restore makes."""
    before, mark, after = node.rules[family].partition(f"*{table}\n")
    node.rules[family] = (
        f"{before}{mark}{after.replace('COMMIT', rule + chr(10) + 'COMMIT', 1)}"
        if mark
        else f"{before}*{table}\n{rule}\nCOMMIT\n"
    )
    return rule


def multipath(random: Random, made: Plan, node: Place) -> str:
    """Two next hops for the pods of a peer, or for the outside."""
    peers = [other.number for other in made.of_kind("node") if other is not node]
    hops = "nexthop via 172.31.7.1 dev eth0 weight 1 nexthop via 172.31.7.1{} dev eth0 weight {}"
    if made.overlay == "routes" and peers:
        peer = random.choice(peers)
        return _fault(node, f"ip route replace 10.50.{peer}.0/24 {hops.format(peer, random.choice((1, 3)))}")
    other = random.choice(peers) if peers else 9
    return _fault(node, f"ip route replace 203.0.113.10/32 {hops.format(other, 1)}")


def ipset(random: Random, made: Plan, node: Place) -> str:
    """A set that rules drop by."""
    if not node.rules:
        return ""
    kind = random.choice(("hash:ip", "hash:net", "hash:ip,port"))
    pods = random.sample(made.of_kind("pod"), min(2, len(made.of_kind("pod"))))
    members = {
        "hash:ip": [pod.ip(4) for pod in pods],
        "hash:net": [f"10.50.{random.choice(made.of_kind('node')).number}.0/24", "203.0.113.0/24"],
        "hash:ip,port": [f"{pod.ip(4)},{random.choice(('tcp', 'udp'))}:{random.choice((8080, 9000))}" for pod in pods],
    }[kind]
    lines = [f"ipset create blocked {kind}", *(f"ipset add blocked {member}" for member in members)]
    node.script += lines
    negation = random.choice(("", "", "! "))
    way = "dst,dst" if "port" in kind else random.choice(("src", "dst"))
    chain = random.choice(("FORWARD", "FORWARD", "INPUT", "OUTPUT"))
    target = "DROP" if not negation else "RETURN"
    return "; ".join(
        [*lines, _insert(node, 4, "filter", f"-I {chain} 1 -m set {negation}--match-set blocked {way} -j {target}")]
    )


def translation(random: Random, made: Plan, node: Place) -> str:
    """SNAT or DNAT that somebody added by hand."""
    if not node.rules:
        return ""
    pod = random.choice(made.of_kind("pod"))
    return _insert(
        node,
        4,
        "nat",
        random.choice(
            (
                "-I POSTROUTING 1 -j MASQUERADE",
                "-I POSTROUTING 1 -o eth0 -j MASQUERADE",
                f"-I POSTROUTING 1 -s 10.50.0.0/16 -j SNAT --to-source 172.31.7.1{node.number}",
                f"-I POSTROUTING 1 -s {pod.ip(4)} -j SNAT --to-source 172.31.7.77",
                f"-I PREROUTING 1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination {pod.ip(4)}:9000",
                "-I PREROUTING 1 -p udp -m udp --dport 9000 -j REDIRECT --to-ports 10250",
                "-I OUTPUT 1 -p tcp -m tcp --dport 9000 -j REDIRECT --to-ports 10250",
            )
        ),
    )


def notrack(random: Random, made: Plan, node: Place) -> str:
    """Packets that connection tracking does not see."""
    if not node.rules:
        return ""
    chain = random.choice(("PREROUTING", "PREROUTING", "OUTPUT"))
    match = random.choice(("-p udp -m udp --dport 8472", "-p tcp -m tcp --dport 8080", "-p udp", "-s 10.50.0.0/16"))
    return _insert(
        node, random.choice((4, 4, 6)) if "-s" not in match else 4, "raw", f"-A {chain} {match} -j CT --notrack"
    )


def addresses(random: Random, made: Plan, node: Place) -> str:
    """A second address, or one that is gone."""
    number = node.number
    lines = [
        f"ip addr add 172.31.7.2{number}/24 dev eth0",
        f"ip addr add 172.31.7.2{number}/32 dev eth0",
        f"ip addr add 10.50.{number}.200/24 dev eth0",
        "ip addr add 198.51.100.7/32 dev lo",
        f"ip -6 addr add fd31:7::2{number}/64 dev eth0 nodad",
        "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6",
    ]
    if made.overlay == "vxlan":
        lines += [
            f"ip addr del 10.50.{number}.0/32 dev flannel.1",
            f"ip -6 addr del fd50:0:{number}::/128 dev flannel.1",
        ]
    return _fault(node, random.choice(lines))


MORE: tuple[Callable[[Random, Plan, Place], str], ...] = (
    multipath,
    ipset,
    translation,
    translation,
    notrack,
    addresses,
)
