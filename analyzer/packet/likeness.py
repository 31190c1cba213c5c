"""Which connections to Services cannot differ in their fate, so that one that was followed speaks for the others.

A connection from one place to a Service is told by the form of the rules behind the Service's address on that node, and
by what the world knows of each endpoint's address. Names, addresses and ports that no rule can tell apart are left out.
What arrives speaks wider than what is lost: for connections from other nodes in the same position too.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import NamedTuple

from analyzer.facts.address import CIDR, IP, contains, ip
from analyzer.packet.aliases import Aliases
from analyzer.packet.delivery import ANY_PORT
from analyzer.packet.flow import Flow
from analyzer.packet.gates import Actor, Unlike
from analyzer.packet.header import protocol_number
from analyzer.packet.pairs import Pairs
from analyzer.packet.service_forms import Endpoint, ServiceForms
from analyzer.packet.stack import Stack
from analyzer.packet.trace import EPHEMERAL
from analyzer.packet.traits import Traits
from analyzer.packet.world import OUTSIDE, World


class Key:
    """What a connection to one endpoint of a Service is known by.

    Connections with equal `exact` keys share their fate. Of those with equal `wide` keys all arrive if one does; None
    is like nothing else.
    """

    def __init__(self, exact: Hashable, widen: Callable[[], Hashable | None]) -> None:
        self.exact = exact
        self._widen = widen

    @cached_property
    def wide(self) -> Hashable | None:
        """Asked seldom, as it costs more."""
        return self._widen()


Keys = dict[tuple[IP, int | None], Key]  # by address and port of the endpoint


class _Placed(NamedTuple):
    """A pod, its node, and the node's interface that leads to it."""

    pod: Stack
    host: Stack
    dev: str

    @property
    def shared(self) -> bool:
        """Whether the interface is any port of its bridge."""
        return self.dev.startswith(ANY_PORT)

    @property
    def near(self) -> tuple[str, str]:
        """The interface of the pod and its bridge; "" where there is none."""
        if self.shared:
            return "", self.dev.removeprefix(ANY_PORT)
        return self.dev, self.host.bridge_of(self.dev) or ""


