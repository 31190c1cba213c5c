"""Which connections to Services cannot differ in their fate, so that one that was followed speaks for the others.

A connection from one place to a Service is told by the form of the rules behind the Service's address on that node, and
by what the world knows of each endpoint's address. Names, addresses and ports that no rule can tell apart are left out.
"""

from __future__ import annotations

import re
from collections.abc import Hashable

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.firewall import Rule
from analyzer.packet.chains import Table
from analyzer.packet.delivery import ANY_PORT
from analyzer.packet.flow import Flow
from analyzer.packet.gates import DEPTH, Actor, Gate, Gates, Unlike, matches, port_of
from analyzer.packet.header import protocol_number
from analyzer.packet.stack import Stack
from analyzer.packet.trace import EPHEMERAL
from analyzer.packet.traits import Traits
from analyzer.packet.world import OUTSIDE, World

_TARGET = re.compile(r"\[(?P<six>[0-9a-fA-F:.]+)\](?::(?P<p6>[0-9]{1,5}))?|(?P<four>[0-9.]+)(?::(?P<p4>[0-9]{1,5}))?")
NOTHING_LEFT = 1e-6  # of the connections, behind the last endpoint of a Service


class Endpoint(msgspec.Struct, frozen=True):
    """Where a rule sends connections: the form of its chain, the address, the port (None: it stays as it was)."""

    form: Hashable
    address: IP
    port: int | None


# A key for each endpoint of a Service as seen from one place: connections with equal keys share their fate.
Keys = dict[tuple[IP, int | None], Hashable]


