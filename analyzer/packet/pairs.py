"""Two nodes in the same position as two others: what arrives between the one pair arrives between the other.

A connection from a place on one node to a pod of another meets the rules, routes, neighbours and settings of these two,
and of nobody else unless a route leads by a third. So pairs are compared by what each node knows of itself and of the
other, its own names, addresses and networks left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from ipaddress import IPv4Address

from analyzer.facts.address import CIDR, IP, contains
from analyzer.facts.firewall import Rule
from analyzer.facts.routing import Route
from analyzer.packet.aliases import Aliases
from analyzer.packet.chains import single
from analyzer.packet.gates import Actor, Unlike, matches
from analyzer.packet.stack import TUNNELS, Stack
from analyzer.packet.traits import Traits, acquainted
from analyzer.packet.tunnel import NO_MAC, kind_of
from analyzer.packet.world import World

NOBODY = Actor(IPv4Address(0))
ADDRESSES = 16  # of one node; whoever has more is not compared
COLLECTED = (
    "Interface", "InterfaceAddress", "Route", "RoutingRule", "Rule", "Chain", "Sysctl", "Neighbour", "FdbEntry",
    "BridgePort", "Ipset", "NftObject",
)  # fmt: skip
# The kernel settings that decide about packets of IPv4, by the last part of their names.
SETTINGS = frozenset({
    "accept_local", "arp_announce", "bridge-nf-call-ip6tables", "bridge-nf-call-iptables", "forwarding", "ip_forward",
    "proxy_arp", "route_localnet", "rp_filter", "src_valid_mark",
})  # fmt: skip


class Pairs:
    """Compares pairs of nodes in one world, for IPv4; `number` gives equal things equal numbers."""

    def __init__(self, traits: Traits, number: Callable[[Hashable], int]) -> None:
        self.traits, self.world = traits, traits.world
        self._number = number
        self._wholes: dict[str, int | None] = {}
        self._ranks: dict[str, dict[CIDR, int]] = {}
        self._aliases: dict[tuple[str, str], Aliases] = {}
        self._positions: dict[tuple[str, str], int | None] = {}
        self._holding: dict[IP, tuple[Hashable, list[tuple[str, Hashable]]]] = {}

    def position(self, one: str, other: str) -> int | None:
        """A number that pairs in the same position share; None for nodes that cannot be compared."""
        key = (one, other)
        if key not in self._positions:
            try:
                self._positions[key] = self._number(self._position(key))
            except Unlike:
                self._positions[key] = None
        return self._positions[key]

    def aliases(self, one: str, other: str) -> Aliases:
        """What the addresses of two nodes are called in their position."""
        key = (one, other)
        if key not in self._aliases:
            self._aliases[key] = Aliases(
                self.world, self.world.stacks[one], self.world.stacks[other], self.traits.named
            )
        return self._aliases[key]

    def known(self, address: IP, aliases: Aliases, port: str = "", devs: tuple[str, str] = ("", "")) -> Hashable:
        """What both nodes know of an address. `devs`: the host's interface to a pod and the bridge it is a port of.

        Raises Unlike where a third party has a say.
        """
        return (
            self._networks(address, aliases),
            tuple(self._view(stack, address, aliases, port, devs) for stack in aliases.stacks),
        )

    def _position(self, names: tuple[str, str]) -> Hashable:
        aliases = self.aliases(*names)
        wholes = tuple(self._whole(stack) for stack in aliases.stacks)
        gateway = self.world.default_gateway(aliases.stacks[0])
        addresses = [*aliases.order, *([] if gateway is None else [gateway[0]])]
        return len(aliases.stacks), wholes, tuple((aliases.of(one), self.known(one, aliases)) for one in addresses)

    def _whole(self, stack: Stack) -> Hashable:
        """What a node is by itself. Raises Unlike."""
        if stack.name not in self._wholes:
            whole = _Whole(self.traits, self.world, stack, self._rank(stack))
            try:
                self._wholes[stack.name] = self._number(whole.form())
            except Unlike:
                self._wholes[stack.name] = None
        if self._wholes[stack.name] is None:
            raise Unlike
        return self._wholes[stack.name]

    def _rank(self, stack: Stack) -> dict[CIDR, int]:
        """The networks that only the rules of this node name, numbered as they come."""
        if stack.name not in self._ranks:
            ranks: dict[CIDR, int] = {}
            for rules in self.traits.gates(stack, 4).open.values():
                for rule in rules:
                    for network in (rule.source, rule.destination):
                        if network is not None and self.traits.named_by(network) == stack.name:
                            ranks.setdefault(network, len(ranks))
            self._ranks[stack.name] = ranks
        return self._ranks[stack.name]

    def _networks(self, address: IP, aliases: Aliases) -> Hashable:
        """The networks of rules that hold an address; those of other nodes' rules alone concern nobody here."""
        if address not in self._holding:
            self._holding[address] = self._held(address)
        everywhere, own = self._holding[address]
        names = [stack.name for stack in aliases.stacks] if own else []
        return everywhere, tuple((names.index(owner), form) for owner, form in own if owner in names)

    def _held(self, address: IP) -> tuple[Hashable, list[tuple[str, Hashable]]]:
        """The networks that hold an address: by value, and those that only the rules of one node name, by node."""
        traits = self.traits
        everywhere: list[Hashable] = [traits.by_rules.edge(address), bool(traits.of_pods.holding(address))]
        own: list[tuple[str, Hashable]] = []
        for network in traits.by_rules.holding(address):
            owner = traits.named_by(network)
            if owner is None or owner not in self.world.stacks:
                everywhere.append(str(network))
            else:
                rank = self._rank(self.world.stacks[owner])
                own.append((owner, (network.prefixlen, rank.get(network, str(network)))))
        return tuple(everywhere), own

    def _view(self, at: Stack, address: IP, aliases: Aliases, port: str, devs: tuple[str, str]) -> Hashable:
        """What one node says of an address."""
        owner = self.world.owner(address)
        dev, bridge = devs if owner is not None and owner.pod and owner.host == at.name else ("", "")
        routes = tuple(
            (table, self._route(at, route, address, aliases, dev, bridge))
            for (table, family), routes in sorted(self.world.routing(at).tables.items())
            if family == 4
            for route in self._asked(at, routes.candidates(address))
        )
        actor = Actor(address, port, dev)
        gates = self.traits.gates(at, 4)
        return (
            routes,
            at.own.get(address),
            tuple(self._neighbour(at, near, address, aliases) for near in (dev, bridge)),
            tuple(gates.form(gate, actor) for gate in gates.of(actor)),
            tuple(self.traits.members.get((at.name, int(address)), ())),
        )

    def _asked(self, at: Stack, routes: Iterable[Route]) -> list[Route]:
        """The routes that may be taken: of those by one interface the first, unless an `ip rule` skips some."""
        if self.world.routing(at).custom_rules:
            return list(routes)
        first: dict[Hashable, Route] = {}
        for number, route in enumerate(routes):
            first.setdefault(route.dev if route.type == "unicast" else number, route)
        return list(first.values())

    def _route(self, at: Stack, route: Route, address: IP, aliases: Aliases, dev: str, bridge: str) -> Hashable:
        if route.multipath:
            raise Unlike
        leads = "own" if dev and route.dev == dev else route.dev
        return (
            route.type, route.destination.prefixlen, aliases.of(route.via), leads, aliases.of(route.source_ip),
            route.metric, route.onlink, route.mtu, self._hop(at, route, address, aliases, (dev, bridge)),
        )  # fmt: skip

    def _hop(self, at: Stack, route: Route, address: IP, aliases: Aliases, near: tuple[str, str]) -> Hashable:
        """Who is found behind a route, and from which address the question comes."""
        dev, target = route.dev, route.via or address
        if route.type != "unicast":
            return None
        if dev is None:
            raise Unlike
        asks = tuple(
            number
            for number, own in enumerate(at.addresses)
            if own.network is not None and own.ip.version == 4 and contains(own.network, target)
        )
        kind = kind_of(at.interfaces.get(dev), dev)
        if kind in TUNNELS:
            return kind, asks, self._tunnel(at, dev, target, aliases)
        if target == address and dev in near and dev:
            return asks  # a pod of this node, whose interface is compared
        return asks, self._neighbour(at, dev, target, aliases), aliases.end(self.world.deliveries.find(at, dev, target))

    def _neighbour(self, at: Stack, dev: str, target: IP, aliases: Aliases) -> Hashable:
        entry = at.neighbours.get((dev, target))
        if entry is None:
            return None
        fixed = entry.state in ("PERMANENT", "NOARP")
        return (entry.state, aliases.mac(entry.mac)) if fixed else acquainted(entry)

    def _tunnel(self, at: Stack, dev: str, target: IP, aliases: Aliases) -> Hashable:
        """How a tunnel finds its other end: by neighbour, then by forwarding database."""
        entry = at.neighbours.get((dev, target))
        mac = entry.mac.lower() if entry is not None and entry.mac else None
        ends = at.forwarding_entries.get((dev, mac), ()) if mac else ()
        flood = [one.dst for one in at.forwarding_entries.get((dev, NO_MAC), ()) if one.dst is not None]
        return (
            entry and (entry.state in ("FAILED", "INCOMPLETE"), aliases.mac(mac)),
            tuple(aliases.of(one.dst) for one in ends),
            aliases.of(flood[0]) if len(flood) == 1 else min(len(flood), 2),
            tuple(sorted(str(role) for one in flood if (role := aliases.role(one)) is not None)),
        )


