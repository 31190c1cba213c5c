"""Connection tracking: states, the tuples of both directions, and what NAT did to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.facts.address import IP
from analyzer.packet.header import Packet

Tuple = tuple[int, IP, int | None, IP, int | None]

MATCHES = {"conntrack", "state", "connmark", "connbytes", "connlabel", "connlimit", "helper", "cluster", "ipvs"}
TARGETS = {"SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "CONNMARK", "CONNSECMARK", "SYNPROXY", "CT", "SAME"}
VALID_FLAGS = [{"SYN"}, {"SYN", "ACK"}, {"RST"}, {"RST", "ACK"}, {"FIN", "ACK"}, {"ACK"}]
ERRORS = {1: (3, 4, 5, 11, 12), 58: (1, 2, 3, 4)}
ASKING = {1: (8, 13, 15, 17), 58: (128, 139)}


@dataclass(slots=True, eq=False)
class Connection:
    """One tracked connection of one namespace."""

    original: Tuple
    reply: Tuple
    zone: int | str = 0
    mark: int = 0
    snat: bool = False
    dnat: bool = False
    source_done: bool = False
    destination_done: bool = False
    seen_reply: bool = False
    confirmed: bool = False
    reply_zone: int | str = 0
    drawn: range | None = None  # what a port of None in `reply` was picked from


@dataclass(slots=True)
class Attached:
    """A connection as one packet belongs to it; `connection` None: the packet is invalid."""

    connection: Connection | None
    reply: bool = False
    state: str = "NEW"


@dataclass(slots=True)
class Tracker:
    """The connections of one namespace."""

    connections: list[Connection] = field(default_factory=list)

    def find(self, packet: Packet) -> Attached | None:
        """The connection that a packet belongs to, if it is known."""
        wanted = tuple_of(packet)
        for connection in self.connections:
            if connection.zone == packet.zone and _same(connection.original, wanted):
                state = "ESTABLISHED" if connection.seen_reply else "NEW"
                return Attached(connection, False, state)
            if connection.reply_zone == packet.zone and _same(connection.reply, wanted):
                return Attached(connection, True, "ESTABLISHED")
        return None

    def attach(self, packet: Packet) -> Attached:
        """What conntrack makes of a packet: a known connection, a new one, or an invalid packet."""
        known = self.find(packet)
        if known is not None:
            if known.reply and known.connection is not None:
                known.connection.seen_reply = True
            return known
        if not opens(packet):
            return Attached(None, state="INVALID")
        wanted = tuple_of(packet)
        connection = Connection(wanted, reversed_tuple(wanted), zone=packet.zone, reply_zone=packet.zone)
        return Attached(connection, False, "NEW")

    def confirm(self, packet: Packet) -> None:
        """The end of the way through the namespace: a new connection becomes known."""
        attached = packet.tracked
        if attached is not None and attached.connection is not None and not attached.connection.confirmed:
            attached.connection.confirmed = True
            self.connections.append(attached.connection)


def opens(packet: Packet) -> bool:
    """Whether a packet that belongs to no connection starts one (else it is invalid)."""
    if packet.proto == 6:
        flags = packet.flags - {"PSH", "ECE", "CWR", "URG"}
        return flags in ({"SYN"}, {"ACK"})
    if packet.proto in ASKING and packet.icmp is not None:
        return packet.icmp[0] in ASKING[packet.proto]
    return True


def tuple_of(packet: Packet) -> Tuple:
    """What identifies the direction of a connection that a packet belongs to."""
    if packet.icmp is not None:
        kind = {0: 8, 129: 128, 14: 13}.get(packet.icmp[0], packet.icmp[0])
        return packet.proto, packet.src, kind, packet.dst, kind
    return packet.proto, packet.src, packet.sport, packet.dst, packet.dport


def reversed_tuple(one: Tuple) -> Tuple:
    """The tuple of the other direction."""
    return one[0], one[3], one[4], one[1], one[2]


def _same(one: Tuple, other: Tuple) -> bool:
    return one == other
