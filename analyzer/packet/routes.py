"""Route look-ups as the kernel does them: rules, tables, longest prefix; local addresses; the reverse path."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec

from analyzer.facts.address import CIDR, IP, cidr, contains
from analyzer.facts.routing import Route, RoutingRule
from analyzer.packet import source_address
from analyzer.packet.header import Packet, protocol_number
from analyzer.packet.stack import Stack, hop

NUMBERED = {"255": "local", "254": "main", "253": "default"}
FAILING = ("unreachable", "prohibit", "blackhole")


class Way(msgspec.Struct, frozen=True):
    """What a look-up found: `type` of the route, its hops (next hop, interface, weight) and the route; None: no route.

    `missing` says what would have to be known; the rest means nothing then.
    """

    type: str | None
    hops: tuple[tuple[IP | None, str | None, int], ...] = ()
    route: Route | None = None
    missing: str = ""

    @property
    def dev(self) -> str | None:
        """The outgoing interface of the first hop."""
        return self.hops[0][1] if self.hops else None


class Table:
    """The routes of one table and family by prefix length and network."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_length: dict[int, dict[int, list[Route]]] = {}
        self._bits = 32
        for route in routes:
            if route.dead:
                continue
            self._bits = route.destination.max_prefixlen
            group = self._by_length.setdefault(route.destination.prefixlen, {})
            group.setdefault(int(route.destination.network_address), []).append(route)
        for group in self._by_length.values():
            for found in group.values():
                found.sort(key=lambda route: route.metric)
        self._lengths = sorted(self._by_length, reverse=True)

    def candidates(self, address: IP, shortest: int = -1) -> Iterable[Route]:
        """Routes that cover an address: longest prefix first, then lowest metric."""
        value = int(address)
        for length in self._lengths:
            if length <= shortest:
                return
            shift = self._bits - length
            yield from self._by_length[length].get(value >> shift << shift, ())


class Routing:
    """The routing of one namespace."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @cached_property
    def tables(self) -> dict[tuple[str, int], Table]:
        """Tables by name and family; `local` is derived from the addresses where the dump left it out."""
        grouped: dict[tuple[str, int], list[Route]] = {}
        for route in self.stack.routes:
            name = NUMBERED.get(route.table, route.table)
            grouped.setdefault((name, route.destination.version), []).append(route)
        for family in (4, 6):
            if ("local", family) not in grouped:
                grouped["local", family] = list(_local_routes(self.stack, family))
            if not self.known and ("main", family) not in grouped:
                grouped["main", family] = list(_connected(self.stack, family))
        return {key: Table(routes) for key, routes in grouped.items()}

    @cached_property
    def known(self) -> bool:
        """Whether the main table was dumped; a pod without a dump has what every CNI gives it."""
        return bool(self.stack.routes) or self.stack.collected("Route")

    def kind(self, address: IP) -> str:
        """What table local says of an address: local, broadcast, multicast, else unicast."""
        if address.is_multicast:
            return "multicast"
        if address.version == 4 and int(address) in (0, 0xFFFFFFFF):
            return "broadcast"
        for route in self.tables["local", address.version].candidates(address):
            return route.type
        return "unicast"

    def local(self, address: IP) -> bool:
        """Whether packets to an address end in this namespace."""
        return self.kind(address) in ("local", "anycast")

    def look_up(
        self,
        dst: IP,
        *,
        src: IP | None = None,
        mark: int = 0,
        iif: str = "lo",
        oif: str | None = None,
        packet: Packet | None = None,
    ) -> Way:
        """The way to an address; `iif` is "lo" for what this namespace sends itself."""
        for table, shortest, rule in self._asked(dst, src, mark, iif, oif, packet):
            if table is None:
                return Way(None, missing=f"ip rule selector {rule.selector!r} on {self.stack.name}" if rule else "")
            if table in FAILING:
                return Way(table)
            routes = self.tables.get((table, dst.version))
            if routes is None:
                continue
            for route in routes.candidates(dst, shortest):
                if oif is not None and route.type == "unicast" and route.dev not in (None, oif):
                    continue
                if route.type == "throw":
                    break
                if route.type in FAILING:
                    return Way(route.type, route=route)
                return self._found(route)
        if not self.known and not self.stack.pod:
            return Way(None, missing=f"ip route show table all on {self.stack.name}")
        return Way(None)

    def _found(self, route: Route) -> Way:
        hops = [(route.via, route.dev, 1)] if route.dev or route.via else []
        hops += [hop(text) for text in route.multipath if "dead" not in text.split()]
        usable = [item for item in hops if not self._down(item[1])]
        # A router takes the anycast address of its network (the first one) as its own.
        return Way("local" if route.type == "anycast" else route.type, tuple(usable or hops), route)

    def _down(self, dev: str | None) -> bool:
        interface = self.stack.interfaces.get(dev or "")
        return interface is not None and interface.up is False

    def _asked(
        self, dst: IP, src: IP | None, mark: int, iif: str, oif: str | None, packet: Packet | None
    ) -> Iterable[tuple[str | None, int, RoutingRule | None]]:
        rules = [rule for rule in self.stack.rules if rule.family in (None, dst.version)]
        if not rules:
            yield from ((name, -1, None) for name in ("local", "main", "default"))
            return
        for rule in rules:
            verdict, shortest = selects(rule, dst, src, mark, iif, oif, packet)
            if verdict is None:
                yield None, -1, rule
                return
            if not verdict:
                continue
            if rule.action in FAILING:
                yield rule.action, -1, rule
            elif rule.table:
                yield NUMBERED.get(rule.table, rule.table), shortest, rule

    @cached_property
    def custom_rules(self) -> bool:
        """Whether `ip rule` holds more than the three rules of every namespace."""
        return any(rule.priority not in (0, 32766, 32767) for rule in self.stack.rules if rule.family in (None, 4))

    def source_for(self, way: Way, dst: IP) -> IP | None:
        """The source address the kernel picks for a packet that takes this way."""
        if way.route is not None and way.route.source_ip is not None:
            return way.route.source_ip
        if way.type == "local":
            return dst
        via, dev, _ = way.hops[0] if way.hops else (None, None, 1)
        return self.pick_address(dev, via, dst)

    def pick_address(self, dev: str | None, via: IP | None, dst: IP) -> IP | None:
        """The address of an interface for a next hop (inet_select_addr); another interface's if it has none."""
        if dst.version == 6:
            return source_address.select(self.stack.addresses, dev, dst)
        towards = via or dst
        first: IP | None = None
        fits = [item for item in self.stack.addresses if item.ip.version == towards.version and not item.secondary]
        for item in fits:
            if item.dev == dev and item.scope != "host":
                if item.network is not None and contains(item.network, towards):
                    return item.ip
                first = first or item.ip
        if first is not None:
            return first
        return next((item.ip for item in fits if item.scope in (None, "global") and item.dev != "lo"), None)


