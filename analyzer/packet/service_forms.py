"""The form of the rules that a connection to a Service meets on one node, and the endpoints behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.firewall import Rule
from analyzer.packet.chains import Table, single
from analyzer.packet.gates import DEPTH, Actor, Gate, Gates, Unlike, matches, port_of
from analyzer.packet.header import protocol_number
from analyzer.packet.stack import Stack
from analyzer.packet.traits import Traits

_TARGET = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<p6>[0-9]{1,5}))?|(?P<four>[0-9.]+)(?::(?P<p4>[0-9]{1,5}))?")
NOTHING_LEFT = 1e-6  # of the connections, behind the last endpoint of a Service


class Endpoint(msgspec.Struct, frozen=True):
    """Where a rule sends connections: the form of its chain, the address, the port (None: it stays as it was)."""

    form: Hashable
    address: IP
    port: int | None


class ServiceForms:
    """Reads the rules behind Services in one world; `number` gives equal forms equal numbers."""

    def __init__(self, traits: Traits, number: Callable[[Hashable], int]) -> None:
        self._traits, self._number = traits, number
        self._behind: dict[tuple[object, ...], Endpoint | None] = {}
        self._last: tuple[object, tuple[int, list[Endpoint]]] = (None, (0, []))

    def of(self, node: Stack, address: IP, proto: int, port: int) -> tuple[int, list[Endpoint]]:
        """The form of the rules that a packet for a Service meets on a node, and the endpoints behind them."""
        asked = (node.name, address, proto, port)
        if self._last[0] != asked:
            self._last = asked, self._read_service(node, address, proto, port)
        return self._last[1]

    def _read_service(self, node: Stack, address: IP, proto: int, port: int) -> tuple[int, list[Endpoint]]:
        gates = self._traits.gates(node, address.version)
        actor = Actor(address, str(port))
        reading = _Reading(self, gates, actor, proto)
        forms: list[Hashable] = [self._traits.networks.of(address), self._traits.ports.of(port), proto]
        # Only this node sees the packet while it is for the Service; its answers bear the Service's address here.
        for gate in (*gates.by_destination.get(int(address), ()), *gates.by_port.get((proto, port), ())):
            forms += reading.gate(gate)
        forms += [gates.form(gate, actor) for gate in gates.by_source.get(int(address), ())]
        forms.append(node.own.get(address))
        served = node.virtual_servers.get((address, port, proto), ())
        for entry in served:
            if entry.server is not None and entry.weight != 0:
                reading.endpoints.append(Endpoint(("ipvs", entry.forward), entry.server, entry.server_port))
        forms.append(bool(served))
        return self._number(tuple(forms)), reading.endpoints

    def behind(self, gates: Gates, table: Table, chain: str) -> Endpoint | None:
        """The endpoint that a chain sends to, if that is all it is for."""
        key = (*table.key, chain)
        if key not in self._behind:
            self._behind[key] = None if gates.is_open(table, chain) else self._read(gates, table, chain)
        return self._behind[key]

    def _read(self, gates: Gates, table: Table, chain: str) -> Endpoint | None:
        rules = table.rules(chain)
        found = [(rule, one) for rule in rules if rule.target == "DNAT" and (one := _destination(rule)) is not None]
        if len(found) != 1:
            return None
        last, (address, port) = found[0]
        actor = Actor(address)
        forms: list[Hashable] = []
        for rule in rules:
            if rule is last:
                options = tuple(one for one in rule.target_options if one.name != "--to-destination")
                forms.append((gates.head(rule, actor), matches(rule, actor), options, port is None))
            else:
                forms.append(gates.rule(table, rule, actor, 0))
        return Endpoint(self._number(tuple(forms)), address, port)


class _Reading:
    """Reads the rules that a packet for one Service meets on one node: their form, and the endpoints behind them."""

    def __init__(self, forms: ServiceForms, gates: Gates, actor: Actor, proto: int) -> None:
        self.endpoints: list[Endpoint] = []
        self._forms, self._gates, self._actor, self._proto = forms, gates, actor, proto

    def gate(self, gate: Gate) -> list[Hashable]:
        """The form of a gate; nothing if no packet for the Service passes it."""
        if not self._passes(gate.rule):
            return []
        form, _ = self._rule(gate.table, gate.rule, 0)
        return [(gate.table.key[2], gate.table.name, gate.chain, gate.slot, form)]

    def _passes(self, rule: Rule) -> bool:
        """Whether a packet for this address, protocol and port may match a rule."""
        to = rule.destination
        if to is not None and single(to) and not rule.not_destination and to.network_address != self._actor.address:
            return False
        asked = protocol_number(rule.protocol) if rule.protocol and not rule.not_protocol else None
        if asked and asked != self._proto:
            return False
        return all(port_of(match) in (None, self._actor.port) for match in rule.matches)

    def _rule(self, table: Table, rule: Rule, depth: int) -> tuple[Hashable, float]:
        """The form of a rule, and the share of connections that it leaves to the next one."""
        name = rule.target
        if name is None or not table.has(name) or self._gates.is_open(table, name):
            return self._gates.rule(table, rule, self._actor, 0), 1.0
        if depth > DEPTH:
            raise Unlike
        endpoint = self._forms.behind(self._gates, table, name)
        if endpoint is None:
            behind: Hashable = self._chain(table, name, depth + 1)
            chance = None
        else:
            self.endpoints.append(endpoint)
            behind, chance = "endpoint", _chance(rule)
        asked = matches(rule, self._actor, *(() if chance is None else ("statistic",)))
        head = self._gates.head(rule, self._actor)
        sure = not asked or asked == ("own port",)
        left = 1.0 if endpoint is None or not sure else 1.0 - (1.0 if chance is None else chance)
        return (head, asked, rule.goto, behind), left

    def _chain(self, table: Table, name: str, depth: int) -> Hashable:
        """The form of a chain: endpoints beside each other whose rules are alike count once."""
        forms: list[Hashable] = []
        share = 1.0
        for rule in table.rules(name):
            if self._passes(rule):
                form, left = self._rule(table, rule, depth)
                share *= left
                if not forms or forms[-1] != form:
                    forms.append(form)
        return tuple(forms), share > NOTHING_LEFT


def _chance(rule: Rule) -> float | None:
    """The share of connections that a rule takes at random; None if it takes all it matches."""
    for match in rule.matches:
        for option in match.options if match.module == "statistic" else ():
            if option.name == "--probability" and not option.negated and len(option.values) == 1:
                try:
                    return min(max(float(option.values[0]), 0.0), 1.0)
                except ValueError:
                    return None
    return None


def _destination(rule: Rule) -> tuple[IP, int | None] | None:
    """Address and port of a DNAT to one address and at most one port."""
    texts = [option.values[0] for option in rule.target_options if option.name == "--to-destination" and option.values]
    found = _TARGET.fullmatch(texts[0]) if len(texts) == 1 else None
    address = ip(found["six"] or found["four"]) if found else None
    if found is None or address is None:
        return None
    port = found["p6"] or found["p4"]
    return address, int(port) if port else None
