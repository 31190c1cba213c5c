"""A packet on its way: its headers, and what the kernel carries along with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analyzer.facts.address import IP

if TYPE_CHECKING:
    from analyzer.packet.tracking import Attached

NUMBERS = {"icmp": 1, "igmp": 2, "ipip": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51}
NUMBERS |= {"icmpv6": 58, "ipv6-icmp": 58, "icmp6": 58, "sctp": 132, "udplite": 136, "ipencap": 4, "dccp": 33}
WITH_PORTS = (6, 17, 33, 132, 136)


def protocol_number(name: str) -> int | None:
    """The number of an IP protocol given by name or number; None if the name is not known."""
    return int(name) if name.isdigit() else NUMBERS.get(name.lower())


@dataclass(slots=True)
class Packet:
    """One packet. `sport`/`dport` None: no ports, or a port picked at random.

    `tracked` is the connection that this namespace attached; `untracked` is true after NOTRACK; `zone` is what a CT
    target chose. `physin`/`physout` are the bridge ports while a bridge shows the packet to iptables. `own` is true
    while the packet belongs to a socket of the namespace it is in. `drawn` are the ports that NAT picked a port of None
    from, None if that is not known. `fragment` is the length of the longest fragment,
    once it was fragmented.
    """

    src: IP
    dst: IP
    proto: int
    sport: int | None = None
    dport: int | None = None
    flags: frozenset[str] = frozenset()
    icmp: tuple[int, int] | None = None
    mark: int = 0
    ttl: int = 64
    size: int | None = None
    fragment: int | None = None
    df: bool = True
    uid: int | None = None
    src_mac: str | None = None
    own: bool = False
    tracked: Attached | None = None
    untracked: bool = False
    zone: int | str = 0
    physin: str | None = None
    physout: str | None = None
    bridged: bool = False
    inner: Packet | None = None
    vni: int | None = None
    inner_mac: str | None = None
    drawn: range | None = None

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.src.version

    @property
    def has_ports(self) -> bool:
        """Whether the protocol has ports."""
        return self.proto in WITH_PORTS

    def crossed(self) -> Packet:
        """The packet as another namespace gets it: marks, tracking and bridge ports stay behind."""
        return replace(
            self, mark=0, tracked=None, untracked=False, zone=0, physin=None, physout=None, bridged=False, own=False
        )

    def answer(self) -> Packet:
        """The reply that the receiver sends: SYN-ACK, datagram or echo reply."""
        icmp = self.icmp
        if icmp:
            icmp = ({8: 0, 128: 129}.get(icmp[0], icmp[0]), 0)
        flags = frozenset({"SYN", "ACK"}) if self.flags == {"SYN"} else frozenset({"ACK"}) if self.flags else self.flags
        return Packet(
            src=self.dst,
            dst=self.src,
            proto=self.proto,
            sport=self.dport,
            dport=self.sport,
            flags=flags,
            icmp=icmp,
            # An echo reply is as long as the request, and Linux lets it be fragmented.
            size=self.size if self.icmp else None,
            df=self.df and not self.icmp,
            own=True,
            uid=None,
            drawn=self.drawn,
        )

    def __str__(self) -> str:
        name = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6", 4: "ipip"}.get(self.proto, str(self.proto))
        return f"{name} {_end(self.src, self.sport)} -> {_end(self.dst, self.dport)}"


def _end(address: IP, port: int | None) -> str:
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
