"""The rules of a namespace, split: those that any packet meets, and gates, which only one address, port or pod passes.

What stands behind a gate concerns nobody else. So two addresses whose gates lead to rules of the same form share their
fate, unless a rule that everybody meets tells them apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator
from typing import NamedTuple

import msgspec

from analyzer.facts.address import CIDR, IP
from analyzer.facts.firewall import Match, Rule
from analyzer.packet.chains import TABLES, Chains, Filters, Table, single

DEPTH = 12


class Unlike(Exception):
    """Rules that cannot be compared."""


class Gate(NamedTuple):
    """A rule that only one address, port or pod meets; `place` is where it stands in its chain.

    `slot`: how many rules that anybody meets, and how many that only one port meets, stand before it there.
    """

    table: Table
    chain: str
    place: int
    slot: tuple[int, int]
    rule: Rule


class Actor(msgspec.Struct, frozen=True):
    """Whose gates are compared: its address, port (as text) and the interface that leads to it are left out."""

    address: IP
    port: str = ""
    dev: str = ""


class Gates:
    """The gates of one namespace and family; `devices` are the interfaces that lead to pods."""

    def __init__(self, filters: Filters, devices: set[str]) -> None:
        self.by_destination: dict[int, list[Gate]] = {}
        self.by_source: dict[int, list[Gate]] = {}
        self.by_port: dict[tuple[int, int], list[Gate]] = {}
        self.by_device: dict[str, list[Gate]] = {}
        self.open: dict[tuple[object, ...], list[Rule]] = {}  # what anybody meets, by chain
        self.empty = not filters.tables
        self._devices = devices
        for tables in filters.tables.values():
            for table in tables:
                for hook in TABLES:
                    self._walk(table, hook)

    def _walk(self, table: Table, base: str) -> None:
        queue = [base]
        while queue:
            name = queue.pop()
            if (*table.key, name) in self.open:
                continue
            chain = table.chain(name)
            named = {place: devices for place in chain.others if (devices := self._named(chain.rules[place]))}
            plain = [place for place in chain.others if place not in named]
            self.open[(*table.key, name)] = [chain.rules[place] for place in plain]
            self._sort(table, name, chain, plain, named)
            queue += [target for rule in self.open[(*table.key, name)] if (target := rule.target) and table.has(target)]

    def _sort(self, table: Table, name: str, chain: Chains, plain: list[int], named: dict[int, set[str]]) -> None:
        ports = sorted(place for places in chain.by_port.values() for place in places)

        def gates(places: list[int]) -> Iterator[Gate]:
            for place in places:
                slot = bisect_left(plain, place), bisect_left(ports, place)
                yield Gate(table, name, place, slot, chain.rules[place])

        for found, value in ((self.by_destination, chain.by_destination), (self.by_source, chain.by_source)):
            for address, places in value.items():
                found.setdefault(address, []).extend(gates(places))
        for port, places in chain.by_port.items():
            self.by_port.setdefault(port, []).extend(gate._replace(slot=(gate.slot[0], -1)) for gate in gates(places))
        for place, devices in named.items():
            for dev in devices:
                self.by_device.setdefault(dev, []).extend(gates([place]))

    def _named(self, rule: Rule) -> set[str]:
        """The pods' interfaces that a rule is for."""
        given = ((rule.in_interface, rule.not_in_interface), (rule.out_interface, rule.not_out_interface))
        return {dev for dev, negated in given if dev in self._devices and not negated}

    def of(self, actor: Actor) -> list[Gate]:
        """The gates of an address and of the interface that leads to it, as they come in each chain."""
        value = int(actor.address)
        found = [*self.by_destination.get(value, ()), *self.by_source.get(value, ())]
        found += self.by_device.get(actor.dev, ()) if actor.dev else ()
        return sorted(found, key=lambda gate: (gate.chain, gate.place)) if len(found) > 1 else found

    def form(self, gate: Gate, actor: Actor) -> Hashable:
        """A gate and all that stands behind it, without what names the actor. Raises Unlike."""
        return gate.table.key[2], gate.table.name, gate.chain, gate.slot, self.rule(gate.table, gate.rule, actor, 0)

    def rule(self, table: Table, rule: Rule, actor: Actor, depth: int) -> Hashable:
        """A rule without what names the actor."""
        return self.head(rule, actor), matches(rule, actor), rule.goto, self._target(table, rule, actor, depth)

    def head(self, rule: Rule, actor: Actor) -> Hashable:
        """What a rule asks of addresses, protocol and interfaces, without what names the actor."""
        if not (rule.source or rule.destination or rule.protocol or rule.in_interface or rule.out_interface):
            return rule.fragment, rule.complete, rule.not_protocol
        return (
            side(rule.source, actor), rule.not_source, side(rule.destination, actor), rule.not_destination,
            rule.protocol, rule.not_protocol, _device(rule.in_interface, actor), rule.not_in_interface,
            _device(rule.out_interface, actor), rule.not_out_interface, rule.fragment, rule.complete,
        )  # fmt: skip

    def _target(self, table: Table, rule: Rule, actor: Actor, depth: int) -> Hashable:
        name = rule.target
        if name is None or not table.has(name):
            return name, rule.target_options
        if self.is_open(table, name):
            return "open", name
        if depth > DEPTH:
            raise Unlike
        return "chain", tuple(self.rule(table, inner, actor, depth + 1) for inner in table.rules(name))

    def is_open(self, table: Table, chain: str) -> bool:
        """Whether any packet may come through a chain."""
        return (*table.key, chain) in self.open


def side(network: CIDR | None, actor: Actor) -> Hashable:
    """A source or destination, without the actor's own."""
    if network is None:
        return None
    start = network.network_address
    if single(network) and start == actor.address:
        return "own"
    return int(start), network.prefixlen


def matches(rule: Rule, actor: Actor, *left_out: str) -> tuple[Hashable, ...]:
    """The matches of a rule without comments, and without the actor's port."""
    return tuple(
        "own port" if port_of(match) == actor.port else match
        for match in rule.matches
        if match.module != "comment" and match.module not in left_out
    )


def port_of(match: Match) -> str | None:
    """The port of a match that asks for one destination port and nothing else."""
    if match.module in ("tcp", "udp", "sctp") and len(match.options) == 1:
        option = match.options[0]
        if option.name == "--dport" and not option.negated and len(option.values) == 1:
            return option.values[0]
    return None


def _device(name: str | None, actor: Actor) -> str | None:
    return "own" if name is not None and name == actor.dev else name
