"""Addresses and networks, made once per distinct text: dumps repeat the same few thousand of them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
CIDR = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=65536)
def ip(text: str) -> IP | None:
    """The address that `text` spells (a zone such as %eth0 is dropped), or None: masked addresses stay unknown."""
    try:
        return ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def cidr(text: str) -> CIDR | None:
    """The network that `text` spells, host bits dropped; an address is its own /32 or /128; None if it is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def contains(outer: CIDR, inner: IP | CIDR) -> bool:
    """Whether `inner` lies wholly inside `outer`; never across address families."""
    if isinstance(inner, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return inner in outer
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def overlaps(one: CIDR, other: CIDR) -> bool:
    """Whether two networks share an address."""
    return contains(one, other) or contains(other, one)
