"""What kube-proxy's iptables rules say: which service addresses a node translates, and to which endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.derived import ProgrammedEndpoint, ProgrammedService
from analyzer.facts.fact import NodeName, ServiceName
from analyzer.facts.firewall import Option, Rule
from analyzer.facts.source import Source

_COMMENT = re.compile(r'^"?(?P<service>[a-z0-9.-]+/[a-z0-9.-]+)')
_DEPTH = 6  # KUBE-SERVICES -> KUBE-EXT -> KUBE-XLB -> KUBE-SVC -> KUBE-SEP, and one to spare

Chains = Mapping[str, Sequence[Rule]]


class Target(msgspec.Struct, frozen=True):
    """Where one endpoint chain sends connections, with what share of them."""

    ip: IP
    port: int | None
    share: float
    origin: Source


def option(rule: Rule, name: str) -> Option | None:
    """The first option of that name among the matches of a rule."""
    return next((one for match in rule.matches for one in match.options if one.name == name), None)


def service_of(rule: Rule) -> ServiceName | None:
    """The service that kube-proxy's comment names: "shop/web:http cluster IP"."""
    found = _COMMENT.match(rule.comment or "")
    return ServiceName(found["service"]) if found else None


def programmed(node: NodeName, nat: Chains, filtered: Chains) -> Iterator[ProgrammedService | ProgrammedEndpoint]:
    """Every service address of KUBE-SERVICES on one node, in rule order, each followed by its endpoints."""
    for rule in nat.get("KUBE-SERVICES", ()):
        address = _address(rule)
        chain = rule.target or ""
        if address is None or not chain.startswith(("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-XLB-", "KUBE-FW-")):
            continue
        yield from _entry(node, rule, address, chain, nat)
    for name in ("KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES"):
        for rule in filtered.get(name, ()):
            address = _address(rule)
            if address is not None and rule.target in ("REJECT", "DROP"):
                yield ProgrammedService(
                    node=node,
                    service=service_of(rule),
                    address=address,
                    port=_port(rule),
                    protocol=_protocol(rule),
                    rejects=True,
                    origin=rule.origin,
                )


def _entry(
    node: NodeName, rule: Rule, address: IP, chain: str, nat: Chains
) -> Iterator[ProgrammedService | ProgrammedEndpoint]:
    targets = list(_targets(chain, nat, 1.0, 0))
    service, port, protocol = service_of(rule), _port(rule), _protocol(rule)
    yield ProgrammedService(
        node=node,
        service=service,
        address=address,
        port=port,
        protocol=protocol,
        chain=chain,
        endpoints=len({(target.ip, target.port) for target in targets}),
        origin=rule.origin,
    )
    shares: dict[tuple[IP, int | None], Target] = {}
    for target in targets:
        key = (target.ip, target.port)
        before = shares[key].share if key in shares else 0.0
        shares[key] = Target(target.ip, target.port, before + target.share, target.origin)
    for target in shares.values():
        yield ProgrammedEndpoint(
            node=node,
            service=service,
            address=address,
            port=port,
            protocol=protocol,
            ip=target.ip,
            target_port=target.port,
            probability=round(target.share, 4),
            origin=target.origin,
        )


def _targets(chain: str, nat: Chains, share: float, depth: int) -> Iterator[Target]:
    """The endpoints that a chain leads to; `share` of the connections come in, each statistic rule takes its part."""
    if depth > _DEPTH:
        return
    left = share
    for rule in nat.get(chain, ()):
        target = rule.target or ""
        if target == "DNAT":
            where = next((one.values[0] for one in rule.target_options if one.name == "--to-destination"), "")
            address, port = _destination(where)
            if address is not None:
                yield Target(address, port, left, rule.origin)
            return
        if not target.startswith(("KUBE-SEP-", "KUBE-SVC-", "KUBE-SVL-", "KUBE-XLB-", "KUBE-EXT-")):
            continue
        if option(rule, "--rcheck") is not None:
            continue  # session affinity sends known clients to the same endpoints again; it adds none
        chance = option(rule, "--probability")
        part = left * float(chance.values[0]) if chance is not None and _is_number(chance.values) else left
        yield from _targets(target, nat, part, depth + 1)
        narrowed = rule.source is not None or any(match.module == "addrtype" for match in rule.matches)
        if not narrowed:
            left = max(0.0, left - part)


def _is_number(values: tuple[str, ...]) -> bool:
    return bool(values) and re.fullmatch(r"[0-9.]+", values[0]) is not None and values[0].count(".") <= 1


def _destination(text: str) -> tuple[IP | None, int | None]:
    """Address and port of a --to-destination: "10.0.0.1:80", "[fd00::1]:80", "10.0.0.1"."""
    found = re.fullmatch(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<p6>\d+))?|(?P<four>[0-9.]+)(?::(?P<p4>\d+))?", text)
    if not found:
        return None, None
    port = found["p6"] or found["p4"]
    return ip(found["six"] or found["four"]), int(port) if port else None


def _address(rule: Rule) -> IP | None:
    net = rule.destination
    if net is None or rule.not_destination or net.prefixlen != net.max_prefixlen:
        return None
    return net.network_address


def _port(rule: Rule) -> int | None:
    found = option(rule, "--dport") or option(rule, "--destination-port") or option(rule, "--dports")
    return int(found.values[0]) if found and found.values and found.values[0].isdigit() else None


def _protocol(rule: Rule) -> str:
    return {"6": "TCP", "17": "UDP", "132": "SCTP"}.get(rule.protocol or "tcp", (rule.protocol or "tcp").upper())
