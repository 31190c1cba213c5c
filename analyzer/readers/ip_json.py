"""`ip -j` and `bridge -j`: links, addresses, routes, rules, neighbours, bridge ports and forwarding entries as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from analyzer.facts.address import cidr, ip
from analyzer.facts.fact import Fact, Parsed
from analyzer.facts.routing import BridgePort, FdbEntry, Interface, InterfaceAddress, Neighbour, Route, RoutingRule
from analyzer.facts.source import Place
from analyzer.readers.ip_json_link import Object, addresses, count, inner, interface, needed, objects, port, word, words
from analyzer.readers.kubectl_documents import documents
from analyzer.readers.node_text import NodeText
from analyzer.text import decode

ARTIFACT = "ip-json"
COMMAND = "ip -j -d addr; ip -j route show table all; ip -j rule; ip -j neigh"
PER: Literal["cluster", "namespace", "node"] = "node"
FILES = ("**/ip_-j*", "**/ip-j-*", "**/ip*_-j_*", "**/bridge_-j*", "**/bridge-j-*", "**/ip-*.json", "**/bridge-*.json")
BEGINS = (
    r'\A\s*\[\s*(\{\s*\},?\s*)*\{\s*"(ifindex|link_index|ifname|mac|dst|priority)"\s*:',
    r'\A\s*\[\s*\{\s*"type"\s*:\s*"\w+",\s*"dst"\s*:',
)
RANK = 62

OF_COMMAND: tuple[tuple[str, tuple[type[Fact], ...]], ...] = (
    (r"\ba(ddr(ess)?)?\b", (Interface, InterfaceAddress)),
    (r"\bro(ute)?\b", (Route,)),
    (r"\bru(le)?\b", (RoutingRule,)),
    (r"\bn(eigh(bou?r)?)?\b", (Neighbour,)),
    (r"\bfdb\b", (FdbEntry,)),
    (r"\bbridge\b.*\blink\b", (BridgePort,)),
    (r"\bl(ink)?\b", (Interface,)),
)


def read(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
    """Facts of every element of the array; coverage of what the command shows, or of what was found."""
    text = NodeText(data, path, place, first_line)
    plain = decode(data).encode("utf-8", "replace")
    said = re.sub(r"[_.-]+", " ", f"{command} {path.rsplit('/', 1)[-1]}")
    kinds: dict[type[Fact], None] = {}
    end = 0
    for document in documents(plain):
        _between(text, plain, end, document.start, first_line)
        end = document.end
        at, first = document.start, first_line + plain.count(b"\n", 0, document.start)
        for piece in document.pieces:
            first += plain.count(b"\n", at, piece.start)
            at = piece.start
            last = first + plain.count(b"\n", piece.start, piece.end)
            try:
                value = msgspec.json.decode(plain[piece.start : piece.end])
                found = list(_facts(value, " 6 " in f" {said} "))
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                for line in range(first, last + 1):
                    text.gap(line, f"an element of ip -j: {error}"[:200], "")
                continue
            for kind, values in found:
                text.add(kind, first, last, **values)
                kinds[kind] = None
        if document.broken:
            _between(text, plain, document.at, document.end, first_line, f"JSON: {document.broken}")
    _between(text, plain, end, len(plain), first_line)
    shown = next((kinds_ for pattern, kinds_ in OF_COMMAND if re.search(pattern, said)), ())
    six = "only IPv6" if " 6 " in f" {said} " and not {Interface, FdbEntry} & {*shown} else ""
    if end:
        for kind in dict.fromkeys((*kinds, *shown)):
            text.cover(kind, complete=not six, note=six)
    return text.done()


def _between(text: NodeText, data: bytes, start: int, end: int, first_line: int, what: str = "JSON of ip -j") -> None:
    """Everything outside of elements is a gap."""
    number = first_line + data.count(b"\n", 0, start)
    for offset, line in enumerate(data[start:end].split(b"\n")):
        if line.strip(b" \t\r,[]"):
            text.gap(number + offset, what, line.decode("utf-8", "replace").strip())


def _facts(said: Any, six: bool) -> Iterator[tuple[type[Fact], Object]]:
    """Fact types and their fields; an empty object stands for an address that was filtered out."""
    if not isinstance(said, dict):
        raise ValueError("an object")
    if not said or "vlans" in said:
        return
    if "ifname" in said:
        name, bridge = needed(said, "ifname"), word(said, "master")
        if "mac" in said:
            yield FdbEntry, _entry(said)
        elif "operstate" not in said and "state" in said:
            yield BridgePort, port(said, name, bridge)
        else:
            yield Interface, interface(said)
            info = inner(said, "linkinfo")
            if word(info, "info_slave_kind") == "bridge":
                yield BridgePort, port(inner(info, "info_slave_data"), name, bridge)
            for address in addresses(said):
                yield InterfaceAddress, address
    elif "priority" in said and ("table" in said or "action" in said):
        yield RoutingRule, _rule(said, six)
    elif isinstance(said.get("state"), list) or "lladdr" in said:
        yield Neighbour, _neighbour(said)
    elif "dst" in said:
        yield Route, _route(said, six)
    else:
        raise ValueError("a link, address, route, rule, neighbour or forwarding entry")


def _entry(said: Object) -> Object:
    return {
        "mac": needed(said, "mac"),
        "dev": needed(said, "ifname"),
        "dst": ip(word(said, "dst") or ""),
        "master": word(said, "master"),
        "permanent": word(said, "state") == "permanent",
    }


def _neighbour(said: Object) -> Object:
    address = ip(needed(said, "dst"))
    if address is None:
        raise ValueError("an address")
    states = words(said, "state")
    return {
        "ip": address,
        "dev": needed(said, "dev"),
        "mac": word(said, "lladdr"),
        "state": states[-1] if states else None,
    }


def _route(said: Object, six: bool) -> Object:
    hops = objects(said, "nexthops") or [said]
    via = word(hops[0], "gateway") or word(inner(hops[0], "via"), "host") or ""
    default = "::/0" if six or "pref" in said or ":" in via else "0.0.0.0/0"
    to = needed(said, "dst")
    network = cidr(default if to == "default" else to)
    if network is None:
        raise ValueError("a network")
    flags = {*words(said, "flags"), *words(hops[0], "flags")}
    metrics = objects(said, "metrics") or [{}]
    return {
        "table": word(said, "table") or "main",
        "type": word(said, "type") or "unicast",
        "destination": network,
        "via": ip(via),
        "dev": word(hops[0], "dev"),
        "source_ip": ip(word(said, "prefsrc") or ""),
        "scope": word(said, "scope"),
        "protocol": word(said, "protocol"),
        "metric": count(said, "metric") or 0,
        "onlink": "onlink" in flags,
        "dead": "dead" in flags,
        "mtu": count(metrics[0], "mtu"),
        "multipath": tuple(_hop(hop) for hop in hops[1:]),
    }


def _hop(said: Object) -> str:
    """A next hop as `ip route` prints it."""
    shown = [("via", word(said, "gateway")), ("dev", word(said, "dev")), ("weight", count(said, "weight"))]
    return " ".join([*(f"{name} {value}" for name, value in shown if value is not None), *words(said, "flags")])


def _rule(said: Object, six: bool) -> Object:
    """A rule with its selector in the words of `ip rule`."""
    shown = ["not"] if "not" in said else []
    for key, name in (("src", "from"), ("dst", "to")):
        if (address := word(said, key)) is not None:
            length = count(said, f"{key}len")
            shown += [name, address if length is None else f"{address}/{length}"]
    if (mark := word(said, "fwmark")) is not None:
        mask = word(said, "fwmask")
        shown += ["fwmark", f"{mark}/{mask}" if mask else mark]
    for key in ("tos", "iif", "oif", "ipproto", "sport", "dport"):
        if key in said:
            shown += [key, str(said[key])]
    priority = count(said, "priority")
    if priority is None:
        raise ValueError("priority")
    return {
        "family": 6 if six or any(":" in (word(said, key) or "") for key in ("src", "dst")) else 4,
        "priority": priority,
        "selector": " ".join(shown),
        "action": word(said, "action") or "lookup",
        "table": word(said, "table"),
    }