class Likeness:
    """Compares connections in one world; there are no `keys` for what is like nothing else."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.traits = Traits(world)
        self.services = ServiceForms(self.traits, self._number)
        self.pairs = Pairs(self.traits, self._number)
        self._numbers: dict[Hashable, int] = {}
        self._endpoints: dict[tuple[IP, int, int], Hashable | None] = {}
        self._port_gates: dict[tuple[str, int, int, int], Hashable] = {}

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
            form, endpoints = self.services.of(self.world.stacks[node], address, proto, port)
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
                exact = (start, form, endpoint.form, known)
                keys[endpoint.address, endpoint.port] = Key(
                    exact,
                    lambda endpoint=endpoint: self._wide(flow, node, own, form, endpoint),  # type: ignore[misc]
                )
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

    def _endpoint(self, address: IP, proto: int, port: int) -> Hashable | None:
        key = (address, proto, port)
        if key not in self._endpoints:
            try:
                self._endpoints[key] = self._number(self._known(address, proto, port))
            except Unlike:
                self._endpoints[key] = None
        return self._endpoints[key]

    def _placed(self, address: IP) -> _Placed:
        """Where the pod of an address is. Raises Unlike for what is not a plain pod."""
        traits, world = self.traits, self.world
        stack = world.owner(address)
        if stack is None or not _plain(stack) or int(address) in traits.named:
            raise Unlike
        host = world.stacks[stack.host]
        links = world.links.get((stack.name, world.uplink(stack)), [])
        if len(links) != 1 or links[0][0] != host.name or (host.name, links[0][1]) in traits.apart:
            raise Unlike
        return _Placed(stack, host, links[0][1])

    def _known(self, address: IP, proto: int, port: int) -> Hashable:
        """All that the world knows of a pod's address. Raises Unlike for what is not a plain pod."""
        if port == EPHEMERAL:
            raise Unlike
        traits, placed = self.traits, self._placed(address)
        host, dev = placed.host, placed.dev
        actor = Actor(address, str(port), "" if placed.shared else dev)
        forms: list[Hashable] = [
            host.name,
            dev if placed.shared else traits.device(host, dev),
            traits.networks.of(address),
            traits.ports.of(port),
            tuple(self._at_port(name, address.version, proto, port) for name, _ in traits.filtering(address.version)),
            tuple((one.dev, one.scope, traits.networks.of(one.ip)) for one in placed.pod.addresses),
            traits.of_address(address, dev),
        ]
        for name, gates in traits.filtering(address.version):
            mine = actor if name == host.name else Actor(address, str(port))
            forms += [(name, gates.form(gate, mine)) for gate in gates.of(mine)]
        return tuple(forms)

    def _at_port(self, name: str, family: int, proto: int, port: int) -> Hashable:
        """What rules of one namespace that ask only for a port say of this one."""
        key = (name, family, proto, port)
        if key not in self._port_gates:
            nobody = Actor(ip("0.0.0.0" if family == 4 else "::"), str(port))  # type: ignore[arg-type]
            gates = self.traits.gates(self.world.stacks[name], family)
            found = tuple(gates.form(gate, nobody) for gate in gates.by_port.get((proto, port), ()))
            self._port_gates[key] = self._number(found)
        return self._port_gates[key]

    def _wide(self, flow: Flow, node: str, own: bool, form: int, endpoint: Endpoint) -> Hashable | None:
        """A key that connections between other nodes in the same position have too."""
        try:
            target = self._placed(endpoint.address)
            position = self.pairs.position(node, target.host.name)
            if endpoint.address.version != 4 or position is None:
                return None
            aliases = self.pairs.aliases(node, target.host.name)
            port, proto = endpoint.port or flow.dst_port or 0, protocol_number(flow.proto) or 0
            ports = tuple(self._at_port(stack.name, 4, proto, port) for stack in aliases.stacks)
            start = self._wide_start(flow, node, own, aliases, endpoint.address)
            pod = self._pod(target, endpoint.address, aliases, str(port), ip(flow.src_ip or ""))
        except Unlike:
            return None
        return position, start, form, endpoint.form, self._number((self.traits.ports.of(port), ports, pod))

    def _wide_start(self, flow: Flow, node: str, own: bool, aliases: Aliases, target: IP) -> Hashable:
        address, source = ip(flow.dst_ip), ip(flow.src_ip or "")
        assert address is not None
        if flow.src_node == OUTSIDE:
            return "outside", aliases.of(address)
        stack = self.world.stacks[flow.src_node or ""]
        known = self.traits.of_address(address, only=(node, stack.name)), stack.own.get(address)
        if own or source is None:
            return "own" if own else "node", known
        sender = self._placed(source)
        if stack is not sender.pod or sender.host.name != node:
            raise Unlike
        return self._number((known, self._pod(sender, source, aliases, "", target, address)))

    def _pod(self, placed: _Placed, address: IP, aliases: Aliases, port: str, *others: IP | None) -> Hashable:
        """What a pod is to both nodes; `others` are addresses it talks to. Raises Unlike."""
        if placed.host not in aliases.stacks:
            raise Unlike
        talks = [one for one in (*others, *aliases.order) if one is not None]
        return (
            aliases.stacks.index(placed.host),
            placed.dev if placed.shared else self.traits.device(placed.host, placed.dev),
            tuple(
                (own.dev, own.scope, own.network and own.network.prefixlen, _holds(own.network, talks))
                for own in placed.pod.addresses
                if own.ip.version == 4
            ),
            self.pairs.known(address, aliases, port, placed.near),
        )


def _holds(network: CIDR | None, addresses: list[IP]) -> Hashable:
    return None if network is None else tuple(contains(network, one) for one in addresses)


def _plain(stack: Stack) -> bool:
    """Whether nothing is known of a pod's namespace but what the API says."""
    seen = stack.sysctls or stack.neighbours or stack.routes or stack.ports
    return bool(stack.assumed) and not seen and not any(one.origin.path for one in stack.interfaces.values())
