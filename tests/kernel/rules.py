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


def ruleset(random: Random) -> str:
    """A whole input for iptables-restore."""
    return "".join(_table(random, table) for table in ("raw", "mangle", "nat", "filter") if random.random() < 0.75) or (
        "*filter\nCOMMIT\n"
    )


def _table(random: Random, table: str) -> str:
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
            if rule := _rule(random, table, chain, below):
                lines.append(f"-A {chain} {rule}")
    return "\n".join([*lines, "COMMIT", ""])


def _rule(random: Random, table: str, chain: str, below: list[str]) -> str:
    proto = random.choice(("", "", "tcp", "udp"))
    parts = []
    if random.random() < 0.4:
        parts.append(f"{_maybe(random)}-s {random.choice(ADDRESSES)}")
    if random.random() < 0.4:
        parts.append(f"{_maybe(random)}-d {random.choice(ADDRESSES)}")
    if proto:
        parts.append(f"-p {proto}")
        if random.random() < 0.6:
            parts.append(_ports(random, proto))
    if random.random() < 0.2 and chain in ("PREROUTING", "INPUT", "FORWARD"):
        parts.append(f"{_maybe(random)}-i {random.choice(('e1', 'e2', 'e+', 'x0'))}")
    if random.random() < 0.2 and chain in ("FORWARD", "OUTPUT", "POSTROUTING"):
        parts.append(f"{_maybe(random)}-o {random.choice(('e1', 'e2', 'e+', 'x0'))}")
    if random.random() < 0.45:
        parts.append(_match(random, proto, table))
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


def _match(random: Random, proto: str, table: str) -> str:
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


def _target(random: Random, table: str, chain: str, proto: str, below: list[str]) -> str:
    if below and random.random() < 0.35:
        return f"{random.choice(('-j', '-j', '-g'))} {random.choice(below)}"
    common = ["-j ACCEPT", "-j RETURN", ""]
    if table == "filter":
        common += ["-j DROP", "-j ACCEPT", "-j REJECT"]
        common.append(
            "-j REJECT --reject-with tcp-reset" if proto == "tcp" else "-j REJECT --reject-with icmp-host-prohibited"
        )
    elif table == "mangle":
        common += [
            f"-j MARK --set-xmark {random.choice(('0x1/0x1', '0x4000/0x4000', '0x2/0xffffffff', '0x1/0x0'))}"
        ] * 2
        common += ["-j CONNMARK --save-mark", "-j CONNMARK --restore-mark", "-j DROP"]
    elif table == "raw":
        common += ["-j CT --notrack", "-j NOTRACK", "-j DROP"]
    elif chain in ("PREROUTING", "OUTPUT") and proto:
        host, port = random.choice(("10.71.2.2", "10.71.3.2", "10.71.2.3", "10.71.1.1")), random.choice((80, 443))
        common += [
            f"-j DNAT --to-destination {host}",
            f"-j DNAT --to-destination {host}:{port}",
            f"-j REDIRECT --to-ports {port}",
        ]
    elif chain == "POSTROUTING":
        common += ["-j MASQUERADE", "-j SNAT --to-source 10.71.2.1", "-j MASQUERADE"]
    return random.choice(common)
