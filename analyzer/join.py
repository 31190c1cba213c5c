"""One name for one node: dumps call a host by its hostname, the API by its node name, and the two may differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from analyzer.facts.address import IP
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.nodes import Node
from analyzer.facts.routing import InterfaceAddress


def node_names(facts: Iterable[Fact], seen: Iterable[str]) -> dict[str, str]:
    """The API's name for each host name in `seen` that differs from it.

    A host is a node if it bears one of the node's addresses; else if its name up to the first dot is the same and no
    other node shares that name.
    """
    nodes: dict[str, Node] = {}
    addresses: dict[str, set[IP]] = {}
    for fact in facts:
        if isinstance(fact, Node):
            nodes.setdefault(fact.name, fact)
        elif isinstance(fact, InterfaceAddress) and fact.node and fact.scope != "host" and not fact.ip.is_link_local:
            addresses.setdefault(fact.node, set()).add(fact.ip)
    by_address = {node.ip: name for name, node in nodes.items() if node.ip}
    short: dict[str, list[str]] = {}
    for name in nodes:
        short.setdefault(name.split(".")[0], []).append(name)
    renamed = {}
    for host in seen:
        if host in nodes:
            continue
        owners = {by_address[address] for address in addresses.get(host, ()) if address in by_address}
        alike = short.get(host.split(".")[0], [])
        if len(owners) == 1:
            renamed[host] = owners.pop()
        elif not owners and len(alike) == 1:
            renamed[host] = alike[0]
    return renamed


def rename_fact(fact: Fact, names: Mapping[str, str]) -> Fact:
    """The fact with its host called by its node name."""
    changes: dict[str, str] = {}
    node = getattr(fact, "node", None)
    if node and node in names:
        changes["node"] = NodeName(names[node])
    netns = getattr(fact, "netns", None)
    if netns and (host := netns.split(":", 1)[0]) in names:
        changes["netns"] = names[host] + netns[len(host) :]
    return msgspec.structs.replace(fact, **changes) if changes else fact


def rename_coverage(entry: Coverage, names: Mapping[str, str]) -> Coverage:
    """The coverage entry with its host called by its node name."""
    if entry.node in names:
        entry = msgspec.structs.replace(entry, node=names[entry.node or ""])
    if entry.pod and (host := entry.pod.split(":", 1)[0]) in names and ":" in entry.pod:
        entry = msgspec.structs.replace(entry, pod=names[host] + entry.pod[len(host) :])
    return entry
