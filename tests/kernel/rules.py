"""Seeded random rule sets: user chains, gotos, negation, marks, connection states, translation, odd matches."""

from __future__ import annotations

from random import Random

ADDRESSES = (
    "10.71.1.2",
    "10.71.1.3",
    "10.71.2.2",
    "10.71.3.2",
    "10.71.1.0/24",
    "10.71.2.0/24",
    "10.71.0.0/16",
    "10.71.9.9",
)
CHAINS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
}


def ruleset(random: Random, wide: bool = False) -> str:
    """A whole input for iptables-restore; `wide` with matches that single packets can tell apart."""
    tables = [name for name in ("raw", "mangle", "nat", "filter") if random.random() < 0.75]
    return "".join(_table(random, table, wide) for table in tables) or "*filter\nCOMMIT\n"


def _table(random: Random, table: str, wide: bool) -> str:
    # Later user chains may be jumped to from earlier ones only, so that no loop can arise.
    users = [f"U{table[0].upper()}{number}" for number in range(random.randint(0, 3))]
    lines = [f"*{table}"]
    for chain in CHAINS[table]:
        policy = "DROP" if table == "filter" and random.random() < 0.25 else "ACCEPT"
        lines.append(f":{chain} {policy} [0:0]")
    lines += [f":{user} - [0:0]" for user in users]
    for chain in (*CHAINS[table], *users):
        below = users[users.index(chain) + 1 :] if chain in users else users
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            if rule := _rule(random, table, chain, below, wide):
                lines.append(f"-A {chain} {rule}")
    return "\n".join([*lines, "COMMIT", ""])


def _rule(random: Random, table: str, chain: str, below: list[str], wide: bool) -> str:
    proto = random.choice(("", "", "tcp", "udp", *(("icmp",) if wide else ())))
    parts = []
    if random.random() < 0.4:
        parts.append(f"{_maybe(random)}-s {random.choice(ADDRESSES)}")
    if random.random() < 0.4:
        parts.append(f"{_maybe(random)}-d {random.choice(ADDRESSES)}")
    if proto:
        parts.append(f"-p {proto}")
        if random.random() < 0.6:
            parts.append(_icmp(random) if proto == "icmp" else _ports(random, proto))
    # A chain of one's own may be asked at any hook.
    if random.random() < 0.2 and (chain in ("PREROUTING", "INPUT", "FORWARD") or (wide and chain[0] == "U")):
        parts.append(f"{_maybe(random)}-i {random.choice(('e1', 'e2', 'e+', 'x0'))}")
    if random.random() < 0.2 and (chain in ("FORWARD", "OUTPUT", "POSTROUTING") or (wide and chain[0] == "U")):
        parts.append(f"{_maybe(random)}-o {random.choice(('e1', 'e2', 'e+', 'x0'))}")
    if random.random() < 0.45:
        parts.append((_odd if wide and random.random() < 0.5 else _match)(random, proto, chain))
    return " ".join((*parts, _target(random, table, chain, proto, below)))


def _maybe(random: Random) -> str:
    return "! " if random.random() < 0.3 else ""


def _ports(random: Random, proto: str) -> str:
    return random.choice(
        (
            f"-m {proto} {_maybe(random)}--dport {random.choice((80, 443, 8080))}",
            f"-m {proto} --dport 79:81",
            f"-m {proto} --sport 40000:50000",
            f"-m multiport {_maybe(random)}--dports 80,8000:9000",
            "-m multiport --ports 443,80",
        )
    )


def _match(random: Random, proto: str, _chain: str) -> str:
    choices = [
        f"-m conntrack {_maybe(random)}--ctstate {random.choice(('NEW', 'ESTABLISHED,RELATED', 'INVALID', 'UNTRACKED', 'DNAT', 'SNAT'))}",
        f"-m state --state {random.choice(('NEW', 'ESTABLISHED', 'INVALID'))}",
        f"-m mark {_maybe(random)}--mark {random.choice(('0x1', '0x1/0x1', '0x4000/0x4000', '0x0', '0x2/0x3'))}",
        f"-m addrtype {_maybe(random)}--dst-type {random.choice(('LOCAL', 'UNICAST'))}",
        f"-m addrtype --src-type {random.choice(('LOCAL', 'UNICAST'))}",
        f"-m iprange {_maybe(random)}--src-range 10.71.1.2-10.71.1.9",
        "-m iprange --dst-range 10.71.2.1-10.71.2.2",
        f"-m connmark {_maybe(random)}--mark 0x1/0x1",
        f"-m conntrack {_maybe(random)}--ctorigdst {random.choice(ADDRESSES[:5])}",
        "-m conntrack --ctdir ORIGINAL",
        '-m comment --comment "a \\"b\\" -j DROP # c"',
        "-m ttl --ttl-gt 60",
        "-m length --length 40:1500",
    ]
    if proto == "tcp":
        choices += ["-m tcp --tcp-flags FIN,SYN,RST,ACK SYN", f"-m tcp {_maybe(random)}--syn"]
    return random.choice(choices)


def _icmp(random: Random) -> str:
    kind = random.choice(("8", "echo-reply", "3/1", "timestamp-request", "any"))
    return f"-m icmp {_maybe(random)}--icmp-type {kind}"


