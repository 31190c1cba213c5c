"""Source address selection of IPv6 (RFC 6724), with the rules that dumps can tell, in the order of Linux."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from analyzer.facts.address import IP
from analyzer.facts.routing import InterfaceAddress

# The default policy table: longest prefix first.
LABELS = tuple(
    (ipaddress.IPv6Network(prefix), label)
    for prefix, label in (
        ("::1/128", 0), ("::/96", 3), ("::ffff:0:0/96", 4), ("2001:10::/28", 7), ("2001::/32", 6), ("2002::/16", 2),
        ("3ffe::/16", 12), ("fec0::/10", 11), ("fc00::/7", 5), ("::/0", 1),
    )
)  # fmt: skip


def select(addresses: Iterable[InterfaceAddress], dev: str | None, dst: IP) -> IP | None:
    """The address that Linux takes as source for `dst` by interface `dev`; all addresses of the namespace compete."""
    best: tuple[tuple[int, ...], IP] | None = None
    for item in addresses:
        if item.ip.version != 6 or item.ip.is_loopback or (dst.is_link_local and item.dev != dev):
            continue
        score = _score(item, dev, dst)
        if best is None or score > best[0]:
            best = score, item.ip
    return best[1] if best is not None else None


def _score(item: InterfaceAddress, dev: str | None, dst: IP) -> tuple[int, ...]:
    scope, wanted = _scope(item.ip), _scope(dst)
    length = item.network.prefixlen if item.network is not None else 128
    return (
        item.ip == dst,
        -scope if scope >= wanted else scope - 128,
        item.dev == dev,
        _label(item.ip) == _label(dst),
        min(128 - (int(item.ip) ^ int(dst)).bit_length(), length),
    )


def _scope(address: IP) -> int:
    return 2 if address.is_link_local or address.is_loopback else 14


def _label(address: IP) -> int:
    return next(label for prefix, label in LABELS if address in prefix)
