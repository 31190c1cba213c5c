"""What lies between namespaces: links, bridges with their filter, tunnels, the outside world."""

from __future__ import annotations

from dataclasses import replace

from analyzer.facts.address import IP, contains
from analyzer.packet import discovery, frame, path, tunnel
from analyzer.packet.delivery import ANY_PORT, Delivery
from analyzer.packet.header import Packet
from analyzer.packet.hooks import traverse
from analyzer.packet.routes import Way
from analyzer.packet.run import Run
from analyzer.packet.stack import TUNNELS, Stack
from analyzer.packet.verdict import At, Fate, unknown

# Interfaces behind which BPF programs or Open vSwitch decide, which no dump of the kernel's tables shows.
DATAPATHS = ("cilium_", "bpfin.cali", "ovn-k8s-mp", "antrea-gw", "ovn0", "tun0")


class Left(Exception):
    """A packet left the cluster: from which node and interface."""

    def __init__(self, stack: Stack, packet: Packet, gateway: IP) -> None:
        super().__init__(stack.name)
        self.stack, self.packet, self.gateway = stack, packet, gateway


def transmit(run: Run, stack: Stack, packet: Packet, dev: str, target: IP, way: Way) -> None:
    """A packet on its way out of an interface to a next hop. Always raises."""
    interface = stack.interfaces.get(dev)
    if interface is not None and (interface.up is False or interface.lower_up is False):
        run.note(stack, f"{dev} is down or has no carrier", interface, hook="neighbour")
        raise Fate("neighbour-unreachable", At(stack.name))
    packet.src_mac = interface.mac if interface is not None else None
    kind = tunnel.kind_of(interface, dev)
    if kind in TUNNELS:
        tunnel.send(run, stack, packet, dev, kind, target)
    if interface is not None and interface.kind == "dummy":
        raise Fate("neighbour-unreachable", At(stack.name))
    packet.physin = packet.physout = None
    packet.bridged = False
    if stack.pod and way.route is not None and way.route.protocol == "assumed":
        links = run.world.links.get((stack.name, dev), [])
        if links:
            host, port = run.world.stacks[links[0][0]], links[0][1]
            bridge = port[1:] if port.startswith(ANY_PORT) else host.bridge_of(port)
            own = next((a.ip for a in host.addresses if a.dev == bridge and a.ip.version == target.version), None)
            target = own or target
    delivery = run.world.deliveries.find(stack, dev, target)
    if delivery.stack is not None and not stack.is_bridge(dev):
        frame.fits(run, stack, dev, packet)
    carry(run, stack, packet, dev, target, delivery)


def carry(run: Run, stack: Stack, packet: Packet, dev: str, target: IP, delivery: Delivery) -> None:
    """Takes a frame along its bridges to who gets it. Always raises."""
    if delivery.stack is None:
        nobody(run, stack, packet, dev, target)
    _answered(run, stack, dev, target, delivery)
    frame.addressed(run, stack, dev, target, delivery)
    discovery.discover(run, stack, packet, dev, target, delivery)
    for hop in delivery.hops:
        here = run.world.stacks[hop.stack]
        run.hops += 1
        if run.hops > path.HOPS:
            raise Fate("ttl-exceeded", At(stack.name))
        if hop.entered is None:
            # Sent by the bridge's own stack: no filter, and any port may be used.
            if hop.left is not None:
                frame.forwarding(run, here, hop.left)
                frame.fits(run, here, hop.left, packet)
            continue
        if here is not stack:
            packet = packet.crossed()
        bridge_in(run, here, hop.bridge, hop.entered, hop.left, packet)
    there = run.world.stacks[delivery.stack or ""]
    arriving = packet if there is stack else packet.crossed()
    path.receive(run, there, delivery.dev, arriving)


