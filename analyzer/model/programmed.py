"""Which service addresses each node translates, from iptables, IPVS or nftables, and where that is known completely."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from analyzer.facts.address import IP, ip
from analyzer.facts.derived import ProgrammedEndpoint, ProgrammedService, ProxyState
from analyzer.facts.fact import Coverage, Fact, NodeName, ServiceName
from analyzer.facts.firewall import NftObject, Rule, VirtualServer
from analyzer.facts.services import Service
from analyzer.facts.source import NOWHERE
from analyzer.facts.store import Facts
from analyzer.model.iptables import Chains, programmed

_TYPES = ("ProgrammedService", "ProgrammedEndpoint", "ProxyState")
_MAPPED = re.compile(
    r"(?P<ip>[0-9.]+|[0-9a-f:]+:[0-9a-f:]*) \. (?P<protocol>tcp|udp|sctp) \. (?P<port>\d+)\s*:\s*"
    r"(?:goto|jump) (?P<chain>(?:service|external)-\S+?(?P<service>[a-z0-9.-]+/[a-z0-9.-]+)/\S+)"
)


def services(facts: Facts, nodes: list[NodeName]) -> tuple[list[Fact], list[Coverage]]:
    """ProgrammedService, ProgrammedEndpoint and ProxyState of every node, and their coverage."""
    tables = _chains(facts)
    variants: dict[NodeName, list[tuple[str, int]]] = defaultdict(list)
    for home, backend, family in sorted(tables):
        variants[home].append((backend, family))
    servers = facts.index(VirtualServer, ("node",))
    native = facts.index(NftObject, ("node",))
    addresses = _addresses(facts)
    families = {address.version for address in addresses} or {4}
    found: list[Fact] = []
    coverage: list[Coverage] = []
    for node in nodes:
        mine: list[ProgrammedService | ProgrammedEndpoint] = []
        chained = hooked = False
        for backend, family in variants[node]:
            nat, filtered = tables[(node, backend, family)]
            mine += programmed(node, nat, filtered)
            if family in families:
                chained = chained or "KUBE-SERVICES" in nat
                hooked = hooked or _hooked(nat)
        by_rules = bool(mine) or chained
        mine += _virtual(node, servers.get((node,), ()), addresses)
        by_ipvs = bool(servers.get((node,)))
        nft = list(_native(node, native.get((node,), ())))
        mine += nft
        mode = "nftables" if nft else "ipvs" if by_ipvs else "iptables" if by_rules else None
        found += dict.fromkeys(mine)
        entries, known = _coverage(facts, node, mode)
        coverage += entries
        if known or mode is not None:
            count = len({(one.address, one.port, one.protocol) for one in mine})
            origin = next((one.origin for one in (*mine, *facts.where(Rule, node=node, table="nat"))), NOWHERE)
            found.append(
                ProxyState(
                    node=node,
                    mode=mode,
                    chains=chained or bool(nft) or by_ipvs,
                    hooked=hooked or bool(nft) or by_ipvs,
                    services=count,
                    origin=origin,
                )
            )
    return found, coverage


def _chains(facts: Facts) -> dict[tuple[NodeName, str, int], tuple[Chains, Chains]]:
    """The nat and filter chains of each node, backend and address family."""
    tables: dict[tuple[NodeName, str, int], tuple[dict[str, list[Rule]], dict[str, list[Rule]]]] = {}
    for rule in facts.of(Rule):
        if rule.node is None or rule.table not in ("nat", "filter"):
            continue
        key = (rule.node, rule.backend or "", rule.family)
        nat, filtered = tables.setdefault(key, (defaultdict(list), defaultdict(list)))
        (nat if rule.table == "nat" else filtered)[rule.chain].append(rule)
    for pair in tables.values():
        for chains in pair:
            for rules in chains.values():
                rules.sort(key=lambda rule: rule.position)
    return {key: (dict(nat), dict(filtered)) for key, (nat, filtered) in tables.items()}


def _hooked(nat: Chains) -> bool:
    """Whether both PREROUTING and OUTPUT lead to KUBE-SERVICES."""
    return all(any(rule.target == "KUBE-SERVICES" for rule in nat.get(hook, ())) for hook in ("PREROUTING", "OUTPUT"))


def _addresses(facts: Facts) -> dict[IP, ServiceName]:
    found: dict[IP, ServiceName] = {}
    for service in facts.of(Service):
        for one in (service.cluster_ip, *(service.external_ips or ()), *(service.ingress_ips or ())):
            if one is not None:
                found.setdefault(one, ServiceName(service.key))
    return found


def _virtual(
    node: NodeName, servers: Sequence[VirtualServer], addresses: dict[IP, ServiceName]
) -> Iterator[ProgrammedService | ProgrammedEndpoint]:
    groups: dict[tuple[IP, int, str], list[VirtualServer]] = defaultdict(list)
    for server in servers:
        groups[(server.ip, server.port, server.protocol)].append(server)
    for (address, port, protocol), members in groups.items():
        live = [member for member in members if member.server is not None and member.weight != 0]
        yield ProgrammedService(
            node=node,
            service=addresses.get(address),
            address=address,
            port=port,
            protocol=protocol,
            endpoints=len(live),
            origin=members[0].origin,
        )
        for member in live:
            assert member.server is not None
            yield ProgrammedEndpoint(
                node=node,
                service=addresses.get(address),
                address=address,
                port=port,
                protocol=protocol,
                ip=member.server,
                target_port=member.server_port,
                probability=round(1 / len(live), 4),
                origin=member.origin,
            )


def _native(node: NodeName, objects: Sequence[NftObject]) -> Iterator[ProgrammedService]:
    """The entries of kube-proxy's nftables map service-ips."""
    for thing in objects:
        if thing.table != "kube-proxy" or thing.kind != "map":
            continue
        for found in _MAPPED.finditer(thing.text):
            address = ip(found["ip"])
            if address is not None:
                yield ProgrammedService(
                    node=node,
                    service=ServiceName(found["service"].split("-", 1)[-1]),
                    address=address,
                    port=int(found["port"]),
                    protocol=found["protocol"].upper(),
                    chain=found["chain"],
                    endpoints=1,
                    origin=thing.origin,
                )


def _coverage(facts: Facts, node: NodeName, mode: str | None) -> tuple[list[Coverage], bool]:
    """Coverage of what this module derives on a node: that of the nat and filter rules, or of IPVS, or of nft."""
    if mode == "ipvs":
        sources = [facts.coverage(VirtualServer, node=node)]
    elif mode == "nftables":
        sources = [facts.coverage(NftObject, node=node)]
    else:
        sources = [facts.coverage(Rule, node=node, table=table) for table in ("nat", "filter")]
    if not all(sources):
        return [], False
    complete = all(any(entry.complete for entry in entries) for entries in sources)
    first = next((entry for entries in sources for entry in entries if entry.complete == complete), sources[0][0])
    derived = [Coverage(fact=fact, node=node, complete=complete, note=first.note, path=first.path) for fact in _TYPES]
    if mode == "nftables":  # the endpoints of nftables mode are not worked out
        derived = [entry for entry in derived if entry.fact != "ProgrammedEndpoint"]
    return derived, complete
