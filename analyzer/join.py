"""Parts made whole: one name for one node, and what several artifacts cover between them.

Dumps call a host by its hostname, the API by its node name, and the two may differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from analyzer.facts.address import IP
from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.nodes import Node
from analyzer.facts.routing import InterfaceAddress
from analyzer.facts.source import Place
from analyzer.facts.workloads import Namespace, Pod


def node_names(facts: Iterable[Fact], seen: Iterable[str]) -> dict[str, str]:
    """The API's name for each host name in `seen` that differs from it.

    A host is a node if it bears one of the node's addresses; else if its name up to the first dot is the same and no
    other node shares that name; else if it is called by a pod that runs on the node's own network, as in dumps that an
    agent took; else if there is but one node and one host.
    """
    seen = tuple(seen)
    nodes: dict[str, Node] = {}
    addresses: dict[str, set[IP]] = {}
    agents: dict[str, set[str]] = defaultdict(set)
    for fact in facts:
        if isinstance(fact, Node):
            nodes.setdefault(fact.name, fact)
        elif isinstance(fact, InterfaceAddress) and fact.node and fact.scope != "host" and not fact.ip.is_link_local:
            addresses.setdefault(fact.node, set()).add(fact.ip)
        elif isinstance(fact, Pod) and fact.node and fact.host_network:
            agents[fact.name].add(str(fact.node))
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
        elif not owners and len(agents.get(host, ())) == 1:
            renamed[host] = next(iter(agents[host]))
        elif not owners and len(nodes) == 1 and len(set(seen)) == 1:
            renamed[host] = next(iter(nodes))
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


def joint_coverage(parsed: Sequence[tuple[Place, Parsed]], damaged: str = "") -> list[Coverage]:
    """The coverage of all artifacts. Where one object stands in each file, a bad file makes all of them a part.

    `damaged` names an archive of which something is missing: then neither the files with one object each nor the logs
    of anybody are known to be all there are.
    """
    lost = f"{damaged} is cut off or damaged, more may have been in it" if damaged else ""
    found: list[Coverage] = []
    groups: dict[tuple[str | None, ...], list[Coverage]] = defaultdict(list)
    for place, result in parsed:
        for entry in result.coverage:
            if lost and (place.together or entry.fact in ("LogLine", "LogWindow")):
                entry = msgspec.structs.replace(entry, complete=False, note=entry.note or lost)
            if place.together:
                groups[entry.fact, entry.namespace, entry.component].append(entry)
            else:
                found.append(entry)
    for entries in groups.values():
        bad = next((entry for entry in entries if not entry.complete), None)
        found += entries if bad is None else [bad]
    return found


def over_namespaces(facts: Iterable[Fact], coverage: Sequence[Coverage]) -> list[Coverage]:
    """Coverage of the whole cluster, where every namespace of a complete list of them was collected by itself."""
    if not any(entry.fact == "Namespace" and entry.complete for entry in coverage):
        return []
    names = {fact.name for fact in facts if isinstance(fact, Namespace)}
    collected: dict[tuple[str, str | None], dict[str, str]] = defaultdict(dict)
    for entry in coverage:
        if entry.namespace and entry.complete and not entry.node and not entry.pod and not entry.table:
            collected[entry.fact, entry.component].setdefault(entry.namespace, entry.path)
    return [
        Coverage(fact=fact, component=component, path=paths[min(names)])
        for (fact, component), paths in sorted(collected.items(), key=str)
        if names and names <= paths.keys()
    ]