def _answered(run: Run, stack: Stack, dev: str, target: IP, delivery: Delivery) -> None:
    """A shared network is a guess: a neighbour entry that says nobody answers is better evidence."""
    there = run.world.stacks[delivery.stack or ""]
    if stack.pod or there.pod or run.world.topology is not None:
        return
    entry = stack.neighbours.get((dev, target))
    if entry is not None and entry.state in ("FAILED", "INCOMPLETE") and entry.mac is None:
        run.note(stack, f"neighbour {target} {entry.state}", entry, hook="neighbour")
        raise Fate("neighbour-unreachable", At(stack.name))


def nobody(run: Run, stack: Stack, packet: Packet, dev: str, target: IP) -> None:
    """A next hop that no namespace owns: the outside, or nobody. Always raises."""
    world = run.world
    entry = stack.neighbours.get((dev, target))
    if entry is not None and entry.state in ("FAILED", "INCOMPLETE"):
        run.note(stack, f"neighbour {target} {entry.state}", entry, hook="neighbour")
        raise Fate("neighbour-unreachable", At(stack.name))
    if world.topology is not None and world.topology.links:
        raise Fate("neighbour-unreachable", At(stack.name))
    if stack.pod:
        if world.sees_all(stack.name, dev):
            raise Fate("neighbour-unreachable", At(stack.name))
        raise unknown(f"ip -d link of {stack.host}: where {stack.name} is attached", stack.name)
    owner = world.owner(target)
    if owner is not None and owner.pod and not any(world.links.get((owner.name, name)) for name in owner.own.values()):
        raise unknown(f"ip -d link of {owner.host}: where {owner.name} is attached", stack.name)
    interface = stack.interfaces.get(dev)
    of_pod = (owner is not None and owner.pod) or any(contains(net, target) for net in world.cluster.pod_cidrs)
    if target == packet.dst and of_pod:
        if stack.is_bridge(dev) or (interface is not None and interface.kind == "veth"):
            raise Fate("neighbour-unreachable", At(stack.name))
        raise unknown(f"who has {target}", stack.name)
    if dev.startswith(DATAPATHS):
        raise unknown(f"what the datapath behind {dev} of {stack.name} makes of a packet", stack.name)
    _elsewhere(run, stack, packet, target)
    if packet.inner is not None:
        raise unknown(f"the dumps of {packet.dst}, where a tunnel of {stack.name} ends", stack.name)
    raise Left(stack, packet, target)


def _elsewhere(run: Run, stack: Stack, packet: Packet, target: IP) -> None:
    """A packet for a node of the cluster that no shared network reaches: routers outside take it there.

    They know the address on its uplink, not those of its bridges and tunnels.
    """
    nexthop, owner = run.world.owner(target), run.world.owner(packet.dst)
    for node in (nexthop, owner):
        if node is not None and node is not stack and not node.pod and (node.assumed or node is nexthop):
            raise unknown(f"ip addr of {node.name}", stack.name)
    if owner is None or owner is stack or owner.pod:
        return
    uplink = run.world.default_gateway(owner, packet.family)
    if uplink is None or owner.own[packet.dst] != uplink[1]:
        return
    run.note(stack, f"leaves to {target}, and is taken as routed to {owner.name}")
    path.receive(run, owner, uplink[1], packet.crossed())


