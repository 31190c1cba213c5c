"""The rules of one node of a made-up cluster: kube-proxy's, those of a policy agent, and odd ones."""

from __future__ import annotations

from tests.random_luck import PODS, Luck, Made, any_pod

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


def iptables(
    node: int,
    nodes: int,
    made: Made,
    devs: list[str],
    chance: Luck,
    given: dict[str, str],
) -> str:
    """`iptables-save`; `given` has rules that the tables filter and nat begin with, `devs` lead to pods."""
    words = {
        "a": any_pod(nodes, chance),
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


def _proxy(made: Made, chance: Luck) -> tuple[list[str], list[str]]:
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
