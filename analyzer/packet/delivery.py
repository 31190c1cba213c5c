"""Where a frame ends: who hears it on the links and bridges behind an interface, and who answers for an address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from analyzer.facts.address import IP
from analyzer.packet.stack import Stack

if TYPE_CHECKING:
    from analyzer.packet.world import World

ANY_PORT = "?"  # the port of a pod that no dump tells: it stands for all ports of its bridge
FEW = 8  # other ends of an interface, up to which each is asked whether it has an address

Place = tuple[str, str]  # a namespace and one of its interfaces


class Hop(msgspec.Struct, frozen=True):
    """A frame's passage through one bridge: in by a port (None: from the bridge's own stack), out by a port."""

    stack: str
    bridge: str
    entered: str | None
    left: str | None


class Delivery(msgspec.Struct, frozen=True):
    """Where a frame ends: the bridges on the way, the namespace and interface; `stack` None: nobody answers."""

    hops: tuple[Hop, ...]
    stack: str | None
    dev: str = ""


class Deliveries:
    """The ends of frames in one world; each is sought once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[tuple[str, str, IP], Delivery] = {}
        self._heeding: dict[Place, set[Place]] = {}

    def find(self, stack: Stack, dev: str, target: IP, entered: str | None = None) -> Delivery:
        """Who gets a frame for `target` that leaves by `dev` (a bridge: by any of its ports), and by which bridges.

        `entered` is the port by which a bridged frame came in, if it did.
        """
        key = (stack.name, f"{dev}<{entered}", target)
        known = self._known.get(key)
        if known is None:
            known = self._search(stack, dev, target, entered)
            self._known[key] = known
        return known

    def _search(self, stack: Stack, dev: str, target: IP, entered: str | None) -> Delivery:
        seen: set[Place] = set()
        queue: list[tuple[Stack, str, tuple[Hop, ...]]] = []

        def leave(bridge_stack: Stack, bridge: str, came: str | None, before: tuple[Hop, ...]) -> None:
            ports = [name for name, port in bridge_stack.ports.items() if port.bridge == bridge]
            if (bridge_stack.name, f"{ANY_PORT}{bridge}") in self._world.links:
                ports.append(f"{ANY_PORT}{bridge}")
            for port in ports:
                step = (*before, Hop(bridge_stack.name, bridge, came, port))
                queue.append((bridge_stack, port, step))

        if stack.is_bridge(dev):
            leave(stack, dev, entered, ())
        else:
            queue.append((stack, dev, ()))
        while queue:
            here, out, hops = queue.pop(0)
            if (here.name, out) in seen:
                continue
            seen.add((here.name, out))
            for other, port in self._hearing((here.name, out), target):
                there = self._world.stacks.get(other)
                if there is None:
                    continue
                bridge = port[1:] if port.startswith(ANY_PORT) else there.bridge_of(port)
                if self._world.routing(there).local(target):
                    if bridge:
                        return Delivery((*hops, Hop(other, bridge, port, None)), other, bridge)
                    return Delivery(hops, other, port)
                if bridge:
                    leave(there, bridge, port, hops)
                elif self._answers_for_all(there, port, target, here, out):
                    return Delivery(hops, other, port)
        return Delivery((), None)

    def _hearing(self, place: Place, target: IP) -> Iterable[Place]:
        """The other ends of an interface that may answer for an address.

        On a large network these are who has it, and who may answer for more than its own addresses.
        """
        ends = self._world.links.get(place, [])
        if len(ends) <= FEW:
            return ends
        if place not in self._heeding:
            asker = self._world.stacks[place[0]]
            self._heeding[place] = {end for end in ends if asker.pod or self._heeds(*end)}
        heeding, near = self._heeding[place], {name for name, _ in self._world.owners.get(target, ())}
        return [end for end in ends if end[0] in near or end in heeding]

    def _heeds(self, name: str, port: str) -> bool:
        """Whether an interface may take frames for what is not an address of its namespace."""
        there = self._world.stacks.get(name)
        if there is None:
            return False
        if port.startswith(ANY_PORT) or there.bridge_of(port) or any(there.interface_setting(port, "proxy_arp")):
            return True
        return any(
            route.type in ("local", "anycast")
            and not route.destination.network_address.is_loopback
            and route.destination.network_address not in there.own
            for route in there.routes
        )

    def _answers_for_all(self, there: Stack, port: str, target: IP, asker: Stack, dev: str) -> bool:
        """Whether an interface answers for addresses that are not its own (proxy ARP; Calico's 169.254.1.1)."""
        known = asker.neighbours.get((dev, target))
        if any(there.interface_setting(port, "proxy_arp")):
            return (known is not None and known.mac is not None) or self._proxies(there, port, target)
        calico = port.startswith("cali") and str(target) in ("169.254.1.1", "fe80::ecee:eeff:feee:eeee")
        return asker.pod and not there.pod and (calico or not asker.interfaces or bool(asker.assumed))

    def _proxies(self, there: Stack, port: str, target: IP) -> bool:
        """Proxy ARP answers only where the interface forwards, and for what is routed by another interface."""
        forwarding = there.sysctls.get(f"net.ipv4.conf.{port}.forwarding")
        if forwarding is not None and forwarding.number == 0:
            return False
        way = self._world.routing(there).look_up(target, iif=port)
        return bool(way.missing) or (way.type == "unicast" and way.dev != port)
