"""What may lose a frame on a link: a wrong hardware address, a bridge or port that is not forwarding, a smaller MTU."""

from __future__ import annotations

from analyzer.facts.address import IP
from analyzer.packet.delivery import Delivery
from analyzer.packet.header import Packet
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.verdict import At, Fate, unknown

SLACK = 4  # a receiving interface lets pass what would fit with a VLAN tag
NOT_FORWARDING = ("disabled", "blocking", "learning", "listening")


def addressed(run: Run, stack: Stack, dev: str, target: IP, delivery: Delivery) -> None:
    """Raises Fate where a static neighbour entry names another hardware address than the next hop has."""
    entry = stack.neighbours.get((dev, target))
    if entry is None or not entry.mac or entry.state not in ("PERMANENT", "NOARP"):
        return
    there = run.world.stacks[delivery.stack or ""].interfaces.get(delivery.dev)
    if there is None or not there.mac or there.mac.lower() == entry.mac.lower():
        return
    run.note(stack, f"{target} is {there.mac}, not {entry.mac}", entry, hook="neighbour")
    for other in run.world.stacks.values():
        if any(item.mac and item.mac.lower() == entry.mac.lower() for item in other.interfaces.values()):
            raise unknown(f"what {other.name} does with frames that {stack.name} sends it for {target}", stack.name)
    raise Fate("neighbour-unreachable", At(stack.name))


def entered(run: Run, here: Stack, bridge: str, port: str) -> None:
    """Raises Fate where a bridge does not take frames from a port."""
    interface = here.interfaces.get(bridge)
    if interface is not None and interface.up is False:
        run.note(here, f"bridge {bridge} is down", interface, hook="bridge")
        raise Fate("bridge-drop", At(here.name))
    forwarding(run, here, port)


def forwarding(run: Run, here: Stack, name: str) -> None:
    """Raises Fate where the state of a bridge port keeps frames from passing."""
    port = here.ports.get(name)
    if port is not None and port.state in NOT_FORWARDING:
        run.note(here, f"port {name} is {port.state}", port, hook="bridge")
        raise Fate("bridge-drop", At(here.name))


def fits(run: Run, here: Stack, dev: str, packet: Packet) -> None:
    """Raises Fate where a frame is too long for an interface that bridges it, or for the other end of its veth pair."""
    length = packet.fragment or packet.size
    if length is None:
        return
    ends = [(here, dev)]
    links = run.world.links.get((here.name, dev), [])
    if len(links) == 1 and links[0][0] in run.world.stacks:
        ends.append((run.world.stacks[links[0][0]], links[0][1]))
    for stack, name in ends:
        interface = stack.interfaces.get(name)
        if interface is not None and interface.mtu is not None and length > interface.mtu + SLACK:
            run.note(stack, f"{length} bytes do not fit into {interface.mtu} of {name}", interface, hook="bridge")
            raise Fate("too-big", At(stack.name))
