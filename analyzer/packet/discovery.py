"""Finding out who has the next hop: ARP, and neighbour discovery of IPv6, whose packets meet the rules themselves."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from analyzer.facts.address import IP
from analyzer.packet import frame, path, wire
from analyzer.packet.delivery import ANY_PORT, Delivery, Hop
from analyzer.packet.header import Packet
from analyzer.packet.hooks import traverse
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.verdict import At, Fate, unknown

SOLICITATION, ADVERTISEMENT = (135, 0), (136, 0)
USABLE = ("REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP")


def discover(run: Run, stack: Stack, packet: Packet, dev: str, target: IP, delivery: Delivery) -> None:
    """Raises Fate if a node cannot find out who has the next hop; what its neighbour table knows needs no asking."""
    entry = stack.neighbours.get((dev, target))
    if entry is not None and entry.mac and entry.state in USABLE:
        return
    kept = list(run.steps)
    _crosses(run, delivery)
    try:
        if packet.family == 4:
            _arp(run, stack, packet, dev, target, delivery)
        else:
            _solicit(run, stack, packet, dev, target, delivery)
    except Fate as fate:
        run.steps[:] = kept
        if fate.verdict == "unknown":
            raise
        asked = delivery.stack or ""
        if run.reply and any(step.node == asked and not step.reply for step in kept):
            # Whoever sent the packet here may have asked first, and is known by its question then.
            raise unknown(f"whether {stack.name} knows its neighbour {target}", stack.name) from fate
        lost = fate.at.node if fate.at is not None else "the way"
        run.note(stack, f"the question who has {target} is lost at {lost}: {fate.verdict}", hook="neighbour")
        raise Fate("neighbour-unreachable", At(stack.name)) from fate
    run.steps[:] = kept


def from_outside(run: Run, stack: Stack, packet: Packet, dev: str) -> None:
    """Raises Fate (unknown) if a gateway that is not dumped cannot ask by IPv6 who a node is: it may know, or not."""
    if packet.family != 6 or packet.dst not in stack.own:
        return
    kept = list(run.steps)
    gateway = ipaddress.IPv6Address("fe80::")
    try:
        arriving = _message(gateway, packet.dst, SOLICITATION)
        traverse(run, stack, "PREROUTING", arriving, entered=dev)
        traverse(run, stack, "INPUT", arriving, entered=dev)
        _carry(run, _message(packet.dst, gateway, ADVERTISEMENT), (stack, dev), None, ())
    except Fate as fate:
        raise unknown(f"whether the gateway of {stack.name} knows its neighbour {packet.dst}", stack.name) from fate
    run.steps[:] = kept


def _arp(run: Run, stack: Stack, packet: Packet, dev: str, target: IP, delivery: Delivery) -> None:
    """Linux answers only who passes the checks of a source address on the interface."""
    there = run.world.stacks[delivery.stack or ""]
    announce = max(value or 0 for value in stack.interface_setting(dev, "arp_announce"))
    own = packet.src in stack.own and not packet.src.is_loopback
    source = packet.src if own and not announce else run.world.routing(stack).pick_address(dev, target, target)
    if source is not None and there.knows_addresses:
        path.check_source(run, there, delivery.dev, Packet(src=source, dst=target, proto=0))
        if not stack.assumed:  # of a pod without a dump it is not known whom it asks
            _routes(run, there, delivery.dev, source, target)


def _routes(run: Run, there: Stack, dev: str, source: IP, target: IP) -> None:
    """Who answers for others needs a route to them for whoever asks."""
    routing = run.world.routing(there)
    if routing.custom_rules and not routing.local(target):
        way = routing.look_up(target, src=source, iif=dev)
        if way.missing:
            raise unknown(way.missing, there.name)
        if way.type != "unicast":
            raise Fate("no-route", At(there.name), route_type=way.type or "none")


def _crosses(run: Run, delivery: Delivery) -> None:
    """Raises Fate where the question comes to a bridge port that passes no frames: the packet is not even sent."""
    for hop in delivery.hops:
        here = run.world.stacks[hop.stack]
        if hop.entered is not None:
            frame.entered(run, here, hop.bridge, hop.entered)
        if hop.left is not None and hop.entered is not None and hop.left != hop.entered:
            wire.check_port(run, here, hop.entered, hop.left)
        elif hop.left is not None:
            frame.forwarding(run, here, hop.left)


def _solicit(run: Run, stack: Stack, packet: Packet, dev: str, target: IP, delivery: Delivery) -> None:
    there = run.world.stacks[delivery.stack or ""]
    source = _source(stack, packet, dev)
    group = ipaddress.IPv6Address(int(ipaddress.IPv6Address("ff02::1:ff00:0")) | (int(target) & 0xFFFFFF))
    _carry(run, _message(source, group, SOLICITATION), (stack, dev), (there, delivery.dev), delivery.hops)
    back = [Hop(hop.stack, hop.bridge, hop.left, hop.entered) for hop in reversed(delivery.hops)]
    _carry(run, _message(target, source, ADVERTISEMENT), (there, delivery.dev), (stack, dev), back)


def _source(stack: Stack, packet: Packet, dev: str) -> IP:
    if stack.own.get(packet.src) == dev:
        return packet.src
    found = (a.ip for a in stack.addresses if a.dev == dev and a.ip.version == 6 and a.ip.is_link_local)
    return next(found, ipaddress.IPv6Address("fe80::"))


def _message(src: IP, dst: IP, kind: tuple[int, int]) -> Packet:
    return Packet(src=src, dst=dst, proto=58, icmp=kind, ttl=255, size=72, untracked=True)


def _carry(
    run: Run, message: Packet, begin: tuple[Stack, str], end: tuple[Stack, str] | None, hops: Iterable[Hop]
) -> None:
    """Takes a message through the hooks of both ends and of the bridges between them."""
    stack, dev = begin
    message.own = True
    traverse(run, stack, "OUTPUT", message, leaves=dev)
    traverse(run, stack, "POSTROUTING", message, leaves=dev)
    for hop in hops:
        here = run.world.stacks[hop.stack]
        if hop.entered is None or not wire.filters_bridged(run, here, hop.bridge, 6):
            continue
        passing = _arrived(message)
        passing.bridged, passing.physin = True, hop.entered.lstrip(ANY_PORT)
        traverse(run, here, "PREROUTING", passing, entered=hop.bridge)
        if hop.left is not None:
            passing.physout = hop.left.lstrip(ANY_PORT)
            traverse(run, here, "FORWARD", passing, entered=hop.bridge, leaves=hop.bridge)
            traverse(run, here, "POSTROUTING", passing, leaves=hop.bridge)
    if end is None:
        return
    stack, dev = end
    arriving = _arrived(message)
    traverse(run, stack, "PREROUTING", arriving, entered=dev)
    traverse(run, stack, "INPUT", arriving, entered=dev)


def _arrived(message: Packet) -> Packet:
    passing = message.crossed()
    passing.untracked = True
    return passing
