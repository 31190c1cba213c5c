"""`-m set`: members of ipsets, looked up by address, network, port and interface."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from analyzer.facts.address import IP, cidr, ip
from analyzer.facts.firewall import Match
from analyzer.packet.header import protocol_number
from analyzer.packet.icmp import type_and_code
from analyzer.packet.sight import Answer, Sight, both, turned

IPV4 = ipaddress.IPv4Address


def in_set(match: Match, sight: Sight) -> Answer:
    """Whether the packet is in the set of a `--match-set`; unknown if the set was not collected."""
    answer: Answer = True
    for option in match.options:
        if option.name != "--match-set":
            if option.name not in ("--return-nomatch", "--update-counters", "--update-subcounters"):
                return None
            continue
        if len(option.values) < 2:
            return None
        answer = both(answer, turned(member(sight, option.values[0], option.values[1]), option.negated))
    return answer


def member(sight: Sight, name: str, directions: str, depth: int = 0) -> Answer:
    """Whether the packet's source or destination, as `directions` says, is in a set."""
    found = sight.stack.sets.get(name)
    if found is None or depth > 8:
        return None
    sides = directions.split(",")
    if found.type.startswith("list"):
        answers = [member(sight, inner.split()[0], directions, depth + 1) for inner in found.members]
        return True if True in answers else None if None in answers else False
    parts = found.type.partition(":")[2].split(",")
    if any(part not in ("ip", "net", "port", "iface") for part in parts):
        return None
    packet = sight.packet
    address_sides = [side for part, side in zip(parts, sides, strict=False) if part in ("ip", "net")]
    addresses = [packet.src if side == "src" else packet.dst for side in address_sides]
    rest: list[tuple[str, str]] = []
    for part, side in zip(parts, sides, strict=False):
        if part == "port":
            port = packet.sport if side == "src" else packet.dport
            if port is None and packet.has_ports:
                return None
            # What ICMP has for a port is its type and code, whichever side is asked for.
            number = packet.icmp[0] << 8 | packet.icmp[1] if packet.icmp is not None else 0
            rest.append((str(packet.proto), str(port if packet.has_ports else number)))
        elif part == "iface":
            rest.append(("dev", sight.entered if side == "src" else sight.leaves))
    if len(sides) < len(parts):
        return None
    return _best(_index(found.type, found.members), addresses, tuple(rest))


# Prefix lengths that occur, members by key, and whether every member was understood.
_Index = tuple[list[tuple[int, ...]], dict[tuple[object, ...], bool], bool]


def _best(index: _Index, addresses: list[IP], rest: tuple[tuple[str, str], ...]) -> Answer:
    lengths, entries, understood = index
    for wanted in lengths:
        if len(wanted) != len(addresses):
            continue
        key = tuple((a.version, int(a) >> (a.max_prefixlen - n), n) for a, n in zip(addresses, wanted, strict=True))
        if any(n > a.max_prefixlen for a, n in zip(addresses, wanted, strict=True)):
            continue
        hit = entries.get((*key, *rest))
        if hit is not None:
            return hit
    return False if understood else None


@lru_cache(maxsize=4096)
def _index(kind: str, members: tuple[str, ...]) -> _Index:
    """Members by prefix lengths (longest first) and key, false for a `nomatch` member."""
    parts = kind.partition(":")[2].split(",")
    entries: dict[tuple[object, ...], bool] = {}
    lengths: set[tuple[int, ...]] = set()
    understood = True
    for text in members:
        body, *options = text.split()
        keys = _keys(parts, body.split(","))
        understood = understood and bool(keys)
        for key, length in keys:
            entries[key] = "nomatch" not in options
            lengths.add(length)
    return sorted(lengths, reverse=True), entries, understood


def _keys(parts: list[str], words: list[str]) -> list[tuple[tuple[object, ...], tuple[int, ...]]]:
    keys: list[tuple[tuple[object, ...], tuple[int, ...]]] = [((), ())]
    for part, word in zip(parts, words, strict=False):
        grown: list[tuple[tuple[object, ...], tuple[int, ...]]] = []
        for value, length in _values(part, word):
            for key, lengths in keys:
                tail = tuple(item for item in key if isinstance(item, tuple) and len(item) == 2)
                head = key[: len(key) - len(tail)]
                if length is None:
                    grown.append(((*key, value), lengths))
                else:
                    grown.append(((*head, value, *tail), (*lengths, length)))
        keys = grown
    return keys


def _values(part: str, word: str) -> list[tuple[object, int | None]]:
    if part == "port":
        proto, colon, port = word.rpartition(":")
        number = protocol_number(proto)
        if colon and number is None:
            return []
        if number in (1, 58):
            message = type_and_code(port, 4 if number == 1 else 6)
            return [((str(number), str(message[0] << 8 | message[1])), None)] if message is not None else []
        numbers = [str(number)] if colon else ["6", "17"]
        low, _, high = port.partition("-")
        if not low.isdigit():
            return []
        ports = range(int(low), int(high if high.isdigit() else low) + 1)
        return [((n, str(p)), None) for n in numbers for p in ports]
    if part == "iface":
        return [(("dev", word.removeprefix("physdev:")), None)]
    low, dash, high = word.partition("-")
    start, end = ip(low), ip(high)
    if dash and start is not None and end is not None:
        if not isinstance(start, IPV4) or not isinstance(end, IPV4):
            return []
        networks = ipaddress.summarize_address_range(start, end)
        return [((4, int(n.network_address) >> (32 - n.prefixlen), n.prefixlen), n.prefixlen) for n in networks]
    network = cidr(word)
    if network is None:
        return []
    length = network.prefixlen
    return [((network.version, int(network.network_address) >> (network.max_prefixlen - length), length), length)]
