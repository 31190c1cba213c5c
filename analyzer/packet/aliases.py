"""What the addresses of two nodes are called when pairs of nodes are compared: by whose they are, not by value."""

from __future__ import annotations

from collections.abc import Hashable, Set

from analyzer.facts.address import IP
from analyzer.packet.delivery import Delivery
from analyzer.packet.gates import Unlike
from analyzer.packet.stack import Stack
from analyzer.packet.world import World


class Aliases:
    """Names for the addresses of `one` node and the `other`; those in `named` a rule knows, they keep their value.

    `stacks` are both nodes (one, if it is the same), `order` their addresses of IPv4 but loopback.
    """

    def __init__(self, world: World, one: Stack, other: Stack, named: Set[int] = frozenset()) -> None:
        self.stacks = (one,) if one is other else (one, other)
        self.order: list[IP] = []
        self._owners = world.owners
        self._roles: dict[IP, Hashable] = {}
        self._macs: dict[str, Hashable] = {}
        self._numbers = {stack.name: number for number, stack in enumerate(self.stacks)}
        for number, stack in enumerate(self.stacks):
            for place, own in enumerate(stack.addresses):
                if own.ip.version == 4 and not own.ip.is_loopback:
                    self.order.append(own.ip)
                    shared = len(self._owners.get(own.ip, ())) > 1 or int(own.ip) in named
                    self._roles[own.ip] = str(own.ip) if shared else (number, place)
            for interface in stack.interfaces.values():
                if interface.mac:
                    mac = interface.mac.lower()
                    self._macs[mac] = mac if mac in self._macs else (number, interface.name)

    def role(self, address: IP) -> Hashable | None:
        """What an address of either node is called; None for others."""
        return self._roles.get(address)

    def of(self, address: IP | None) -> Hashable:
        """What an address is called: that of nobody in the cluster by its value. Raises Unlike for third parties'."""
        if address is None or address in self._roles:
            return None if address is None else self._roles[address]
        if address in self._owners:
            raise Unlike
        return str(address)

    def mac(self, mac: str | None) -> Hashable:
        """What a hardware address is called."""
        return None if mac is None else self._macs.get(mac.lower(), mac)

    def end(self, delivery: Delivery) -> Hashable:
        """Where a frame ends, and by which bridges it comes there. Raises Unlike where a third party is on the way."""
        hops = tuple((self._number(hop.stack), hop.bridge, hop.entered, hop.left) for hop in delivery.hops)
        return None if delivery.stack is None else (self._number(delivery.stack), delivery.dev, hops)

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            raise Unlike
        return self._numbers[name]
