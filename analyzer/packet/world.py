"""All namespaces of a cluster and what connects them: veth pairs, bridges, shared networks, the outside."""

from __future__ import annotations

import weakref
from functools import cached_property
from ipaddress import ip_address

from analyzer.facts.address import IP, cidr, contains
from analyzer.facts.derived import Cluster
from analyzer.facts.fact import Fact
from analyzer.facts.firewall import Chain, Rule
from analyzer.facts.nodes import Node, Sysctl
from analyzer.facts.routing import BridgePort, Interface, InterfaceAddress, Neighbour, Route
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Pod
from analyzer.packet.chains import Filters
from analyzer.packet.delivery import ANY_PORT, Deliveries, Place
from analyzer.packet.flow import Topology
from analyzer.packet.routes import Routing
from analyzer.packet.stack import TUNNELS, Stack

OUTSIDE = "external"


class World:
    """The namespaces of one set of facts under one topology."""

    def __init__(self, facts: Facts, topology: Topology | None) -> None:
        self.facts = facts
        self.topology = topology
        self.stacks: dict[str, Stack] = {}
        self._filters: dict[tuple[str, int], Filters] = {}
        self._routing: dict[str, Routing] = {}
        self.deliveries = Deliveries(self)
        for kind in (Interface, InterfaceAddress, Route, Rule, Chain, Sysctl, Neighbour, BridgePort):
            for node, netns in facts.index(kind, ("node", "netns")):
                name = netns or node
                if name and name not in self.stacks:
                    self.stacks[name] = Stack(facts, None if netns else node, netns)
        for fact in facts.of(Node):
            if fact.name not in self.stacks:
                self.stacks[fact.name] = Stack(facts, fact.name, None, _known_addresses(fact))
        for stack in self.stacks.values():
            stack.wired = topology is not None
        self._by_pod: dict[str, str] = {}
        for pod in facts.of(Pod):
            self._place(pod)

    def _place(self, pod: Pod) -> None:
        if pod.host_network or pod.node is None:
            if pod.node is not None:
                self._by_pod[pod.key] = pod.node
            return
        name = next(
            (n for n in (f"{pod.node}:{pod.namespace}/{pod.name}", f"{pod.node}:{pod.name}") if n in self.stacks), None
        )
        if _unseen(self.stacks.get(name or "")) and pod.ip is not None and pod.phase not in ("Succeeded", "Failed"):
            name = name or f"{pod.node}:{pod.name}"
            self.stacks[name] = Stack(self.facts, None, name, self._assumed(pod))
        if name is not None:
            self._by_pod[pod.key] = name

    def _assumed(self, pod: Pod) -> tuple[InterfaceAddress, ...]:
        found = []
        for address in pod.ips or ((pod.ip,) if pod.ip else ()):
            host = self.stacks.get(pod.node or "")
            near = [net for dev, net in (host.networks if host else ()) if contains(net, address) and dev != "lo"]
            network = near[0] if near else cidr(str(address))
            found.append(InterfaceAddress(dev="eth0", ip=address, network=network, scope="global", origin=pod.origin))
        return tuple(found)

    def of_pod(self, key: str) -> Stack | None:
        """The namespace of a pod "namespace/name"; a node's own for pods on the host network."""
        return self.stacks.get(self._by_pod.get(key, ""))

    def routing(self, stack: Stack) -> Routing:
        """The routing of a namespace."""
        if stack.name not in self._routing:
            self._routing[stack.name] = Routing(stack)
        return self._routing[stack.name]

    def filters(self, stack: Stack, family: int) -> Filters:
        """The rule sets of a namespace and family."""
        key = (stack.name, family)
        if key not in self._filters:
            told = self.topology is not None and bool(self.topology.links)
            self._filters[key] = Filters(stack, family, told)
        return self._filters[key]

    @cached_property
    def owners(self) -> dict[IP, list[Place]]:
        """Namespace and interface of every address."""
        found: dict[IP, list[Place]] = {}
        for stack in self.stacks.values():
            for address in stack.addresses:
                if not address.ip.is_loopback:
                    found.setdefault(address.ip, []).append((stack.name, address.dev))
        return found

    def owner(self, address: IP) -> Stack | None:
        """The namespace that owns an address, if exactly one does (a service address on kube-ipvs0 has no owner)."""
        names = {name for name, dev in self.owners.get(address, ()) if dev != "kube-ipvs0"}
        return self.stacks[names.pop()] if len(names) == 1 else None

    @cached_property
    def cluster(self) -> Cluster:
        """What the model says of the cluster; an empty one where it was not derived."""
        found = self.facts.of(Cluster)
        return found[0] if found else Cluster()

    @cached_property
    def overlay(self) -> bool:
        """Whether pods of other nodes are reached through tunnels, so that nobody outside has routes to them."""
        kinds = (*TUNNELS, None)
        return any(
            (interface.kind in TUNNELS or (interface.kind in kinds and name.startswith(("flannel", "tunl", "vxlan"))))
            for stack in self.stacks.values()
            if not stack.pod
            for name, interface in stack.interfaces.items()
        )

    @cached_property
    def links(self) -> dict[Place, list[Place]]:
        """The other ends of each interface: one for a veth pair, several for a shared network."""
        found: dict[Place, list[Place]] = {}

        def join(one: Place, other: Place) -> None:
            if other not in found.setdefault(one, []):
                found[one].append(other)
            if one not in found.setdefault(other, []):
                found[other].append(one)

        if self.topology is not None:
            for a, b in self.topology.links:
                join((a.node, a.interface), (b.node, b.interface))
            for pod, end in self.topology.pods.items():
                for name in (pod, f"{end.node}:{pod}"):
                    if name in self.stacks:
                        join((name, self.uplink(self.stacks[name])), (end.node, end.interface))
        for stack in self.stacks.values():
            if stack.pod and stack.host in self.stacks:
                dev = self.uplink(stack)
                port = self._port_of(stack, dev, self.stacks[stack.host])
                if port is not None and (stack.name, dev) not in found:
                    join((stack.name, dev), (stack.host, port))
        if self.topology is None or not self.topology.links:
            self._join_networks(found)
        return found

    def uplink(self, stack: Stack) -> str:
        """The interface by which a pod is attached."""
        named = [dev for dev, _ in stack.networks if dev != "lo"] or [a.dev for a in stack.addresses if a.dev != "lo"]
        return "eth0" if "eth0" in stack.interfaces or not named else named[0]

    def _port_of(self, pod: Stack, dev: str, host: Stack) -> str | None:
        interface = pod.interfaces.get(dev)
        if interface is not None and interface.peer_index in host.by_index:
            return host.by_index[interface.peer_index]
        own = [address.ip for address in pod.addresses if address.dev == dev]
        routed = next((host.direct[address] for address in own if address in host.direct), None)
        if routed is not None:
            return routed
        macs = {interface.mac.lower()} if interface is not None and interface.mac else set()
        for address in own:
            macs |= host.hardware.get(address, set())
        learned = [host.learned[mac] for mac in sorted(macs) if mac in host.learned]
        if learned:
            return learned[0]
        for name, network in host.networks:
            if host.is_bridge(name) and any(contains(network, address) for address in own):
                return f"{ANY_PORT}{name}"
        return None

    def _join_networks(self, found: dict[Place, list[Place]]) -> None:
        shared: dict[str, list[Place]] = {}
        for stack in self.stacks.values():
            if stack.pod:
                continue
            for dev, network in stack.networks:
                interface = stack.interfaces.get(dev)
                if dev == "lo" or (interface is not None and interface.kind in (*TUNNELS, "dummy", "loopback")):
                    continue
                out = dev
                if stack.is_bridge(dev):
                    free = [p for p, port in stack.ports.items() if port.bridge == dev and self._leads_out(stack, p)]
                    if not free:
                        continue
                    out = free[0]
                if (stack.name, out) not in found and network.version == 4:
                    shared.setdefault(str(network), []).append((stack.name, out))
        for members in shared.values():
            for place in members:
                others = [other for other in members if other[0] != place[0]]
                found.setdefault(place, []).extend(others)

    def _leads_out(self, stack: Stack, dev: str) -> bool:
        interface = stack.interfaces.get(dev)
        return interface is not None and interface.kind not in ("veth", "tun") and interface.peer_index is None

    def sees_all(self, name: str, dev: str) -> bool:
        """Whether all who could answer behind an interface are dumped: the other end, or every port of its bridge."""
        for other, port in self.links.get((name, dev), ()):
            there = self.stacks.get(other)
            if there is None or port.startswith(ANY_PORT) or not there.collected("InterfaceAddress"):
                return False
            bridge = there.bridge_of(port)
            ports = [item.dev for item in there.ports.values() if bridge and item.bridge == bridge]
            if not all((other, item) in self.links for item in ports):
                return False
        return (name, dev) in self.links

    def default_gateway(self, stack: Stack, family: int = 4) -> tuple[IP, str] | None:
        """Next hop and interface of the default route of a node."""
        way = self.routing(stack).look_up(_SOMEWHERE[family])
        if way.type != "unicast" or not way.hops or way.hops[0][0] is None or way.hops[0][1] is None:
            return None
        return way.hops[0][0], way.hops[0][1]


_SOMEWHERE: dict[int, IP] = {4: ip_address("192.0.2.1"), 6: ip_address("2001:db8::1")}  # reserved for documents


def _unseen(pod: Stack | None) -> bool:
    """Whether nothing was collected that would show which addresses a pod has."""
    return pod is None or not (pod.addresses or pod.routes or pod.collected("InterfaceAddress"))


def _known_addresses(node: Node) -> tuple[InterfaceAddress, ...]:
    addresses = node.addresses or ((node.ip,) if node.ip else ())
    return tuple(InterfaceAddress(origin=node.origin, dev="?", ip=address, scope="global") for address in addresses)


_worlds: weakref.WeakKeyDictionary[Facts, dict[str, World]] = weakref.WeakKeyDictionary()


def world_of(facts: Facts, topology: Topology | None = None) -> World:
    """The world of these facts; made once for each topology."""
    worlds = _worlds.setdefault(facts, {})
    key = repr(topology)
    if key not in worlds:
        worlds[key] = World(facts, topology)
    return worlds[key]


def fact_place(fact: Fact) -> tuple[str | None, int | None]:
    """The file and line of a fact, or nothing if it was made up."""
    return (fact.origin.path, fact.origin.line) if fact.origin.path else (None, None)
