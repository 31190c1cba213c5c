"""Holds the packet path against the kernel for single packets: where they arrive, how they look, which rules count."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from analyzer.analysis import facts_of
from analyzer.packet.flow import flow_from, topology_from
from analyzer.packet.trace import to_json, trace
from tests.kernel import nft_rules
from tests.kernel.crafted import NUMBERS, Air, Caught, hits, nft_hits, packet
from tests.kernel.judge import TARGETS, Judged, short
from tests.kernel.rules import ruleset
from tests.kernel.wire import HOSTS, PORTS, ROUTER, TOPOLOGY, Wire, wire
from tests.lab.cluster import within

FLAGS = (("SYN",), ("SYN",), ("SYN", "ACK"), ("ACK",), ("RST",), ("FIN", "ACK"), ("FIN", "PSH", "URG"), ())
# Matches that dumps cannot decide.
OPEN = ("limit", "hashlimit", "recent", "connlimit", "u32", "string", "statistic", "mac", "tcpmss")
ICMP = (8, 8, 0, 13, 3)
Spot = tuple[str, str, int]  # table, chain, number
# The words of REJECT as (type, code) of ICMP.
ERRORS = {
    "icmp-net-unreachable": (3, 0),
    "icmp-host-unreachable": (3, 1),
    "icmp-proto-unreachable": (3, 2),
    "icmp-port-unreachable": (3, 3),
    "icmp-net-prohibited": (3, 9),
    "icmp-host-prohibited": (3, 10),
    "icmp-admin-prohibited": (3, 13),
}


@dataclass(frozen=True)
class Counted:
    """Rules that the kernel counted a packet for, of those that are able to tell."""

    able: set[Spot]
    hit: set[Spot]


class Bench:
    """The wire with hosts that hear everything and answer nothing."""

    def __init__(self, running: Wire) -> None:
        self.wire = running
        for host in HOSTS:
            within(host, "iptables", "-t", "raw", "-A", "PREROUTING", "-i", "eth0", "-j", "DROP")
        # Neighbours that are known leave no time for a packet to wait for one.
        for host, network in HOSTS.items():
            for last in (2, 3):
                within(host, "ping", "-c1", "-W1", "-I", f"{network}.{last}", f"{network}.1", check=False)
                _settle(host, f"{network}.{last}", f"{network}.1")
        self.air = Air("hk-client", tuple(HOSTS))

    def hits(self, native: bool) -> dict[tuple[str, str, int], int]:
        """Packets that each rule of the router counted."""
        return nft_hits(within(ROUTER, "nft", "list", "ruleset")) if native else hits(self.wire.counters())


@contextlib.contextmanager
def bench() -> Iterator[Bench]:
    """The namespaces and the processes, removed afterwards."""
    with wire() as running:
        made = Bench(running)
        try:
            yield made
        finally:
            made.air.close()


def judge(made: Bench, seed: int, native: bool = False) -> list[Judged]:
    """Loads the rule set of a seed, of iptables or of native nftables, sends six packets, compares each."""
    random = Random(seed)
    rules = nft_rules.ruleset(random) if native else ruleset(random, wide=True)
    made.wire.load("flush ruleset", ("nft", "-f", "-"))
    if made.wire.load(rules, ("nft", "-f", "-") if native else ("iptables-restore",)):
        return []
    facts = facts_of(made.wire.dumps(), ())
    topology = topology_from(json.dumps(TOPOLOGY))
    results = []
    for number in range(6):
        flow = _flow(random, 42000 + (seed * 6 + number) % 7000)
        raw = packet(flow)
        answer = json.loads(to_json(trace(facts, flow_from(json.dumps(flow | {"size": len(raw)})), topology)))
        word = ""
        for _ in range(2):
            made.wire.forget()
            before = made.hits(native)
            for host in HOSTS:
                made.air.heard(host)
            made.air.send(raw)
            time.sleep(0.03)
            heard = {host: [one for one in made.air.heard(host) if one.proto in (1, 6, 17)] for host in HOSTS}
            after = made.hits(native)
            counted = {rule for rule, packets in after.items() if packets != before.get(rule, 0)}
            # Where chance chooses, one of several ways that end alike is told.
            told = not any(word in rules for word in ("-m statistic", "numgen")) and not answer["undecided"]
            able = after.keys() - (set() if native else _passed_over(rules))
            word = compare(answer, flow, heard, Counted(able, counted & able) if told else None)
            if word in ("agree", "unknown"):
                break
        verdict = word if word in ("agree", "unknown") else "wrong"
        results.append(
            Judged(seed, verdict, f"{word}\n{flow}\nkernel {heard} {sorted(counted)}\n{short(answer)}\n{rules}")
        )
    return results


def _flow(random: Random, port: int) -> dict[str, Any]:
    flow: dict[str, Any] = {
        "src_node": "hk-client",
        "src_ip": random.choice(("10.71.1.2", "10.71.1.3")),
        "src_port": port,
        "dst_ip": random.choice(TARGETS),
        "dst_port": random.choice(PORTS),
        "proto": random.choice(("tcp", "tcp", "udp", "icmp")),
        "kind": "crafted",
        "ttl": random.choice((64, 64, 64, 2, 1)),
    }
    if flow["proto"] == "tcp":
        flow["tcp_flags"] = random.choice(FLAGS)
    if flow["proto"] == "icmp":
        flow["icmp_type"] = random.choice(ICMP)
        del flow["dst_port"]
    return flow


def compare(
    said: dict[str, Any],
    flow: dict[str, Any],
    heard: dict[str, list[Caught]],
    counted: Counted | None,
) -> str:
    """agree, unknown, or what differs. `counted` None: which rules were hit is not to be compared."""
    if said["verdict"] == "one-of":
        words = [compare(outcome, flow, heard, counted) for outcome in said["outcomes"]]
        return next((word for word in ("agree", "unknown") if word in words), words[0])
    if said["verdict"] == "unknown":
        return "unknown"
    arrived = {host: [one for one in found if _is(one, flow)] for host, found in heard.items()}
    at = said["to"] if said["verdict"] == "delivered" else said["at"]
    if at is None and said["undecided"]:
        return "unknown"  # lost either way, but where is open
    host = at["node"] if at else None
    if host in HOSTS and host != "hk-client":
        found = arrived[host]
        if len(found) != 1:
            return f"should have arrived at {host}"
        if not _looks(found[0], said, flow):
            return f"arrived at {host} with other addresses"
    elif host == "hk-client":
        return "agree"  # sent to itself; nothing of it can be heard
    elif any(arrived[name] for name in HOSTS if name != "hk-client"):
        return "should not have arrived"
    if said["verdict"] in ("rejected", "ttl-exceeded"):
        return _error(said, heard["hk-client"])
    if said["verdict"] == "no-route" or heard["hk-client"] or counted is None:
        return "agree"
    steps = {
        (step["table"], step["chain"], step["rule"])
        for step in said["steps"]
        if step["node"] == ROUTER and not step["reply"] and isinstance(step["rule"], int)
    } & counted.able
    # A local listener may answer; its packets meet the rules as well, in chains that the first one never sees.
    if host == ROUTER and said["verdict"] == "delivered":
        return "agree" if steps <= counted.hit else f"rules not hit: {sorted(steps - counted.hit)}"
    return "agree" if steps == counted.hit else f"rules differ: {sorted(steps ^ counted.hit)}"


def _passed_over(rules: str) -> set[Spot]:
    """Rules of which it is open whether they match, and that do nothing if they do: a trace does not name them."""
    found: set[Spot] = set()
    numbers: dict[str, int] = {}
    table = ""
    for line in rules.splitlines():
        if line.startswith("*"):
            table, numbers = line[1:], {}
        elif line.startswith("-A "):
            chain = line.split()[1]
            numbers[chain] = numbers.get(chain, 0) + 1
            if any(f"-m {name} " in line for name in OPEN) and (line.endswith(" -j LOG") or " -j " not in line):
                found.add((table, chain, numbers[chain]))
    return found


def _is(one: Caught, flow: dict[str, Any]) -> bool:
    if one.proto != NUMBERS[flow["proto"]]:
        return False
    return one.icmp[0] == flow["icmp_type"] if one.proto == 1 else True


def _looks(one: Caught, said: dict[str, Any], flow: dict[str, Any]) -> bool:
    if said["verdict"] != "delivered":
        return True
    to, source = said["to"], said["seen_src"]
    ports = one.proto == 1 or (source["port"] in (None, one.sport) and to["port"] in (None, one.dport))
    return bool(one.src == source["ip"] and one.dst == to["ip"] and ports)


def _error(said: dict[str, Any], found: list[Caught]) -> str:
    """The answer of the router has rules of its own to pass; if it came, it has to be the right one."""
    if not found:
        return "agree"
    if said["verdict"] == "ttl-exceeded":
        return "agree" if found[0].icmp == (11, 0) else f"another error came: {found}"
    if said["with"] == "tcp-reset":
        return "agree" if found[0].proto == 6 and found[0].flags & 4 else f"no reset: {found}"
    return "agree" if found[0].icmp == ERRORS.get(said["with"]) else f"another error came: {found}"


def _settle(host: str, address: str, gateway: str) -> None:
    """Permanent neighbours at both ends of a link."""
    mac = json.loads(within(host, "ip", "-j", "link", "show", "eth0"))[0]["address"]
    port = f"e{list(HOSTS).index(host) + 1}"
    within(ROUTER, "ip", "neigh", "replace", address, "lladdr", mac, "dev", port, "nud", "permanent")
    theirs = json.loads(within(ROUTER, "ip", "-j", "link", "show", port))[0]["address"]
    within(host, "ip", "neigh", "replace", gateway, "lladdr", theirs, "dev", "eth0", "nud", "permanent")
