"""What the selectors of native nftables read from a packet: headers, interfaces, marks, tracking, the routing table."""

from __future__ import annotations

from typing import Protocol

from analyzer.packet.header import Packet
from analyzer.packet.nft_words import Value
from analyzer.packet.sight import Sight, source_is_plausible

ICMP = {8: "echo-request", 0: "echo-reply", 128: "echo-request", 129: "echo-reply", 3: "destination-unreachable"}
ICMP |= {11: "time-exceeded", 13: "timestamp-request", 14: "timestamp-reply"}
ICMP6 = {128: "echo-request", 129: "echo-reply", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert"}
ICMP6 |= {133: "nd-router-solicit", 134: "nd-router-advert", 1: "destination-unreachable", 2: "packet-too-big"}


class Stuck(Exception):
    """A word that is not understood."""


class Words(Protocol):
    """The words of a rule, one after the other."""

    def peek(self) -> str:
        """The word that comes next, "" at the end."""

    def take(self) -> str:
        """The word that comes next; it is done with."""


def select(group: str, name: str, words: Words, sight: Sight) -> Value | None:
    """The value of the selector `group name`; None if the packet has none. Raises Stuck."""
    packet = sight.packet
    match group, name:
        case ("ip" | "ip6", _):
            return _address(group, name, packet)
        case ("meta", "l4proto"):
            return packet.proto
        case ("tcp", "flags"):
            return frozenset(flag.lower() for flag in packet.flags) if packet.proto == 6 else None
        case ("tcp" | "udp" | "sctp" | "th", "dport" | "sport"):
            return _port(packet, group, name)
        case ("meta", "mark"):
            return packet.mark
        case ("meta", "nfproto"):
            return "ipv4" if packet.family == 4 else "ipv6"
        case ("meta", "iifname" | "iif"):
            return sight.entered
        case ("meta", "oifname" | "oif"):
            return sight.leaves
        case ("meta", "length") if packet.size is not None:
            return packet.size
        case ("ct", _):
            return _tracked(name, words, sight)
        case ("icmp" | "icmpv6", "type"):
            if packet.icmp is None or (packet.proto == 1) != (group == "icmp"):
                return None
            return (ICMP if group == "icmp" else ICMP6).get(packet.icmp[0], str(packet.icmp[0]))
        case ("icmp" | "icmpv6", "code"):
            return packet.icmp[1] if packet.icmp is not None else None
        case ("fib", "daddr" | "saddr"):
            return _looked_up(name, words, sight)
    raise Stuck


def _address(group: str, name: str, packet: Packet) -> Value | None:
    if packet.family != (4 if group == "ip" else 6):
        return None
    match name:
        case "saddr":
            return packet.src
        case "daddr":
            return packet.dst
        case "protocol" | "nexthdr":
            return packet.proto
        case "ttl" | "hoplimit":
            return packet.ttl
        case "length" if packet.size is not None:
            return packet.size
    raise Stuck


def _port(packet: Packet, group: str, name: str) -> int | None:
    if group != "th" and packet.proto != {"tcp": 6, "udp": 17, "sctp": 132}[group]:
        return None
    if not packet.has_ports:
        return None
    port = packet.dport if name == "dport" else packet.sport
    if port is None:
        raise Stuck
    return port


def _tracked(name: str, words: Words, sight: Sight) -> Value | None:
    """What connection tracking knows; a packet that is not tracked has nothing but a state."""
    if name == "state":
        return sight.state.lower()
    tracked = None if sight.packet.untracked else sight.packet.tracked
    held = tracked.connection if tracked is not None else None
    if name in ("original", "reply"):
        if words.peek() in ("ip", "ip6"):
            words.take()
        field = words.take()
        at = {"saddr": 1, "proto-src": 2, "daddr": 3, "proto-dst": 4, "protocol": 0}.get(field)
        if at is None:
            raise Stuck
        return None if held is None else (held.original if name == "original" else held.reply)[at]
    if name not in ("status", "direction", "mark"):
        raise Stuck
    if held is None or tracked is None:
        return None
    if name == "status":
        return ("dnat," if held.dnat else "") + ("snat," if held.snat else "") + ","
    return held.mark if name == "mark" else "reply" if tracked.reply else "original"


def _looked_up(name: str, words: Words, sight: Sight) -> Value | None:
    """`fib daddr type`, and `fib saddr . iif oif`, which is how nft says rpfilter."""
    address = sight.packet.dst if name == "daddr" else sight.packet.src
    if words.peek() == "type":
        words.take()
        if not sight.stack.knows_addresses:
            raise Stuck
        return sight.routing.kind(address)
    asked = [words.take()]
    while asked[-1] in (".", "mark", "iif") and words.peek() in (".", "iif", "oif", "mark", "oifname"):
        asked.append(words.take())
    if name != "saddr" or asked not in ([".", "iif", "oif"], [".", "mark", ".", "iif", "oif"]):
        raise Stuck
    plausible = source_is_plausible(sight, mark="mark" in asked)
    if plausible is None:
        raise Stuck
    return "exists" if plausible else "missing"
