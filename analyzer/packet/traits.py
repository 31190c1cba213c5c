"""What a world knows of single addresses and ports, and by what its rules can tell one address from another."""

from __future__ import annotations

import re
from collections.abc import Hashable

from analyzer.facts.address import CIDR, IP, cidr, ip
from analyzer.facts.firewall import Ipset, Match, NftObject, Rule
from analyzer.facts.routing import Neighbour, Route
from analyzer.packet.chains import single
from analyzer.packet.delivery import ANY_PORT
from analyzer.packet.gates import Gates, port_of
from analyzer.packet.spans import SPECIAL, Networks, Ports
from analyzer.packet.stack import Stack
from analyzer.packet.targets import NAT
from analyzer.packet.world import World

# Modules whose options hold neither addresses nor ports.
SILENT = {"comment", "statistic", "mark", "connmark", "addrtype", "state", "limit", "owner", "nfacct", "icmp", "icmp6"}
PORTED = {"tcp", "udp", "sctp", "dccp", "udplite", "multiport", ""}
_WORD = re.compile(r"[0-9a-fA-F]*[.:][0-9a-fA-F.:]*(?:/[0-9]+)?(?:-[0-9a-fA-F.:]+)?")
_NAME = re.compile(r"[\w.@-]+")
_NUMBER = re.compile(r"(?<![\w.:])[0-9]{1,5}(?:-[0-9]{1,5})?(?![\w.:])")


