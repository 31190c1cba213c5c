"""/proc/net/route: the IPv4 main table, in hexadecimal."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from analyzer.facts.address import cidr
from analyzer.facts.fact import Parsed
from analyzer.facts.routing import Route
from analyzer.facts.source import Place
from analyzer.readers.node_text import NodeText

ARTIFACT = "proc-net-route"
COMMAND = "cat /proc/net/route"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/net/route",)
BEGINS = (r"^Iface\s+Destination\s+Gateway\s+Flags",)
RANK = 35

ROUTE = re.compile(
    r"(\S+)\t([0-9A-F]{8})\t([0-9A-F]{8})\t([0-9A-F]{4})\t\d+\t\d+\t(\d{1,10})\t([0-9A-F]{8})\t(\d{1,10})\t"
)
GATEWAY, REJECT = 0x2, 0x200


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Route facts of table main."""
    text = NodeText(data, path, place, first_line)
    for number, line in text.lines:
        found = ROUTE.match(line)
        if found is None:
            if line.strip() and not line.startswith("Iface"):
                text.gap(number, "a route of /proc/net/route", line)
            continue
        destination = cidr(f"{_address(found[2])}/{_address(found[6])}")
        flags = int(found[4], 16)
        if destination is None:
            text.gap(number, "a network mask", line)
            continue
        text.add(
            Route,
            number,
            destination=destination,
            via=_address(found[3]) if flags & GATEWAY else None,
            dev=None if found[1] == "*" else found[1],
            metric=int(found[5]),
            mtu=int(found[7]) or None,
            # A route without a device that refuses nobody drops in silence.
            type="unreachable" if flags & REJECT else "blackhole" if found[1] == "*" else "unicast",
        )
    text.cover(Route, table="main")
    return text.done()


def _address(word: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(word), "little"))