def selects(
    rule: RoutingRule, dst: IP, src: IP | None, mark: int, iif: str, oif: str | None, packet: Packet | None
) -> tuple[bool | None, int]:
    """Whether an `ip rule` selector fits (None: cannot be told), and its suppress_prefixlength (-1: none)."""
    words = rule.selector.split()
    inverted = bool(words) and words[0] == "not"
    fits: bool | None = True
    shortest = -1
    at = 1 if inverted else 0
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else ""
        at += 2
        match word:
            case "from" | "to":
                network = cidr(value)
                address = src if word == "from" else dst
                this = value == "all" or (network is not None and address is not None and contains(network, address))
            case "fwmark":
                wanted, _, mask = value.partition("/")
                bits = int(mask, 0) if mask else 0xFFFFFFFF
                this = (mark & bits) == int(wanted, 0)
            case "iif":
                this = iif == value
            case "oif":
                this = oif == value
            case "ipproto" if packet is not None:
                this = packet.proto == protocol_number(value)
            case "sport" | "dport" if packet is not None:
                port = packet.sport if word == "sport" else packet.dport
                low, _, high = value.partition("-")
                this = port is not None and int(low) <= port <= int(high or low)
            case "suppress_prefixlength":
                shortest = int(value) if value.isdigit() else -1
                continue
            case "lookup" | "table" | "proto" | "protocol":
                continue
            case "[detached]" | "unresolved":
                at -= 1
                continue
            case _:
                return None, -1
        fits = bool(fits and this)
    return (not fits if inverted else fits), shortest


def _local_routes(stack: Stack, family: int) -> Iterable[Route]:
    for address in stack.addresses:
        if address.ip.version != family:
            continue
        own = cidr(str(address.ip))
        if own is not None:
            yield Route(origin=address.origin, table="local", type="local", destination=own, dev=address.dev)
        network: CIDR | None = address.network
        if family == 4 and network is not None and network.prefixlen < 31:
            if address.dev == "lo":
                yield Route(origin=address.origin, table="local", type="local", destination=network, dev="lo")
            last = cidr(str(network.broadcast_address))
            if last is not None and address.dev != "lo":
                yield Route(origin=address.origin, table="local", type="broadcast", destination=last, dev=address.dev)


def _connected(stack: Stack, family: int) -> Iterable[Route]:
    if not stack.pod:
        return
    gateway = next((item for item in stack.assumed if item.ip.version == family), None)
    for item in stack.addresses:
        if item.ip.version == family and item.network is not None and item.dev != "lo" and item.scope != "link":
            if item.network.num_addresses > 1:
                yield Route(destination=item.network, dev=item.dev, scope="link", source_ip=item.ip)
            gateway = gateway or item
    everything = cidr("0.0.0.0/0" if family == 4 else "::/0")
    if gateway is not None and everything is not None:
        yield Route(destination=everything, dev=gateway.dev, protocol="assumed")
