"""Address translation: what SNAT, DNAT, MASQUERADE, REDIRECT and NETMAP make of a connection."""

from __future__ import annotations

import ipaddress

from analyzer.facts.address import IP, cidr, ip
from analyzer.facts.firewall import Rule
from analyzer.packet.header import Packet
from analyzer.packet.run import Run
from analyzer.packet.sight import Sight
from analyzer.packet.tracking import Connection, reversed_tuple
from analyzer.packet.verdict import At, Fate, unknown

SOURCE_HOOKS = ("INPUT", "POSTROUTING")


def options_of(rule: Rule) -> dict[str, str]:
    """The options of a target by name, with their first value."""
    return {option.name: option.values[0] if option.values else "" for option in rule.target_options}


def bind(run: Run, rule: Rule, sight: Sight, at: At) -> str:
    """Sets up the translation that a rule orders; returns what it did in words."""
    tracked = sight.packet.tracked
    if tracked is None or tracked.connection is None:
        return ""
    connection, options = tracked.connection, options_of(rule)
    failed = Fate("dropped", At(at.node, at.table, at.chain, "nat-failed"), why="no address to translate to")
    shuffled = any(name.startswith("--random") for name in options)
    ports = options.get("--to-ports") or options.get("--to-source") or options.get("--to-destination") or ""
    draw(connection, ports, shuffled)
    match rule.target:
        case "MASQUERADE":
            hop = sight.routing.look_up(
                sight.packet.dst, src=None, mark=sight.packet.mark, oif=sight.leaves or None, packet=sight.packet
            )
            via = hop.hops[0][0] if hop.hops else None
            if not sight.stack.addresses:
                raise unknown(f"ip addr of {sight.stack.name}", sight.stack.name)
            address = sight.routing.pick_address(sight.leaves, via, sight.packet.dst)
            if address is None:
                raise failed
            return source_to(connection, address, _port(options.get("--to-ports"), sight.packet.sport, shuffled))
        case "SNAT":
            address, port = _target(run, options.get("--to-source", ""), sight.packet.src)
            if address is None:
                raise unknown(f"SNAT to {options.get('--to-source')!r}", sight.stack.name)
            return source_to(connection, address, _port(port, sight.packet.sport, shuffled))
        case "DNAT":
            address, port = _target(run, options.get("--to-destination", ""), sight.packet.dst)
            if address is None:
                raise unknown(f"DNAT to {options.get('--to-destination')!r}", sight.stack.name)
            return destination_to(connection, address, _port(port, sight.packet.dport, shuffled and bool(port)))
        case "REDIRECT":
            if sight.hook == "OUTPUT":
                local = ip("127.0.0.1" if sight.packet.family == 4 else "::1")
            else:
                family = sight.packet.family
                own = [a.ip for a in sight.stack.addresses if a.dev == sight.entered and a.ip.version == family]
                local = own[0] if own else None
            if local is None:
                raise failed
            return destination_to(connection, local, _port(options.get("--to-ports"), sight.packet.dport, False))
        case _:
            network = cidr(options.get("--to", ""))
            if network is None:
                raise unknown(f"{rule.target} to {options.get('--to')!r}", sight.stack.name)
            source = sight.hook in SOURCE_HOOKS
            old = int(sight.packet.src if source else sight.packet.dst)
            mapped: IP = ipaddress.ip_address(int(network.network_address) | (old & int(network.hostmask)))
            if source:
                return source_to(connection, mapped, sight.packet.sport)
            return destination_to(connection, mapped, sight.packet.dport)


def _target(run: Run, text: str, old: IP) -> tuple[IP | None, str | None]:
    """Address and port range of "10.0.0.1-10.0.0.3:80-90" or "[fd00::1]:80"; several addresses: one at random."""
    if text.startswith("["):
        inside, _, port = text[1:].partition("]")
        addresses, port = inside, port.lstrip(":")
    elif old.version == 6:
        addresses, port = text, ""
    else:
        addresses, _, port = text.partition(":")
    if not addresses:
        return old, port or None
    low, _, high = addresses.partition("-")
    start, end = ip(low), ip(high or low)
    if start is None or end is None or not 0 <= int(end) - int(start) < 64:
        return None, None
    count = int(end) - int(start) + 1
    picked = run.oracle.pick([1 / count] * count, f"one address of {addresses}")
    return ipaddress.ip_address(int(start) + picked), port or None


def _port(wanted: str | None, old: int | None, shuffled: bool) -> int | None:
    """The port after translation; None if the kernel picks one."""
    if wanted is None:
        return None if shuffled else old
    low, _, high = wanted.partition("/")[0].partition("-")
    if not low.isdigit() or (high and not high.isdigit()):
        return None
    if not high or low == high:
        return int(low)
    return old if old is not None and int(low) <= old <= int(high) and not shuffled else None


def draw(connection: Connection, text: str, shuffled: bool) -> None:
    """Keeps which ports the kernel picks from: "10.0.0.1:80-90" or "80-90", else those of the old one's rank."""
    low, dash, high = text.rpartition(":")[2].partition("/")[0].partition("-")
    ranged = bool(dash) and low.isdigit() and high.isdigit()
    if not shuffled and not ranged:
        return
    old = connection.original[2]
    if connection.drawn is not None or None in (old, connection.original[4]):
        connection.drawn = None  # which of two open ports was picked from what is not kept
    elif ranged:
        connection.drawn = range(int(low), int(high) + 1) or None
    elif old is not None and old < 1024:
        connection.drawn = range(1, 512) if old < 512 else range(600, 1024)
    else:
        connection.drawn = range(1024, 65536)


def source_to(connection: Connection, address: IP, port: int | None) -> str:
    """Binds a source translation; returns it in words."""
    proto, src, sport, dst, dport = connection.reply
    if connection.original[0] in (1, 58):
        port = dport
    connection.reply = (proto, src, sport, address, port)
    connection.snat = connection.reply[3:5] != (dst, dport)
    connection.source_done = True
    return f"SNAT to {address}" + (f":{port}" if port is not None and port != dport else "")


def destination_to(connection: Connection, address: IP, port: int | None) -> str:
    """Binds a destination translation; returns it in words."""
    proto, src, sport, dst, dport = connection.reply
    if connection.original[0] in (1, 58):
        port = sport
    connection.reply = (proto, address, port, dst, dport)
    connection.dnat = connection.reply[1:3] != (src, sport)
    connection.destination_done = True
    return f"DNAT to {address}" + (f":{port}" if port is not None and connection.original[0] not in (1, 58) else "")


def translate(packet: Packet, source: bool) -> None:
    """Applies the translation of the packet's connection to one side of the packet."""
    tracked = packet.tracked
    if tracked is None or tracked.connection is None:
        return
    connection = tracked.connection
    if not (connection.snat if source != tracked.reply else connection.dnat):
        return
    wanted = reversed_tuple(connection.original if tracked.reply else connection.reply)
    ports = packet.icmp is None
    if source:
        packet.src, packet.sport = wanted[1], wanted[2] if ports else packet.sport
    else:
        packet.dst, packet.dport = wanted[3], wanted[4] if ports else packet.dport
    if ports:
        packet.drawn = connection.drawn if (packet.sport is None) != (packet.dport is None) else None