class Likeness:
    """Compares connections in one world; there are no `keys` for what is like nothing else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.traits = Traits(world)
        self._numbers: dict[Hashable, int] = {}
        self._behind: dict[tuple[object, ...], Endpoint | None] = {}
        self._endpoints: dict[tuple[IP, int, int], Hashable | None] = {}
        self._port_gates: dict[tuple[int, int, int], Hashable] = {}
        self._last: tuple[object, tuple[int, list[Endpoint]]] = (None, (0, []))

    def keys(self, flow: Flow, node: str, own: bool = False) -> Keys:
        """The keys of a new connection that is translated on `node`; `own`: only of the one that leads back."""
        address, proto, port = ip(flow.dst_ip), protocol_number(flow.proto), flow.dst_port
        if address is None or proto not in (6, 17) or port is None or flow.kind != "new":
            return {}
        if int(address) in self.traits.named or EPHEMERAL in (port, flow.src_port):
            return {}
        keys: Keys = {}
        try:
            start = self._start(flow, node, address, own)
            form, endpoints = self._translated(node, address, proto, port)
        except Unlike:
            return {}
        for endpoint in endpoints:
            itself = str(endpoint.address) == flow.src_ip
            if itself and not own:
                return {}  # reaching itself is a matter of its own
            if itself or not own:
                known = self._endpoint(endpoint.address, proto, endpoint.port or port)
                if known is None:
                    return {}
                keys[endpoint.address, endpoint.port] = (start, form, endpoint.form, known)
        return keys

    def _number(self, form: Hashable) -> int:
        return self._numbers.setdefault(form, len(self._numbers))

    def _start(self, flow: Flow, node: str, address: IP, own: bool) -> Hashable:
        """Where a connection starts, and what is known of the Service's address on the way to the node.

        A pod that asks for itself is told by what is known of it as an endpoint.
        """
        world, name = self.world, flow.src_node or ""
        start = world.stacks.get(name)
        if name != OUTSIDE and start is None:
            raise Unlike
        if start is not None and start.pod and not self.traits.gates(start, address.version).empty:
            raise Unlike
        owned = start.own.get(address) if start is not None else flow.dst_ip
        known = self.traits.of_address(address, only=(node, name))
        return ("own", node, owned, known) if own else (node, name, flow.src_ip, owned, known)

    def _translated(self, node: str, address: IP, proto: int, port: int) -> tuple[int, list[Endpoint]]:
        """The form of the rules that a packet for a Service meets on a node, and the endpoints behind them."""
        asked = (node, address, proto, port)
        if self._last[0] != asked:
            self._last = asked, self._read_service(self.world.stacks[node], address, proto, port)
        return self._last[1]

    def _read_service(self, node: Stack, address: IP, proto: int, port: int) -> tuple[int, list[Endpoint]]:
        gates = self.traits.gates(node, address.version)
        actor = Actor(address, str(port))
        reading = _Reading(self, gates, actor, proto)
        forms: list[Hashable] = [self.traits.networks.of(address), self.traits.ports.of(port), proto]
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

    def _endpoint(self, address: IP, proto: int, port: int) -> Hashable | None:
        key = (address, proto, port)
        if key not in self._endpoints:
            try:
                self._endpoints[key] = self._number(self._known(address, proto, port))
            except Unlike:
                self._endpoints[key] = None
        return self._endpoints[key]

    def _known(self, address: IP, proto: int, port: int) -> Hashable:
        """All that the world knows of a pod's address. Raises Unlike for what is not a plain pod."""
        traits, world = self.traits, self.world
        stack = world.owner(address)
        if stack is None or not _plain(stack) or int(address) in traits.named or port == EPHEMERAL:
            raise Unlike
        host = world.stacks[stack.host]
        links = world.links.get((stack.name, world.uplink(stack)), [])
        if len(links) != 1 or links[0][0] != host.name:
            raise Unlike
        dev = links[0][1]
        if (host.name, dev) in traits.apart:
            raise Unlike
        shared = dev.startswith(ANY_PORT)
        actor = Actor(address, str(port), "" if shared else dev)
        forms: list[Hashable] = [
            host.name,
            dev if shared else traits.device(host, dev),
            traits.networks.of(address),
            traits.ports.of(port),
            self._at_port(address.version, proto, port),
            tuple((one.dev, one.scope, traits.networks.of(one.ip)) for one in stack.addresses),
            traits.of_address(address, dev),
        ]
        for name, gates in traits.filtering(address.version):
            mine = actor if name == host.name else Actor(address, str(port))
            forms += [(name, gates.form(gate, mine)) for gate in gates.of(mine)]
        return tuple(forms)

    def _at_port(self, family: int, proto: int, port: int) -> Hashable:
        """What rules that ask only for a port say of this one, anywhere."""
        key = (family, proto, port)
        if key not in self._port_gates:
            nobody = Actor(ip("0.0.0.0" if family == 4 else "::"), str(port))  # type: ignore[arg-type]
            forms = tuple(
                (name, gates.form(gate, nobody))
                for name, gates in self.traits.filtering(family)
                for gate in gates.by_port.get((proto, port), ())
            )
            self._port_gates[key] = self._number(forms)
        return self._port_gates[key]


def _plain(stack: Stack) -> bool:
    """Whether nothing is known of a pod's namespace but what the API says."""
    seen = stack.sysctls or stack.neighbours or stack.routes or stack.ports
    return bool(stack.assumed) and not seen and not any(one.origin.path for one in stack.interfaces.values())


class _Reading:
    """Reads the rules that a packet for one Service meets on one node: their form, and the endpoints behind them."""

    def __init__(self, likeness: Likeness, gates: Gates, actor: Actor, proto: int) -> None:
        self.endpoints: list[Endpoint] = []
        self._likeness, self._gates, self._actor, self._proto = likeness, gates, actor, proto

    def gate(self, gate: Gate) -> list[Hashable]:
        """The form of a gate; nothing if no packet for the Service passes it."""
        if not self._passes(gate.rule):
            return []
        form, _ = self._rule(gate.table, gate.rule, 0)
        return [(gate.table.key[2], gate.table.name, gate.chain, gate.slot, form)]

    def _passes(self, rule: Rule) -> bool:
        """Whether a packet for this address, protocol and port may match a rule."""
        to = rule.destination
        single = to is not None and to.prefixlen == to.max_prefixlen and not rule.not_destination
        if single and to is not None and to.network_address != self._actor.address:
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
        endpoint = self._likeness.behind(self._gates, table, name)
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
