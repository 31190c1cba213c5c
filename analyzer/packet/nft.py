"""Native nftables rule sets, as kube-proxy in nftables mode and firewalld write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from analyzer.facts.address import IP, ip
from analyzer.facts.firewall import NftObject
from analyzer.packet import nat, nft_words
from analyzer.packet.chains import Filters
from analyzer.packet.nft_rule import Rule, Undecided
from analyzer.packet.nft_words import reject_with
from analyzer.packet.run import Run
from analyzer.packet.sight import Sight
from analyzer.packet.verdict import At, Fate, unknown

HOOKS = {"PREROUTING": "prerouting", "INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}
HOOKS |= {"POSTROUTING": "postrouting"}
HEAD = re.compile(r"type (\w+) hook (\w+)(?: device \S+)? priority ([^;]+);(?:\s*policy (\w+))?")
DEPTH = 32


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain: where it hooks, and its policy."""

    family: str
    table: str
    name: str
    policy: str
    origin: NftObject


class Native:
    """Chains, sets and maps of the native tables of one namespace."""

    def __init__(self, objects: list[NftObject]) -> None:
        self.bases: list[tuple[str, str, int | None, Base]] = []
        self.rules: dict[tuple[str, str, str], list[NftObject]] = {}
        self.sets: dict[tuple[str, str, str], str] = {}
        for item in objects:
            key = (item.family, item.table, item.name)
            if item.kind == "rule":
                self.rules.setdefault(key, []).append(item)
            elif item.kind in ("set", "map"):
                self.sets[key] = item.text
            elif item.kind == "chain" and (head := HEAD.search(item.text)):
                base = Base(item.family, item.table, item.name, head[4] or "accept", item)
                self.bases.append((head[1], head[2], nft_words.priority(head[3].strip()), base))
        for found in self.rules.values():
            found.sort(key=lambda rule: rule.position or 0)


def _native(filters: Filters) -> Native:
    if filters.read is None:
        filters.read = Native(filters.native)
    assert isinstance(filters.read, Native)
    return filters.read


def base_chains(filters: Filters, hook: str, kind: str) -> list[tuple[int, Base]]:
    """Base chains of one type at a hook, with their priorities; "filter" includes "route"."""
    if not filters.native:
        return []
    kinds = ("filter", "route") if kind == "filter" else (kind,)
    found = []
    for type_, at, priority, base in _native(filters).bases:
        if type_ in kinds and at == HOOKS[hook]:
            if priority is None:
                raise unknown(f"the priority of nft chain {base.name} of {filters.stack.name}", filters.stack.name)
            found.append((priority, base))
    return sorted(found, key=lambda item: item[0])


def walk_base(run: Run, filters: Filters, base: Base, sight: Sight) -> None:
    """Takes a packet through a base chain; raises Fate if it ends there."""
    if _walk(run, filters, base, sight, base.name, 0) or base.policy != "drop":
        return
    at = At(sight.stack.name, f"{base.family} {base.table}", base.name, "policy")
    run.note(sight.stack, f"policy drop of {base.name}", base.origin, hook=sight.hook, table=at.table, chain=at.chain,
             rule="policy")  # fmt: skip
    raise Fate("dropped", at)


def _walk(run: Run, filters: Filters, base: Base, sight: Sight, chain: str, depth: int) -> bool:
    """Whether a chain ended the traversal of the base chain."""
    if depth > DEPTH:
        raise unknown(f"a loop of chains at {chain} of {sight.stack.name}", sight.stack.name)
    run.visit(sight.stack)
    native = _native(filters)
    for item in native.rules.get((base.family, base.table, chain), ()):
        at = At(sight.stack.name, f"{base.family} {base.table}", chain, item.position)
        where = f"{sight.stack.name} {at.table} {chain} rule {item.position}"
        rule = Rule(item.text, sight, base.family, lambda name: native.sets.get((base.family, base.table, name)))
        try:
            verdict = rule.verdict(partial(run.oracle.pick, why=where))
        except Undecided as open_:
            verdict = open_.verdict
            if verdict == ("",):
                continue
            if verdict is None:
                raise unknown(f"{where}: {item.text}", sight.stack.name) from None
            if not run.open(f"{where}: {item.text}"):
                continue
        if verdict is None:
            continue
        changed = (
            _changed(run, verdict, sight, at) if verdict[0] in ("dnat", "snat", "masquerade", "redirect") else None
        )
        if verdict[0]:
            run.note(sight.stack, " ".join(verdict), item, hook=sight.hook, table=at.table, chain=chain,
                     rule=item.position, matched=item.text, changed=changed)  # fmt: skip
        match verdict[0]:
            case "accept" | "dnat" | "snat" | "masquerade" | "redirect":
                return True
            case "drop":
                raise Fate("dropped", at)
            case "reject":
                raise Fate("rejected", at, with_=reject_with(verdict[1:], sight.packet.family))
            case "return":
                return False
            case "jump" | "goto":
                if _walk(run, filters, base, sight, verdict[1], depth + 1):
                    return True
                if verdict[0] == "goto":
                    return False
            case "continue" | "":
                continue
            case _:
                raise unknown(f"{where}: {item.text}", sight.stack.name)
    return False


def _changed(run: Run, verdict: tuple[str, ...], sight: Sight, at: At) -> str:
    tracked = sight.packet.tracked
    if tracked is None or tracked.connection is None:
        return ""
    packet, words = sight.packet, [word for word in verdict[1:] if word not in ("to", "ip", "ip6")]
    target = words[0] if words and not words[0].startswith(("fully", "random", "persistent")) else ""
    address, port = _end(target)
    shuffled = any(word in ("fully-random", "random") for word in words)
    if verdict[0] == "masquerade":
        way = sight.routing.look_up(packet.dst, mark=packet.mark, oif=sight.leaves or None, packet=packet)
        address = sight.routing.pick_address(sight.leaves, way.hops[0][0] if way.hops else None, packet.dst)
        if address is None:
            raise Fate("dropped", At(at.node, at.table, at.chain, "nat-failed"))
    if verdict[0] == "redirect":
        own = [a.ip for a in sight.stack.addresses if a.dev == sight.entered and a.ip.version == packet.family]
        local = ip("127.0.0.1" if packet.family == 4 else "::1")
        address = local if sight.hook == "OUTPUT" else own[0] if own else None
    nat.draw(tracked.connection, "", shuffled)
    if verdict[0] in ("snat", "masquerade"):
        return nat.source_to(tracked.connection, address or packet.src, None if shuffled else port or packet.sport)
    if address is None and port is None:
        raise unknown(f"nft {' '.join(verdict)} of {sight.stack.name}", sight.stack.name)
    return nat.destination_to(tracked.connection, address or packet.dst, port or packet.dport)


def _end(text: str) -> tuple[IP | None, int | None]:
    """Address and port of "10.0.0.2:6443", "[fd00::2]:6443", ":80" or an address."""
    plain = ip(text)
    if plain is not None:
        return plain, None
    address, _, port = text.rpartition(":")
    return ip(address.strip("[]")), int(port) if port.isdigit() else None