class _Whole:
    """What one node is by itself: its rules that anybody meets, its interfaces, addresses and settings."""

    def __init__(self, traits: Traits, world: World, stack: Stack, ranks: dict[CIDR, int]) -> None:
        self._traits, self._world, self._stack, self._ranks = traits, world, stack, ranks
        self._aliases = Aliases(world, stack, stack)
        self._gates = traits.gates(stack, 4)
        bearing = {own.dev for own in stack.addresses if own.ip.version == 4}
        bearing |= {route.dev for route in stack.routes if route.dev and not single(route.destination)}
        self._pods = {
            name
            for name, one in stack.interfaces.items()
            if (one.kind == "veth" or one.peer_index is not None or name in traits.to_pods(stack))
            and name not in bearing
        }

    def form(self) -> Hashable:
        """Everything, to compare. Raises Unlike for nodes that are not plain."""
        stack, world = self._stack, self._world
        filters = world.filters(stack, 4)
        if stack.pod or stack.assumed or stack.virtual_servers or world.topology is not None or filters.unknown:
            raise Unlike
        if len(self._aliases.order) > ADDRESSES or not stack.knows_addresses:
            raise Unlike
        return (
            filters.tracks,
            tuple((one.family, one.table, one.kind, one.name, one.text) for one in filters.native),
            tuple(self._tables()),
            tuple((key[2], key[4], key[5], tuple(map(self._rule, rules))) for key, rules in self._gates.open.items()),
            self._interfaces(),
            tuple(
                (one.dev, self._aliases.of(one.ip), one.scope, one.secondary, one.network and one.network.prefixlen)
                for one in stack.addresses
                if one.ip.version == 4 and not one.ip.is_loopback
            ),
            tuple((one.family, one.priority, one.selector, one.action, one.table) for one in stack.rules),
            self._settings(),
            tuple(stack.collected(name) for name in COLLECTED),
            tuple(sorted((one.name, one.type) for one in stack.sets.values())),
            world.routing(stack).known,
        )

    def _tables(self) -> list[Hashable]:
        return [
            (table.backend, name, table.complete, tuple(sorted((c.name, c.policy) for c in table.declared.values()
             if c.policy is not None)))
            for name, tables in self._world.filters(self._stack, 4).tables.items()
            for table in tables
        ]  # fmt: skip

    def _rule(self, rule: Rule) -> Hashable:
        return (
            self._side(rule.source), rule.not_source, self._side(rule.destination), rule.not_destination,
            rule.protocol, rule.not_protocol, rule.in_interface, rule.not_in_interface,
            rule.out_interface, rule.not_out_interface, rule.fragment, rule.complete,
            matches(rule, NOBODY), rule.target, rule.target_options, rule.goto,
        )  # fmt: skip

    def _side(self, network: CIDR | None) -> Hashable:
        if network is None or single(network) or network not in self._ranks:
            return network and str(network)
        return network.prefixlen, self._ranks[network]

    def _interfaces(self) -> Hashable:
        """Interfaces in their order; those that lead, or led, to pods only by what they are."""
        stack, ends = self._stack, self._world.links
        named: list[Hashable] = []
        pods: set[Hashable] = set()
        for name, one in stack.interfaces.items():
            port = stack.ports.get(name)
            if name in self._pods:
                pods.add(port and (port.bridge, port.hairpin, port.isolated, port.state))
                continue
            named.append(
                (name, one.kind, one.mtu, one.up, one.lower_up, one.promiscuous, one.master, bool(one.mac), one.vni,
                 self._aliases.of(one.tunnel_local), self._aliases.of(one.tunnel_remote), one.tunnel_dev,
                 one.tunnel_port, one.nf_call_iptables, one.vlan_filtering,
                 port and (port.bridge, port.hairpin, port.isolated, port.state),
                 len(ends.get((stack.name, name), ())))
            )  # fmt: skip
        return tuple(named), frozenset(pods)

    def _settings(self) -> Hashable:
        """The settings that decide about packets, but those of interfaces that lead to pods."""
        found = []
        for name, fact in self._stack.sysctls.items():
            parts = name.split(".")
            dev = ".".join(parts[3:-1]) if parts[:3] == ["net", "ipv4", "conf"] else ""
            ours = name.startswith(("net.ipv4.", "net.bridge.")) and parts[-1] in SETTINGS
            if ours and dev not in self._pods:
                found.append((name, fact.number))
        return frozenset(found)
