"""The matches that look at addresses: ranges, and what the routing table says of them."""

from __future__ import annotations

from analyzer.facts.address import ip
from analyzer.facts.firewall import Match, Option
from analyzer.packet.sight import Answer, Sight, every, first, words


def iprange(match: Match, sight: Sight) -> Answer:
    """`-m iprange`."""

    def decide(option: Option) -> Answer:
        low, _, high = first(option).partition("-")
        start, end = ip(low), ip(high or low)
        address = sight.packet.src if option.name == "--src-range" else sight.packet.dst
        if start is None or end is None:
            return None
        return start.version == address.version and int(start) <= int(address) <= int(end)

    return every(match, decide)


def addrtype(match: Match, sight: Sight) -> Answer:
    """`-m addrtype`: what the routing table says of an address."""
    limits = {option.name: option for option in match.options if option.name.startswith("--limit-iface")}

    def decide(option: Option) -> Answer:
        if option.name.startswith("--limit-iface"):
            return True
        if not sight.stack.knows_addresses:
            return None
        address = sight.packet.src if option.name == "--src-type" else sight.packet.dst
        kind = sight.routing.kind(address).upper()
        if limits and kind == "LOCAL":
            dev = sight.entered if "--limit-iface-in" in limits else sight.leaves
            kind = "LOCAL" if sight.stack.own.get(address) == dev else "UNICAST"
        return kind in words(option)

    return every(match, decide)


def pkttype(match: Match, sight: Sight) -> Answer:
    """`-m pkttype`, told by the destination."""
    kind = sight.routing.kind(sight.packet.dst)
    name = kind if kind in ("broadcast", "multicast") else "unicast"
    return every(match, lambda option: first(option) == name)
