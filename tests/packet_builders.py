"""Makes facts for packet path tests: iptables rules as text, a node with a bridge and its pods, routers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from analyzer.facts.address import IP, cidr, ip
from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.firewall import Chain, Match, Option, Rule
from analyzer.facts.nodes import Sysctl
from analyzer.facts.routing import BridgePort, Interface, InterfaceAddress, Listener, Route
from analyzer.facts.store import Facts

ROUTER_POLICIES = {"INPUT": "ACCEPT", "FORWARD": "ACCEPT", "OUTPUT": "ACCEPT"}
NODE_TYPES = ("Interface", "InterfaceAddress", "Route", "Sysctl", "Rule", "Chain", "Neighbour", "FdbEntry")


def address(text: str) -> IP:
    """An address."""
    found = ip(text)
    assert found is not None, text
    return found


def rules(node: str, text: str, backend: str | None = None, family: int = 4) -> list[Fact]:
    """Chains and rules of an iptables-save text; tables start with `*name`."""
    facts: list[Fact] = []
    table = "filter"
    numbers: dict[tuple[str, str], int] = {}
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            facts.append(Chain(node=NodeName(node), backend=backend, family=family, table=table, name=name,
                               policy=None if policy == "-" else policy))  # fmt: skip
        elif line.startswith("-A"):
            words = shlex.split(line)
            numbers[table, words[1]] = numbers.get((table, words[1]), 0) + 1
            facts.append(_rule(node, table, words, numbers[table, words[1]], backend, family))
    return facts


def _rule(node: str, table: str, words: list[str], position: int, backend: str | None, family: int) -> Rule:
    fields: dict[str, object] = {}
    matches: list[Match] = []
    target_options: list[Option] = []
    module, options = "", []  # type: ignore[var-annotated]
    negated, in_target = False, False
    queue = words[2:]
    names = {"-s": "source", "-d": "destination", "-i": "in_interface", "-o": "out_interface", "-p": "protocol"}

    def close() -> None:
        nonlocal options
        if module:
            matches.append(Match(module, tuple(options)))
        options = []

    while queue:
        word = queue.pop(0)
        if word == "!":
            negated = True
            continue
        if word in names:
            value = queue.pop(0)
            fields[names[word]] = cidr(value) if word in ("-s", "-d") else value
            fields[f"not_{names[word]}"] = negated
        elif word == "-m":
            close()
            module = queue.pop(0)
        elif word in ("-j", "-g"):
            close()
            module, in_target = "", True
            fields |= {"target": queue.pop(0), "goto": word == "-g"}
        else:
            values = []
            while (
                queue
                and queue[0] not in names
                and not queue[0].startswith("--")
                and queue[0] not in ("!", "-m", "-j", "-g")
            ):
                values.append(queue.pop(0))
            if word == "--comment":
                fields["comment"] = values[0]
            (target_options if in_target else options).append(Option(word, tuple(values), negated))
        negated = False
    close()
    return Rule(node=NodeName(node), backend=backend, family=family, table=table, chain=words[1], position=position,
                matches=tuple(matches), target_options=tuple(target_options), **fields)  # type: ignore[arg-type]  # fmt: skip


def interface(node: str, name: str, network: str = "", **more: object) -> list[Fact]:
    """An interface with its address ("10.0.0.1/24"), its connected route and its local route."""
    facts: list[Fact] = [Interface(node=NodeName(node), name=name, **({"up": True, "mtu": 1500} | more))]  # type: ignore[arg-type]
    if network:
        own = address(network.partition("/")[0])
        facts.append(InterfaceAddress(node=NodeName(node), dev=name, ip=own, network=cidr(network), scope="global"))
        facts.append(route(node, network, dev=name, scope="link"))
    return facts


def route(node: str, destination: str, via: str | None = None, dev: str | None = None, **more: object) -> Route:
    """A route."""
    network = cidr("0.0.0.0/0" if destination == "default" else destination)
    assert network is not None
    return Route(node=NodeName(node), destination=network, via=address(via) if via else None, dev=dev, **more)  # type: ignore[arg-type]


def sysctls(node: str, **values: int) -> list[Fact]:
    """Kernel settings; `__` in a name stands for a dot."""
    return [
        Sysctl(node=NodeName(node), name=name.replace("__", "."), value=str(value), number=value)
        for name, value in values.items()
    ]


def listener(node: str, port: int, protocol: str = "TCP") -> Listener:
    """A socket."""
    return Listener(node=NodeName(node), protocol=protocol, port=port)


def world(parts: Iterable[Iterable[Fact] | Fact], nodes: Iterable[str], without: Iterable[str] = ()) -> Facts:
    """All facts with complete coverage of every type on every node, but for the types in `without`."""
    facts: list[Fact] = []
    for part in parts:
        facts += [part] if isinstance(part, Fact) else list(part)
    types = [
        name for name in (*NODE_TYPES, "Listener", "BridgePort", "Connection", "RoutingRule") if name not in without
    ]
    return Facts(facts, [Coverage(fact=name, node=node, path=f"nodes/{node}/dump") for node in nodes for name in types])


def bridge_port(node: str, dev: str, bridge: str, hairpin: bool = True, isolated: bool = False) -> BridgePort:
    """A port of a bridge."""
    return BridgePort(
        node=NodeName(node), dev=dev, bridge=bridge, hairpin=hairpin, isolated=isolated, state="forwarding"
    )