def _odd(random: Random, proto: str, chain: str) -> str:
    """Matches that kube-proxy, CNIs, firewalld, ufw and people write more seldom."""
    first = random.choice(("src", "dst"))
    choices = [
        f"-m set {_maybe(random)}--match-set {random.choice(('hosts', 'nets'))} {first}",
        f"-m set {_maybe(random)}--match-set pairs {random.choice(('src,dst', 'dst,dst', 'dst,src'))}",
        f"-m ttl --ttl-{random.choice(('eq', 'lt', 'gt'))} {random.choice((1, 2, 62, 63, 64))}",
        "-m limit --limit 5/sec",
        "-m hashlimit --hashlimit-upto 100/sec --hashlimit-burst 50 --hashlimit-mode srcip --hashlimit-name h1",
        "-m statistic --mode random --probability 0.50000000000",
        f"-m recent --name r1 {random.choice(('--set', '--rcheck --seconds 60', '--update --hitcount 2'))}",
        f"-m dscp {_maybe(random)}--dscp 0x00",
        f"-m length {_maybe(random)}--length {random.choice(('0:39', '28:29', '40', '36:'))}",
        f"-m conntrack --ctproto {random.choice((6, 17))}",
        f"-m conntrack {_maybe(random)}--ctorigdstport 80",
        f"-m conntrack --ctstatus {random.choice(('NONE', 'CONFIRMED', 'SEEN_REPLY', 'EXPECTED'))}",
        f"-m conntrack --ctreplsrc {random.choice(ADDRESSES)}",
        f"-m pkttype {_maybe(random)}--pkt-type unicast",
        f"-m mark --mark {random.choice(('0x0/0xff', '0x3/0x3', '0x4000/0x4000'))}",
        f"-m addrtype --dst-type {random.choice(('UNICAST,LOCAL', 'BROADCAST', 'BLACKHOLE', 'UNREACHABLE'))}",
        "-m connlimit --connlimit-above 100 --connlimit-mask 32",
        "-m u32 --u32 0>>22&0x3C@4>>16=0x1",
        "-m physdev --physdev-is-bridged",
        "-m string --string nothing --algo bm",
    ]
    if chain in ("PREROUTING", "INPUT", "FORWARD"):
        choices += [f"-m mac {_maybe(random)}--mac-source 02:00:00:00:00:01"]
    if chain == "PREROUTING":
        choices += ["-m rpfilter", "-m rpfilter --invert"]
    if chain == "OUTPUT":
        choices += ["-m owner --uid-owner 0", "-m owner ! --uid-owner 65534"]
    if proto == "tcp":
        choices += [
            f"-m tcp {_maybe(random)}--tcp-flags {random.choice(('ALL FIN,PSH,URG', 'ALL NONE', 'SYN,RST SYN,RST', 'ACK ACK', 'FIN,SYN,RST,ACK RST'))}"
        ] * 3
        choices += ["-m tcp --tcp-option 2", "-m tcpmss --mss 1:500"]
    return random.choice(choices)


def _target(random: Random, table: str, chain: str, proto: str, below: list[str]) -> str:
    if below and random.random() < 0.35:
        return f"{random.choice(('-j', '-j', '-g'))} {random.choice(below)}"
    common = ["-j ACCEPT", "-j RETURN", ""]
    if table == "filter":
        common += ["-j DROP", "-j ACCEPT", "-j REJECT"]
        common.append(
            "-j REJECT --reject-with tcp-reset" if proto == "tcp" else "-j REJECT --reject-with icmp-host-prohibited"
        )
        common.append(f"-j REJECT --reject-with {random.choice(('icmp-net-unreachable', 'icmp-admin-prohibited'))}")
        common.append("-j LOG")
    elif table == "mangle":
        common += [
            f"-j MARK --set-xmark {random.choice(('0x1/0x1', '0x4000/0x4000', '0x2/0xffffffff', '0x1/0x0'))}"
        ] * 2
        common += ["-j CONNMARK --save-mark", "-j CONNMARK --restore-mark", "-j DROP"]
        common += ["-j TTL --ttl-inc 1", "-j MARK --set-mark 0x3", "-j MARK --or-mark 0x1", "-j MARK --and-mark 0x2"]
        common += ["-j CONNMARK --set-xmark 0x1/0x1"]
    elif table == "raw":
        common += ["-j CT --notrack", "-j NOTRACK", "-j DROP"]
    elif proto == "icmp" and chain in ("PREROUTING", "OUTPUT"):
        common += [f"-j DNAT --to-destination {random.choice(('10.71.2.2', '10.71.3.2'))}", "-j REDIRECT"]
    elif chain in ("PREROUTING", "OUTPUT") and proto:
        host, port = random.choice(("10.71.2.2", "10.71.3.2", "10.71.2.3", "10.71.1.1")), random.choice((80, 443))
        common += [
            f"-j DNAT --to-destination {host}",
            f"-j DNAT --to-destination {host}:{port}",
            f"-j REDIRECT --to-ports {port}",
        ]
    elif chain == "POSTROUTING":
        common += ["-j MASQUERADE", "-j SNAT --to-source 10.71.2.1", "-j MASQUERADE"]
        if proto in ("tcp", "udp"):
            common += ["-j SNAT --to-source 10.71.3.1:2000-2003", "-j MASQUERADE --to-ports 3000-3001"]
    elif chain == "INPUT":
        common += ["-j SNAT --to-source 10.71.9.1"]
    return random.choice(common)
