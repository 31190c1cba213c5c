"""The matches that look at ports, at the flags of TCP, and at what ICMP has instead."""

from __future__ import annotations

from analyzer.facts.firewall import Match, Option
from analyzer.packet.icmp import ICMP6_NAMES, ICMP_NAMES
from analyzer.packet.sight import Answer, Sight, every, first, in_ranges, number, words


def ports(match: Match, sight: Sight) -> Answer:
    """`-m tcp`, `-m udp` and their like."""
    packet = sight.packet

    def decide(option: Option) -> Answer:
        match option.name:
            case "--sport" | "--source-port":
                return in_ranges(packet.sport, [first(option)], packet.drawn)
            case "--dport" | "--destination-port":
                return in_ranges(packet.dport, [first(option)], packet.drawn)
            case "--syn":
                return packet.flags & {"SYN", "ACK", "RST", "FIN"} == {"SYN"}
            case "--tcp-flags" if len(option.values) >= 2:
                mask, wanted = _flags(option.values[0]), _flags(option.values[1])
                return packet.flags & mask == wanted
        return None

    if not packet.has_ports:
        return False
    return every(match, decide)


def _flags(text: str) -> set[str]:
    names = {word.upper() for word in text.split(",")}
    if "ALL" in names:
        return {"FIN", "SYN", "RST", "PSH", "ACK", "URG"}
    return names - {"NONE"}


def multiport(match: Match, sight: Sight) -> Answer:
    """`-m multiport`."""
    packet = sight.packet
    if not packet.has_ports:
        return False

    def decide(option: Option) -> Answer:
        listed = words(option)
        match option.name:
            case "--dports" | "--destination-ports":
                return in_ranges(packet.dport, listed, packet.drawn)
            case "--sports" | "--source-ports":
                return in_ranges(packet.sport, listed, packet.drawn)
            case "--ports":
                one = in_ranges(packet.sport, listed, packet.drawn)
                other = in_ranges(packet.dport, listed, packet.drawn)
                return True if one or other else None if None in (one, other) else False
        return None

    return every(match, decide)


def icmp(match: Match, sight: Sight) -> Answer:
    """`-m icmp` and `-m icmp6`."""
    icmp = sight.packet.icmp
    names = ICMP_NAMES if match.module == "icmp" else ICMP6_NAMES

    def decide(option: Option) -> Answer:
        text = names.get(first(option).lower(), first(option))
        if text in ("any", "255"):
            return True
        if icmp is None:
            return False
        kind, _, code = text.partition("/")
        if number(kind) is None:
            return None
        return icmp[0] == number(kind) and (not code or icmp[1] == number(code))

    return every(match, decide)
