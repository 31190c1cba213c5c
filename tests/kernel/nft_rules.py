"""Seeded random rule sets of native nftables: base and user chains, sets, verdict maps, marks, translation."""

from __future__ import annotations

from random import Random

ADDRESSES = ("10.71.1.2", "10.71.1.3", "10.71.2.2", "10.71.3.2", "10.71.1.0/24", "10.71.2.0/24", "10.71.0.0/16")
# Name: type, hook, priority.
BASES = {
    "early": ("filter", "prerouting", "raw"),
    "mark_in": ("filter", "prerouting", "mangle"),
    "to": ("nat", "prerouting", "dstnat"),
    "local": ("filter", "input", "filter"),
    "through": ("filter", "forward", "filter"),
    "late": ("filter", "forward", "filter + 10"),
    "out": ("filter", "output", "filter"),
    "from": ("nat", "postrouting", "srcnat"),
}
SETS = """
    set hosts { type ipv4_addr; elements = { 10.71.1.2, 10.71.3.2 }; }
    set nets { type ipv4_addr; flags interval; elements = { 10.71.2.0/24, 10.71.9.1-10.71.9.20 }; }
    set pairs { type ipv4_addr . inet_proto . inet_service; elements = { 10.71.2.2 . tcp . 80, 10.71.3.2 . udp . 443 }; }
"""


def ruleset(random: Random) -> str:
    """A whole input for `nft -f`; every rule that ends in a verdict counts."""
    family = random.choice(("ip", "inet"))
    bases = [name for name in BASES if random.random() < 0.7]
    users = {
        kind: [f"{kind}_user{number}" for number in range(random.randint(1, 3))]
        for kind in ("filter", "nat_in", "nat_out")
    }
    lines = [f"table {family} t {{", SETS]
    # A chain has to stand before the map that names it, so jumps lead to chains that were written already.
    written: dict[str, list[str]] = {kind: [] for kind in users}
    for kind, names in users.items():
        for name in names:
            lines += [f"  chain {name} {{", *_rules(random, kind, written[kind]), "  }"]
            written[kind].append(name)
    for name in bases:
        type_, hook, priority = BASES[name]
        policy = "drop" if type_ == "filter" and random.random() < 0.15 else "accept"
        kind = "filter" if type_ == "filter" else "nat_in" if hook == "prerouting" else "nat_out"
        head = f"    type {type_} hook {hook} priority {priority}; policy {policy};"
        lines += [f"  chain {name} {{", head, *_rules(random, kind, written[kind], hook), "  }"]
    return "\n".join([*lines, "}", ""])


def _rules(random: Random, kind: str, below: list[str], hook: str = "") -> list[str]:
    return [f"    {_rule(random, kind, below, hook)}" for _ in range(random.choice((0, 1, 2, 2, 3)))]


def _rule(random: Random, kind: str, below: list[str], hook: str) -> str:
    parts = [_match(random) for _ in range(random.choice((0, 1, 1, 2)))]
    if random.random() < 0.15 and below and kind == "filter":
        return " ".join((*parts, _map(random, below)))
    verdict, needs = _verdict(random, kind, below, hook)
    if needs and not any(part.startswith(("tcp", "udp", "meta l4proto")) for part in parts):
        parts.append(random.choice(("meta l4proto tcp", "meta l4proto udp")))
    return " ".join((*parts, "counter", verdict)).strip()


def _not(random: Random) -> str:
    return "!= " if random.random() < 0.3 else ""


def _match(random: Random) -> str:
    return random.choice(
        (
            f"ip saddr {_not(random)}{random.choice(ADDRESSES)}",
            f"ip daddr {_not(random)}{random.choice(ADDRESSES)}",
            f"ip daddr {_not(random)}{{ 10.71.2.2, 10.71.3.0/24 }}",
            f"ip saddr {_not(random)}@hosts",
            f"ip daddr {_not(random)}@nets",
            "ip daddr . meta l4proto . th dport @pairs",
            f"tcp dport {_not(random)}80",
            "tcp dport { 80, 443 }",
            "udp dport 440-450",
            f"meta l4proto {_not(random)}tcp",
            "meta l4proto { tcp, udp }",
            f'iifname {_not(random)}"e1"',
            'iifname { "e1", "e2" }',
            'oifname "e2"',
            'oifname "e*"',
            f"ct state {random.choice(('new', 'established,related', 'invalid', 'untracked', '{ new, invalid }'))}",
            "ct direction original",
            f"ct status {random.choice(('dnat', 'snat'))}",
            f"meta mark {_not(random)}0x1",
            "meta mark & 0x4000 == 0x4000",
            "meta mark and 0x3 != 0",
            "tcp flags & (fin | syn | rst | ack) == syn",
            "tcp flags syn / fin,syn,rst,ack",
            f"icmp type {random.choice(('echo-request', '{ echo-request, echo-reply }'))}",
            f"fib daddr type {random.choice(('local', 'unicast'))}",
            "fib saddr . iif oif exists",
            "ip ttl > 1",
            "ip protocol tcp",
            "ct original ip daddr 10.71.2.0/24",
        )
    )


def _map(random: Random, below: list[str]) -> str:
    chain = random.choice(below)
    return random.choice(
        (
            f"ip daddr vmap {{ 10.71.2.2 : jump {chain}, 10.71.3.2 : drop, 10.71.2.3 : accept }}",
            f"ip daddr . meta l4proto . th dport vmap {{ 10.71.2.2 . tcp . 80 : goto {chain}, 10.71.3.2 . udp . 443 : drop }}",
            f"tcp dport vmap {{ 80 : accept, 443 : jump {chain}, 8000-9000 : drop }}",
            f"numgen random mod 2 vmap {{ 0 : jump {chain}, 1 : accept }}",
            f"ct state vmap {{ invalid : drop, new : jump {chain} }}",
        )
    )


def _verdict(random: Random, kind: str, below: list[str], hook: str) -> tuple[str, bool]:
    """A verdict, and whether it needs a protocol with ports."""
    if below and random.random() < 0.35:
        return f"{random.choice(('jump', 'jump', 'goto'))} {random.choice(below)}", False
    common = ["accept", "return", ""]
    if kind == "nat_in":
        host, port = random.choice(("10.71.2.2", "10.71.3.2", "10.71.1.1")), random.choice((80, 443))
        found = [*common, f"dnat ip to {host}", f"dnat ip to {host}:{port}", f"redirect to :{port}"]
        verdict = random.choice(found)
        return verdict, ":" in verdict
    if kind == "nat_out":
        return random.choice([*common, "masquerade", "snat ip to 10.71.2.1", "masquerade"]), False
    common += ["drop", "accept", "meta mark set 0x1", "meta mark set meta mark | 0x4000", "ct mark set 0x1"]
    if hook == "prerouting":
        common += ["notrack"]
    if hook in ("input", "forward", "output"):
        common += ["reject", "reject with icmp type host-prohibited"]
    return random.choice(common), False
