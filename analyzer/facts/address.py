"""Addresses and networks, made once per distinct text: dumps repeat the same few thousand of them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
CIDR = ipaddress.IPv4Network | ipaddress.IPv6Network

# The standard library works the hash out anew each time, and facts are joined by hash hundreds of thousands of times.
# These know theirs. They equal the plain ones, and are pickled as texts so that each process has one of each.


class IPv4Address(ipaddress.IPv4Address):
    """An IPv4 address that knows its hash."""

    __slots__ = ("_hash",)
    _ip: int

    def __init__(self, address: object) -> None:
        super().__init__(address)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return ip, (str(self),)


class IPv6Address(ipaddress.IPv6Address):
    """An IPv6 address that knows its hash."""

    __slots__ = ("_hash",)

    def __init__(self, address: object) -> None:
        super().__init__(address)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return ip, (str(self),)


class IPv4Network(ipaddress.IPv4Network):
    """An IPv4 network that knows its hash."""

    def __init__(self, address: object, strict: bool = True) -> None:
        super().__init__(address, strict)
        self.network_address = _ipv4(int(self.network_address))
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return cidr, (str(self),)


class IPv6Network(ipaddress.IPv6Network):
    """An IPv6 network that knows its hash."""

    def __init__(self, address: object, strict: bool = True) -> None:
        super().__init__(address, strict)
        self.network_address = IPv6Address(int(self.network_address))
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        return cidr, (str(self),)


# What an IPv4 address consists of; as in the standard library no other spelling of a number is one.
_OCTETS = {str(number): number for number in range(256)}


@lru_cache(maxsize=65536)
def ip(text: str) -> IP | None:
    """The address that `text` spells (a zone such as %eth0 is dropped), or None: masked addresses stay unknown."""
    bare = text.split("%", 1)[0]
    if ":" not in bare:
        parts = bare.split(".")
        try:
            a, b, c, d = map(_OCTETS.__getitem__, parts)
        except (KeyError, ValueError):
            return None
        return _ipv4(a << 24 | b << 16 | c << 8 | d)
    try:
        return IPv6Address(bare)
    except ValueError:
        return None


def _ipv4(number: int) -> IPv4Address:
    """The address with this number, which is known to fit: the standard library's constructor asks again."""
    made = IPv4Address.__new__(IPv4Address)
    made._ip = number
    made._hash = ipaddress.IPv4Address.__hash__(made)
    return made


@lru_cache(maxsize=65536)
def cidr(text: str) -> CIDR | None:
    """The network that `text` spells, host bits dropped; an address is its own /32 or /128; None if it is neither."""
    try:
        return IPv6Network(text, strict=False) if ":" in text else IPv4Network(text, strict=False)
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
