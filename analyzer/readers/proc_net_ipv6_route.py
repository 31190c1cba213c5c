"""/proc/net/ipv6_route: IPv6 routes, in hexadecimal."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from analyzer.facts.address import cidr
from analyzer.facts.fact import Parsed
from analyzer.facts.routing import Route
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "proc-net-ipv6-route"
COMMAND = "cat /proc/net/ipv6_route"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/net/ipv6_route",)
BEGINS = (r"^[0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} [0-9a-f]{2} [0-9a-f]{32} ",)
RANK = 35

ROUTE = re.compile(
    r"([0-9a-f]{32}) ([0-9a-f]{2}) [0-9a-f]{32} [0-9a-f]{2} ([0-9a-f]{32}) ([0-9a-f]{8}) [0-9a-f]{8} [0-9a-f]{8}"
    r" ([0-9a-f]{8}) +(\S+)$"
)
GATEWAY, REJECT, ANYCAST, LOCAL = 0x2, 0x200, 0x100000, 0x80000000


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Route facts of tables main and local; the file does not tell tables apart, the flags do."""
    text = NodeText(data, path, place, first_line)
    for number, line in text.lines:
        if not line.strip():
            continue
        found = ROUTE.match(line.rstrip())
        destination = cidr(f"{_address(found[1])}/{int(found[2], 16)}") if found else None
        if found is None or destination is None:
            text.gap(number, "a route of /proc/net/ipv6_route", line)
            continue
        flags = int(found[5], 16)
        local, anycast = bool(flags & LOCAL), bool(flags & ANYCAST)
        kind = "unreachable" if flags & REJECT else "anycast" if anycast else "local" if local else "unicast"
        if destination.network_address.is_multicast and kind == "unicast":
            kind = "multicast"
        text.add(
            Route,
            number,
            table="main" if kind in ("unicast", "unreachable") else "local",
            type=kind,
            destination=destination,
            via=_address(found[3]) if flags & GATEWAY else None,
            dev=found[6],
            metric=int(found[4], 16),
        )
    text.cover(Route, complete=False, note="only IPv6")
    return text.done()


def _address(word: str) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(int(word, 16))
