"""One network namespace as the dumps show it: a node's own, or a pod's."""

from __future__ import annotations

import itertools
from functools import cached_property

from analyzer.facts.address import CIDR, IP, cidr, ip
from analyzer.facts.firewall import Ipset, VirtualServer
from analyzer.facts.nodes import Sysctl
from analyzer.facts.routing import (
    BridgePort,
    FdbEntry,
    Interface,
    InterfaceAddress,
    Listener,
    Neighbour,
    Route,
    RoutingRule,
)
from analyzer.facts.store import Facts

TUNNELS = ("vxlan", "ipip", "gre", "sit", "geneve", "wireguard")


class Stack:
    """A network namespace, read on demand from the facts.

    `name` is the node's name, or "<node>:<name>" for another namespace (`pod` is true then). A pod whose namespace was
    not dumped is given the address that the API knows (`assumed`). `wired` is true where the user told every link.
    """

    def __init__(
        self, facts: Facts, node: str | None, netns: str | None, assumed: tuple[InterfaceAddress, ...] = ()
    ) -> None:
        self.facts = facts
        self.node, self.netns = node, netns
        self.name = netns or node or ""
        self.pod = netns is not None
        self.host = netns.split(":", 1)[0] if netns else self.name
        self.assumed = assumed
        self.wired = False
        self._key = {"node": node, "netns": netns}
        self._collected: dict[str, bool] = {}
        self._of_interface: dict[tuple[str, str, int], tuple[int | None, int | None]] = {}

    def __repr__(self) -> str:
        return f"Stack({self.name})"

    def collected(self, fact: str) -> bool:
        """Whether facts of a type were collected completely here; what a pod is not asked for counts as absent."""
        if fact not in self._collected:
            self._collected[fact] = self._covered(fact)
        return self._collected[fact]

    def _covered(self, fact: str) -> bool:
        if self.netns is not None:
            # the dump of a host says nothing of the pods on it
            found = self.facts.coverage(fact, pod=self.netns)
            return any(entry.complete and (entry.pod == self.netns or entry.node is None) for entry in found)
        return any(entry.complete and entry.node == self.node for entry in self.facts.coverage(fact, node=self.node))

    def touched(self, fact: str) -> bool:
        """Whether anything of a type was collected here, in part at least."""
        if self.netns is not None:
            return any(entry.pod == self.netns for entry in self.facts.coverage(fact, pod=self.netns))
        return any(entry.node == self.node for entry in self.facts.coverage(fact, node=self.node))

    @cached_property
    def interfaces(self) -> dict[str, Interface]:
        """Interfaces by name; an interface that only an address names is made up."""
        found = {fact.name: fact for fact in self.facts.where(Interface, **self._key)}
        for address in self.addresses:
            found.setdefault(address.dev, Interface(node=None, netns=None, name=address.dev))
        return found

    @cached_property
    def addresses(self) -> tuple[InterfaceAddress, ...]:
        """Addresses of all interfaces, in the order of the dump."""
        return (*self.facts.where(InterfaceAddress, **self._key), *self.assumed)

    @cached_property
    def own(self) -> dict[IP, str]:
        """The interface of each own address."""
        return {address.ip: address.dev for address in reversed(self.addresses)}

    @cached_property
    def ports(self) -> dict[str, BridgePort]:
        """Bridge ports by interface, with the bridge filled in from the interface's master."""
        found = {}
        for port in self.facts.where(BridgePort, **self._key):
            found[port.dev] = port
        for name, interface in self.interfaces.items():
            master = interface.master
            if master and self.is_bridge(master):
                port = found.get(name) or BridgePort(dev=name)
                found[name] = BridgePort(
                    origin=port.origin,
                    node=port.node,
                    netns=port.netns,
                    dev=name,
                    bridge=port.bridge or master,
                    hairpin=port.hairpin,
                    isolated=port.isolated,
                    state=port.state,
                )
        return found

    def is_bridge(self, name: str) -> bool:
        """Whether an interface is a bridge, as far as its kind says, else by the ports that name it."""
        interface = self.interfaces.get(name)
        if interface is not None and interface.kind not in (None, "veth", "physical"):
            return interface.kind == "bridge"
        return any(port.bridge == name for port in self.facts.where(BridgePort, **self._key))

    def bridge_of(self, dev: str) -> str | None:
        """The bridge that an interface is a port of."""
        port = self.ports.get(dev)
        return port.bridge if port else None

    @cached_property
    def by_index(self) -> dict[int, str]:
        """Interface names by number."""
        return {item.index: name for name, item in self.interfaces.items() if item.index is not None}

    @cached_property
    def rules(self) -> tuple[RoutingRule, ...]:
        """Entries of `ip rule`, in order of priority."""
        return tuple(sorted(self.facts.where(RoutingRule, **self._key), key=lambda rule: rule.priority))

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every route of every table."""
        return tuple(self.facts.where(Route, **self._key))

    @cached_property
    def neighbours(self) -> dict[tuple[str, IP], Neighbour]:
        """Neighbour entries by interface and address."""
        return {(entry.dev, entry.ip): entry for entry in self.facts.where(Neighbour, **self._key)}

    @cached_property
    def forwarding_entries(self) -> dict[tuple[str, str], list[FdbEntry]]:
        """Forwarding database by interface and hardware address."""
        found: dict[tuple[str, str], list[FdbEntry]] = {}
        for entry in self.facts.where(FdbEntry, **self._key):
            found.setdefault((entry.dev, entry.mac.lower()), []).append(entry)
        return found

    @cached_property
    def direct(self) -> dict[IP, str]:
        """The interface of each address that a route leads to straight, as to a pod on an interface of its own."""
        found: dict[IP, str] = {}
        for route in self.routes:
            to = route.destination
            if to.prefixlen == to.max_prefixlen and route.dev and route.type == "unicast" and route.via is None:
                found.setdefault(to.network_address, route.dev)
        return found

    @cached_property
    def hardware(self) -> dict[IP, set[str]]:
        """The hardware addresses of neighbours."""
        found: dict[IP, set[str]] = {}
        for (_, address), entry in self.neighbours.items():
            if entry.mac:
                found.setdefault(address, set()).add(entry.mac.lower())
        return found

    @cached_property
    def learned(self) -> dict[str, str]:
        """The first bridge port behind which a hardware address was seen."""
        found: dict[str, str] = {}
        for (port, mac), entries in self.forwarding_entries.items():
            if port in self.ports and any(entry.master for entry in entries):
                found.setdefault(mac, port)
        return found

    @cached_property
    def sysctls(self) -> dict[str, Sysctl]:
        """Kernel settings by dotted name."""
        return {fact.name: fact for fact in self.facts.where(Sysctl, **self._key)}

    def setting(self, name: str, absent: int | None = None) -> int | None:
        """The number of a kernel setting; `absent` if a complete dump does not list it, or for a pod; else None."""
        fact = self.sysctls.get(name)
        if fact is not None:
            return fact.number
        return absent if self.pod or self.collected("Sysctl") else None

    def interface_setting(self, dev: str, name: str, family: int = 4) -> tuple[int | None, int | None]:
        """A setting of "all" and of one interface; the kernel combines them differently for each setting."""
        asked = (dev, name, family)
        if asked not in self._of_interface:
            tree = f"net.ipv{family}.conf"
            both = self.setting(f"{tree}.all.{name}", 0), self.setting(f"{tree}.{dev}.{name}", 0)
            self._of_interface[asked] = both
        return self._of_interface[asked]

    @cached_property
    def sets(self) -> dict[str, Ipset]:
        """Ipsets by name."""
        return {fact.name: fact for fact in self.facts.where(Ipset, **self._key)}

    @cached_property
    def virtual_servers(self) -> dict[tuple[IP, int, int], list[VirtualServer]]:
        """IPVS entries by address, port and protocol number."""
        found: dict[tuple[IP, int, int], list[VirtualServer]] = {}
        if self.netns is None:
            for entry in self.facts.where(VirtualServer, node=self.node):
                number = {"TCP": 6, "UDP": 17, "SCTP": 132}.get(entry.protocol.upper(), 0)
                found.setdefault((entry.ip, entry.port, number), []).append(entry)
        return found

    def listens(self, proto: int, address: IP, port: int | None) -> bool | None:
        """Whether a socket waits for this; None if it has no port, or sockets were not collected."""
        if proto not in (6, 17) or port is None:
            return None
        name = {6: "TCP", 17: "UDP"}[proto]
        sockets = [fact for fact in self.facts.where(Listener, **self._key) if fact.protocol.upper() == name]
        for socket in sockets:
            if socket.port == port and (socket.ip is None or socket.ip == address or socket.ip.is_unspecified):
                return True
        if not self.collected("Listener") or (proto == 17 and not sockets):
            return None
        return False

    @cached_property
    def networks(self) -> tuple[tuple[str, CIDR], ...]:
        """Every network that an interface stands in, host networks left out."""
        return tuple(
            (address.dev, address.network)
            for address in self.addresses
            if address.network is not None and address.network.num_addresses > 1
        )

    @cached_property
    def knows_addresses(self) -> bool:
        """Whether the own addresses are known: from `ip addr`, or from the routes of table local."""
        return bool(self.addresses) or any(route.table == "local" for route in self.routes)


def hop(text: str) -> tuple[IP | None, str | None, int]:
    """Next hop, interface and weight of "via 10.0.0.1 dev eth0 weight 1"."""
    words = text.split()
    named = dict(itertools.pairwise(words))
    weight = named.get("weight", "1")
    return ip(named.get("via", "")), named.get("dev"), int(weight) if weight.isdigit() else 1


def network_of(text: str) -> CIDR | None:
    """A network as a routing rule spells it; "all" is every address."""
    return cidr("0.0.0.0/0") if text == "all" else cidr(text)
