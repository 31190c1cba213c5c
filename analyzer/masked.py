"""Addresses that were hidden or replaced before a bundle was sent: nothing follows from what they were part of."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import msgspec

from analyzer.facts.fact import Coverage, Fact, Parsed

HIDDEN = "addresses are masked ({})"
REPLACED = "addresses were replaced by others"
# troubleshoot.sh, log collectors of vendors, Rancher's words, and what people put there by hand
_MASK = re.compile(
    rb"\*{3}HIDDEN\*{3}|\*{3}TOKEN_[A-Z]+_\w+?\*{3}|\bx-ipv[46]-\d+-x\b|\bx{1,3}(?:\.x{1,3}){3}\b"
    rb"|(?<![\w.])10\.[a-z]{2,}\.[a-z]{2,}\.[a-z]\w+(?![\w.])"
)
# A mask holds one of these, and most files none: looking for them costs a hundredth of looking for masks
_HINTS = (b"***", b"x-ipv", b"x.x")
_WORDS = re.compile(rb"10\.[a-z]{2}")
# sos clean makes up hardware addresses that spell SOS, and domains that say so
_REPLACED = re.compile(rb"\b53:4f:53:[0-9a-f]{2}:|\bobfuscateddomain\d")
# Facts that are little more than addresses; what else a masked artifact says (names, labels, states) stays
ADDRESSES = frozenset({
    "Chain", "Connection", "Endpoint", "EndpointList", "FdbEntry", "FlannelSubnet", "Interface", "InterfaceAddress",
    "Ipset", "Listener", "Neighbour", "NetworkPolicy", "NftObject", "Resolver", "Route", "RoutingRule", "Rule",
    "VirtualServer",
})  # fmt: skip
IP_TYPES = (IPv4Address, IPv6Address, IPv4Network, IPv6Network)
# Facts that stay, though some of their fields are gone: that nothing is wrong with them cannot be told
IN_PART = frozenset({"LogLine", "LogWindow", "Node", "Pod", "Service"})


def mask_in(data: bytes) -> str:
    """Why addresses in these bytes are none, or ""."""
    if not any(hint in data for hint in _HINTS) and not _WORDS.search(data):
        return ""
    found = _MASK.search(data)
    return HIDDEN.format(found[0].decode("ascii", "replace")) if found else ""


def were_replaced(data: bytes) -> bool:
    """Whether these bytes bear the marks of sos clean."""
    return bool(_REPLACED.search(data))


def without_addresses(parsed: Parsed, why: str) -> Parsed:
    """The facts that need no address; the coverage of the others, and of what has addresses too, is a part only."""
    facts = tuple(_unmasked(fact) for fact in parsed.facts if type(fact).__name__ not in ADDRESSES)
    coverage = tuple(_partly(entry, why) for entry in parsed.coverage)
    return msgspec.structs.replace(parsed, facts=facts, coverage=coverage)


def _unmasked(fact: Fact) -> Fact:
    """The fact without addresses, and without annotations whose value is a mask: equal masks are no equal values."""
    changes: dict[str, object] = {}
    for field in msgspec.structs.fields(type(fact)):
        name, value = field.name, getattr(fact, field.name)
        several = value if isinstance(value, tuple) else (value,)
        if field.default is not msgspec.NODEFAULT and several and isinstance(several[0], IP_TYPES):
            changes[name] = field.default
        elif isinstance(value, dict) and any(mask_in(str(one).encode()) for one in value.values()):
            changes[name] = {key: one for key, one in value.items() if not mask_in(str(one).encode())}
    return msgspec.structs.replace(fact, **changes) if changes else fact


def _partly(entry: Coverage, why: str) -> Coverage:
    if entry.fact not in ADDRESSES and entry.fact not in IN_PART:
        return entry
    return msgspec.structs.replace(entry, complete=False, note=entry.note or why)