def bridge_in(run: Run, here: Stack, bridge: str, entered: str, left: str | None, packet: Packet) -> None:
    """A frame that came in by a bridge port: filtered if bridge-nf says so, then out by a port, or up.

    Returns if the frame goes on as planned; raises where it is routed, dropped or bridged elsewhere.
    """
    frame.entered(run, here, bridge, entered)
    if left is not None:
        frame.fits(run, here, left, packet)
    if not filters_bridged(run, here, bridge, packet.family):
        if left is None:
            path.receive(run, here, bridge, packet)
        else:
            check_port(run, here, entered, left)
        return
    packet.bridged, packet.physin = True, entered
    before = packet.dst
    traverse(run, here, "PREROUTING", packet, entered=bridge)
    if packet.dst == before:
        if left is None:
            path.routed(run, here, bridge, packet, path.route_in(run, here, bridge, packet))
        else:
            check_port(run, here, entered, left)
            bridge_out(run, here, bridge, left, packet)
        return
    if packet.family == 6:
        # IPv6 asks whether it may forward only when it does, and a frame that stays on the bridge is not forwarded.
        way = run.world.routing(here).look_up(packet.dst, src=packet.src, mark=packet.mark, iif=bridge, packet=packet)
    if packet.family == 4 or way.type != "unicast" or way.dev != bridge:
        way = path.route_in(run, here, bridge, packet)
    if way.type == "local" or way.dev != bridge:
        path.routed(run, here, bridge, packet, way)
    target = way.hops[0][0] or packet.dst
    delivery = run.world.deliveries.find(here, bridge, target, entered)
    if delivery.stack is None:
        nobody(run, here, packet, bridge, target)
    first = delivery.hops[0]
    assert first.left is not None
    check_port(run, here, entered, first.left)
    bridge_out(run, here, bridge, first.left, packet)
    rest = Delivery(delivery.hops[1:], delivery.stack, delivery.dev)
    carry(run, here, replace(packet, physin=None, physout=None, bridged=False), bridge, target, rest)


def bridge_out(run: Run, here: Stack, bridge: str, left: str, packet: Packet) -> None:
    """FORWARD and POSTROUTING of a bridged packet; it comes out as a plain packet."""
    packet.physout = left
    traverse(run, here, "FORWARD", packet, entered=bridge, leaves=bridge)
    traverse(run, here, "POSTROUTING", packet, leaves=bridge)
    packet.physin = packet.physout = None
    packet.bridged = False


def filters_bridged(run: Run, here: Stack, bridge: str, family: int) -> bool:
    """Whether iptables sees frames of a bridge: the sysctl, or the bridge's own override."""
    name = "net.bridge.bridge-nf-call-iptables" if family == 4 else "net.bridge.bridge-nf-call-ip6tables"
    interface = here.interfaces.get(bridge)
    if interface is not None and interface.nf_call_iptables and family == 4:
        return True
    value = here.setting(name, 0)
    if value is None:
        return run.open(f"sysctl {name} of {here.name}")
    return value != 0


def check_port(run: Run, here: Stack, entered: str, left: str) -> None:
    """should_deliver: the port's state, isolation, and hairpin if the frame would go back where it came from."""
    frame.forwarding(run, here, left)
    port, came = here.ports.get(left), here.ports.get(entered)
    if port is not None and came is not None and port.isolated and came.isolated:
        run.note(here, f"ports {entered} and {left} are isolated", port, hook="bridge")
        raise Fate("bridge-drop", At(here.name))
    if left != entered:
        return
    hairpin = port.hairpin if port is not None else None
    if left.startswith(ANY_PORT):
        bridge = left[1:]
        modes = {item.hairpin for item in here.ports.values() if item.bridge == bridge}
        hairpin = modes.pop() if len(modes) == 1 else None
        port = next((item for item in here.ports.values() if item.bridge == bridge), None)
    if hairpin is None:
        raise unknown(f"hairpin_mode of port {left.lstrip(ANY_PORT)} of {here.name}", here.name)
    if not hairpin:
        bridge_if = here.interfaces.get((port.bridge if port else None) or "")
        if bridge_if is not None and bridge_if.promiscuous:
            raise unknown(f"what promiscuous bridge {bridge_if.name} of {here.name} does", here.name)
        run.note(here, f"hairpin is off on port {left}", port, hook="bridge")
        raise Fate("bridge-drop", At(here.name))


def unwrap(run: Run, stack: Stack, packet: Packet) -> None:
    """An outer packet of a tunnel that reached its end: the inner one comes out of the tunnel. Raises if so."""
    if packet.inner is not None:
        tunnel.receive(run, stack, packet)