class Traits:
    """Everything in one world that can treat one pod's address, or one Service's, unlike another's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.networks, self.ports = Networks(), Ports()
        self.by_rules = Networks()  # without those that only routes and interfaces name
        self._named_by: dict[CIDR, str | None] = {}  # the namespace whose rules alone name a network
        self.named: set[int] = set()  # addresses that an option of a rule names
        self.apart: set[tuple[str, str]] = set()  # interfaces that a rule singles out otherwise than as a gate
        self.wildcards: dict[str, set[str]] = {}
        self.members: dict[tuple[str, int], list[tuple[str, str]]] = {}
        self.routes: dict[IP, list[tuple[str, Route]]] = {}
        self.neighbours: dict[IP, list[tuple[str, Neighbour]]] = {}
        self.settings: dict[str, dict[str, set[tuple[str, int | None]]]] = {}
        self._gates: dict[tuple[str, int], Gates] = {}
        self._filtering: dict[int, list[tuple[str, Gates]]] = {}
        self._devices: dict[str, set[str]] = {}
        for (name, dev), ends in world.links.items():
            to_pod = any(other in world.stacks and world.stacks[other].pod for other, _ in ends)
            if to_pod and not dev.startswith(ANY_PORT) and not world.stacks[name].pod:
                self._devices.setdefault(name, set()).add(dev)
        for network in SPECIAL:
            self._by_all(network)
        self.of_pods = Networks()
        for network in world.cluster.pod_cidrs:
            self.networks.add(network)
            self.of_pods.add(network)
        for network in world.cluster.service_cidrs:
            self._by_all(network)
        for stack in world.stacks.values():
            self._read_stack(stack)
        sets = self._read_rules()
        if sets:
            self._read_sets()
        for thing in world.facts.of(NftObject):
            self._read_text(thing.text)
            if (place := thing.netns or thing.node or "") in world.stacks:
                self._read_names(world.stacks[place], thing.text)

    def named_by(self, network: CIDR) -> str | None:
        """The namespace whose rules name a network, if nobody else's do, nor an option, a set or the cluster."""
        return self._named_by.get(network)

    def to_pods(self, stack: Stack) -> set[str]:
        """The interfaces of a namespace that lead to pods."""
        return self._devices.get(stack.name, set())

    def _by_all(self, network: CIDR) -> None:
        """A network that is known otherwise than by the rules of one namespace."""
        self.networks.add(network)
        self.by_rules.add(network)
        self._named_by[network] = None

    def gates(self, stack: Stack, family: int) -> Gates:
        """The rules of a namespace, split."""
        key = (stack.name, family)
        if key not in self._gates:
            self._gates[key] = Gates(self.world.filters(stack, family), self.to_pods(stack))
        return self._gates[key]

    def filtering(self, family: int) -> list[tuple[str, Gates]]:
        """Every namespace that has rules."""
        if family not in self._filtering:
            dumped = [(name, stack) for name, stack in self.world.stacks.items() if not stack.assumed]
            found = [(name, self.gates(stack, family)) for name, stack in dumped]
            self._filtering[family] = [(name, gates) for name, gates in found if not gates.empty]
        return self._filtering[family]

    def device(self, stack: Stack, dev: str) -> Hashable:
        """What is known of an interface that leads to a pod, but its name."""
        interface, port = stack.interfaces.get(dev), stack.ports.get(dev)
        return (
            interface
            and (interface.kind, interface.mtu, interface.up, interface.lower_up, interface.promiscuous,
                 interface.master, interface.nf_call_iptables, interface.vlan_filtering),
            port and (port.bridge, port.hairpin, port.isolated, port.state),
            dev[:3],  # plugins are known by how the names of their interfaces begin
            frozenset(self.settings.get(stack.name, {}).get(dev, ())),
            tuple(sorted(one for one in self.wildcards.get(stack.name, ()) if dev.startswith(one))),
        )  # fmt: skip

    def _read_stack(self, stack: Stack) -> None:
        for own in stack.addresses:
            if own.network is not None:
                self.networks.add(own.network)
        for route in stack.routes:
            self.networks.add(route.destination)
            if route.destination.prefixlen == route.destination.max_prefixlen:
                self.routes.setdefault(route.destination.network_address, []).append((stack.name, route))
        for rule in stack.rules:
            self._read_text(rule.selector)
            self._read_names(stack, rule.selector)
        for (_, address), entry in stack.neighbours.items():
            self.neighbours.setdefault(address, []).append((stack.name, entry))
        devices = self._devices.get(stack.name)
        for name, setting in stack.sysctls.items() if devices else ():
            parts = name.split(".")
            if name.startswith("net.ipv") and len(parts) >= 5:
                dev = ".".join(parts[3:-1])
                found = self.settings.setdefault(stack.name, {}).setdefault(dev, set())
                found.add((f"{parts[1]} {parts[-1]}", setting.number))

    def _read_rules(self) -> bool:
        """Reads every rule; whether any asks for a set."""
        sets = False
        seen: set[int] = set()  # rules of one text share their networks and matches
        chains = self.world.facts.index(Rule, ("node", "netns", "backend", "family", "table", "chain"))
        for (node, netns, backend, family, table, chain), rules in chains.items():
            stack = self.world.stacks.get(netns or node or "")
            if stack is None:
                continue
            is_open = (node, netns, backend or None, family, table, chain) in self.gates(stack, family).open
            devices = self.to_pods(stack)
            for rule in rules:
                for network in (rule.source, rule.destination):
                    if network is None or single(network):
                        continue
                    if self._named_by.setdefault(network, stack.name) != stack.name:
                        self._named_by[network] = None
                    if id(network) not in seen:
                        seen.add(id(network))
                        self.networks.add(network)
                        self.by_rules.add(network)
                to, of = single(rule.destination), single(rule.source)
                asked = (to and not rule.not_destination) or (of and not rule.not_source)
                if to and (rule.not_destination or of):
                    self._name(rule.destination)
                if of and (rule.not_source or to):
                    self._name(rule.source)
                port = any(port_of(match) is not None for match in rule.matches)
                if rule.in_interface is not None or rule.out_interface is not None:
                    self._read_devices(stack, rule, devices, bool(asked) or port)
                gate = is_open or (to and not rule.not_destination)
                if is_open and rule.target_options:
                    self._read_target(rule)
                for match in rule.matches:
                    if match.module in SILENT or (gate and port_of(match) is not None):
                        continue
                    if match.module != "physdev" and id(match) in seen:
                        continue  # but ports of bridges are those of one namespace
                    seen.add(id(match))
                    sets = sets or match.module == "set"
                    self._read_match(stack, match)
        return sets

    def _read_target(self, rule: Rule) -> None:
        """The addresses that a rule which anybody may meet puts in the place of others."""
        for option in rule.target_options if rule.target in NAT else ():
            for part in (part for value in option.values for part in value.split("-")):
                bracketed = part.startswith("[")
                host = part[1:].partition("]")[0] if bracketed else part if part.count(":") > 1 else part.split(":")[0]
                address = ip(host)
                if address is not None:
                    self.named.add(int(address))

    def _read_match(self, stack: Stack, match: Match) -> None:
        for option in match.options:
            words = [word for value in option.values for word in value.split(",")]
            if match.module in PORTED and "port" in option.name:
                for word in words:
                    self.ports.add(word)
            elif match.module == "physdev":
                self.apart |= {(stack.name, word) for word in words}
            else:
                for word in words:
                    self._read_word(word)

    def _name(self, network: CIDR | None) -> None:
        """An address that a rule knows of which the rule is no gate."""
        if network is not None:
            self.named.add(int(network.network_address))

    def _read_devices(self, stack: Stack, rule: Rule, devices: set[str], gate: bool) -> None:
        """The interfaces of a rule; of a `gate` for addresses or ports they are not compared."""
        for name, negated in (
            (rule.in_interface, rule.not_in_interface),
            (rule.out_interface, rule.not_out_interface),
        ):
            if name is None:
                continue
            if name.endswith("+"):
                self.wildcards.setdefault(stack.name, set()).add(name[:-1])
            elif (negated or gate) and name in devices:
                self.apart.add((stack.name, name))

    def _read_word(self, word: str) -> None:
        """A word of an option: an address, a network, a range of either, a port."""
        low, dash, high = word.partition("-")
        start, end = ip(low), ip(high) if dash else None
        if start is not None and end is not None and start.version == end.version:
            self.networks.add_range(start, end)
            self.by_rules.add_range(start, end)
        elif start is not None:
            self.named.add(int(start))
        elif (network := cidr(word)) is not None:
            self._by_all(network)
            if network.num_addresses == 1:
                self.named.add(int(network.network_address))
        else:
            self.ports.add(word)

    def _read_text(self, text: str) -> None:
        """Words of a language that is not taken apart here: whatever may be an address or a number."""
        for word in _WORD.findall(text):
            self._read_word(word)
        for word in _NUMBER.findall(text):
            self.ports.add(word)

    def _read_names(self, stack: Stack, text: str) -> None:
        """Interfaces that lead to pods, where such a language names them."""
        devices = self.to_pods(stack)
        if devices:
            self.apart |= {(stack.name, word) for word in _NAME.findall(text) if word in devices}

    def _read_sets(self) -> None:
        for one in self.world.facts.of(Ipset):
            place = one.netns or one.node or ""
            for member in one.members:
                first, _, rest = member.partition(" ")
                for number, word in enumerate(first.split(",")):
                    network = cidr(word)
                    if network is None:
                        low, dash, high = word.partition("-")
                        start, end = ip(low), ip(high)
                        if dash and start is not None and end is not None:
                            self.networks.add_range(start, end)
                            self.by_rules.add_range(start, end)
                        continue
                    self._by_all(network)
                    if network.num_addresses == 1:
                        others = ",".join(w for n, w in enumerate(first.split(",")) if n != number)
                        found = self.members.setdefault((place, int(network.network_address)), [])
                        found.append((one.name, f"{number} {others} {rest}"))

    def of_address(self, address: IP, dev: str = "", only: tuple[str, ...] = ()) -> Hashable:
        """What namespaces (`only` these) say of one address: routes to it, neighbours, interfaces that bear it.

        `dev` is the interface that leads to it.
        """
        if not self.members and address not in self.routes and address not in self.neighbours:
            return None
        routes = tuple(
            (name, route.table, route.type, route.via, "own" if route.dev == dev else route.dev, route.source_ip,
             route.scope, route.protocol, route.metric, route.onlink, route.dead, route.mtu, route.multipath)
            for name, route in self.routes.get(address, ())
            if not only or name in only
        )  # fmt: skip
        neighbours = tuple(
            (name, "own" if entry.dev == dev else entry.dev, acquainted(entry))
            for name, entry in self.neighbours.get(address, ())
            if not only or name in only
        )
        members = tuple(
            (name, tuple(self.members[name, int(address)]))
            for name in (only or self.world.stacks if self.members else ())
            if (name, int(address)) in self.members
        )
        return routes, neighbours, members


def acquainted(entry: Neighbour) -> Hashable:
    """Whether a neighbour is known; a static entry counts with its hardware address."""
    if entry.state in ("PERMANENT", "NOARP"):
        return entry.state, entry.mac
    return entry.state in ("FAILED", "INCOMPLETE"), bool(entry.mac) and entry.state is not None
