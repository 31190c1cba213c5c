"""Values of JSON objects by type, and links as `ip -j` tells them, with the fields that the text form gives too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analyzer.facts.address import cidr, ip

# Bytes that a tunnel adds to each packet, over IPv4.
OVERHEAD = {"vxlan": 50, "geneve": 50, "ipip": 20, "sit": 20, "gre": 24, "wireguard": 60}
Object = dict[str, Any]


def word(said: Object, name: str) -> str | None:
    """A string; None if it is not there. ValueError if it is something else, as in all of these."""
    found: str | None = _typed(said, name, str)
    return found


def count(said: Object, name: str) -> int | None:
    """A whole number."""
    return None if isinstance(said.get(name), bool) else _typed(said, name, int)


def truth(said: Object, name: str) -> bool | None:
    """true or false, or 1 or 0."""
    value = _typed(said, name, int)
    return None if value is None else bool(value)


def inner(said: Object, name: str) -> Object:
    """An object; an empty one if it is not there."""
    return _typed(said, name, dict) or {}


def words(said: Object, name: str) -> list[str]:
    """A list of strings."""
    return [str(item) for item in _typed(said, name, list) or ()]


def objects(said: Object, name: str) -> list[Object]:
    """A list of objects."""
    found = _typed(said, name, list) or []
    if not all(isinstance(item, dict) for item in found):
        raise ValueError(f"objects in {name}")
    return found


def needed(said: Object, name: str) -> str:
    """A string that must be there."""
    found = word(said, name)
    if not found:
        raise ValueError(name)
    return found


def _typed(said: Object, name: str, kind: type[Any]) -> Any:
    value = said.get(name)
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{name} as {kind.__name__}")
    return value


def interface(said: Object) -> Object:
    """The fields of an Interface; kind, tunnel and bridge settings are told with -d only."""
    info = inner(said, "linkinfo")
    data = inner(info, "info_data")
    link = word(said, "link_type")
    kind = word(info, "info_kind") or ("loopback" if link == "loopback" else None)
    if kind is None and link == "ether" and "promiscuity" in said:
        kind = "physical"
    flags = words(said, "flags")
    shown = {
        "name": needed(said, "ifname"),
        "index": count(said, "ifindex"),
        "peer_index": count(said, "link_index") if "link" not in said else None,
        "parent": word(said, "link"),
        "kind": kind,
        "mtu": count(said, "mtu"),
        "state": word(said, "operstate"),
        "mac": word(said, "address") if link in ("ether", "loopback", "infiniband") else None,
        "master": word(said, "master"),
    }
    if "flags" in said:
        promiscuous = "PROMISC" in flags or (count(said, "promiscuity") or 0) > 0
        shown |= {"up": "UP" in flags, "lower_up": "LOWER_UP" in flags, "promiscuous": promiscuous}
    if kind in OVERHEAD:
        shown |= _tunnel(kind, data)
    if kind == "bridge":
        shown |= {name: truth(data, name) for name in ("nf_call_iptables", "vlan_filtering")}
    return shown


def _tunnel(kind: str, data: Object) -> Object:
    overlay = kind in ("vxlan", "geneve")
    ends = {name: word(data, name) or "" for name in ("local", "local6", "remote", "remote6", "group", "group6")}
    six = overlay and any(":" in end for end in ends.values())
    return {
        "vni": count(data, "id") if overlay else None,
        "tunnel_local": ip(ends["local"] or ends["local6"]),
        "tunnel_remote": ip(ends["remote"] or ends["remote6"]),
        "tunnel_dev": word(data, "link"),
        "tunnel_port": count(data, "port") if overlay else None,
        "overhead": OVERHEAD[kind] + 20 * six,
    }


def port(said: Object, name: str, bridge: str | None) -> Object:
    """The fields of a BridgePort."""
    return {
        "dev": name,
        "bridge": bridge,
        "hairpin": truth(said, "hairpin"),
        "isolated": truth(said, "isolated"),
        "state": word(said, "state"),
    }


def addresses(said: Object) -> Iterator[Object]:
    """The fields of each InterfaceAddress; one that is not IPv4 or IPv6 has no `local`."""
    for one in objects(said, "addr_info"):
        address = ip(word(one, "local") or "")
        if address is not None:
            yield {
                "dev": needed(said, "ifname"),
                "ip": address,
                "network": cidr(f"{word(one, 'address') or address}/{count(one, 'prefixlen')}"),
                "scope": word(one, "scope"),
                "secondary": truth(one, "secondary"),
            }
