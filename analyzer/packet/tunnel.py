"""Tunnels: the outer packet of vxlan and ipip, sent at OUTPUT of one node and unwrapped behind INPUT of the other."""

from __future__ import annotations

from dataclasses import replace

from analyzer.facts.address import IP
from analyzer.facts.routing import Interface
from analyzer.packet import path
from analyzer.packet.header import Packet
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.verdict import At, Fate, unknown

OVERHEAD = {"vxlan": 50, "geneve": 50, "ipip": 20, "gre": 24}
NO_MAC = "00:00:00:00:00:00"


def kind_of(interface: Interface | None, dev: str) -> str | None:
    """The kind of an interface; plain `ip addr` does not tell it, but names and addresses of tunnels do."""
    if interface is not None and interface.kind not in (None, "physical"):
        return interface.kind
    if dev.startswith(("flannel.", "vxlan")):
        return "vxlan"
    if dev.startswith("tunl"):
        return "ipip"
    return "wireguard" if dev.startswith(("wg", "flannel-wg", "wireguard")) else None


def send(run: Run, stack: Stack, packet: Packet, dev: str, kind: str, target: IP) -> None:
    """Wraps a packet and sends the outer one. Always raises."""
    interface = stack.interfaces.get(dev) or Interface(name=dev)
    if kind == "vxlan":
        remote, mac = _vxlan_remote(run, stack, dev, interface, target)
        outer = Packet(src=_unset(remote), dst=remote, proto=17, dport=_port_of(stack, interface), df=False)
    elif kind == "ipip":
        remote, mac = interface.tunnel_remote or target, None
        if remote.is_unspecified:
            remote = target
        outer = Packet(src=_unset(remote), dst=remote, proto=4, df=True)
    else:
        raise unknown(f"{kind} tunnels ({dev} of {stack.name})", stack.name)
    if interface.tunnel_local is not None and not interface.tunnel_local.is_unspecified:
        outer.src = interface.tunnel_local
    outer.inner = replace(packet, physin=None, physout=None, bridged=False, tracked=None, untracked=False)
    outer.vni, outer.inner_mac = interface.vni, mac
    outer.mark = packet.mark
    length = packet.fragment or packet.size
    if length is not None:
        outer.size = length + OVERHEAD.get(kind, 50)
    run.note(stack, f"{kind} {dev}: sent on to {remote}", interface if interface.origin.path else None, hook="tunnel",
             changed=f"wrapped, to {remote}")  # fmt: skip
    path.send(run, stack, outer)


def _unset(like: IP) -> IP:
    return like.__class__(0)


def _port_of(stack: Stack, interface: Interface) -> int:
    if interface.tunnel_port is not None:
        return interface.tunnel_port
    if interface.name.startswith("flannel"):
        return 8472
    if interface.name.startswith("vxlan.calico"):
        return 4789
    raise unknown(f"ip -d link of {stack.name}: the port of {interface.name}", stack.name)


def _vxlan_remote(run: Run, stack: Stack, dev: str, interface: Interface, target: IP) -> tuple[IP, str | None]:
    """The other end of a vxlan for a next hop: neighbour, then forwarding database."""
    neighbour = stack.neighbours.get((dev, target))
    mac = neighbour.mac.lower() if neighbour is not None and neighbour.mac else None
    failed = neighbour is not None and neighbour.state in ("FAILED", "INCOMPLETE")
    flood = [e for e in stack.forwarding_entries.get((dev, NO_MAC), ()) if e.dst is not None]
    if mac is not None:
        known = [entry for entry in stack.forwarding_entries.get((dev, mac), ()) if entry.dst is not None]
        if known and known[0].dst is not None:
            return known[0].dst, mac
        if not flood and stack.collected("FdbEntry"):
            run.note(stack, f"no forwarding entry for {mac} on {dev}", neighbour, hook="tunnel")
            raise Fate("neighbour-unreachable", At(stack.name))
    elif failed or (stack.collected("Neighbour") and not flood and stack.collected("FdbEntry")):
        run.note(stack, f"no neighbour entry for {target} on {dev}", neighbour, hook="tunnel")
        raise Fate("neighbour-unreachable", At(stack.name))
    if interface.tunnel_remote is not None and not interface.tunnel_remote.is_unspecified:
        return interface.tunnel_remote, mac
    owner = run.world.owner(target)
    if owner is not None:
        peer = _end_of(owner, interface)
        if peer is not None and (len(flood) <= 1 or any(entry.dst == peer for entry in flood)):
            return peer, mac
    if len(flood) == 1 and flood[0].dst is not None:
        return flood[0].dst, mac
    raise unknown(f"ip neigh and bridge fdb of {stack.name}", stack.name)


def _end_of(owner: Stack, interface: Interface) -> IP | None:
    for peer in owner.interfaces.values():
        if kind_of(peer, peer.name) == "vxlan" and peer.vni == interface.vni and peer.tunnel_local is not None:
            return peer.tunnel_local
    return None


def receive(run: Run, stack: Stack, outer: Packet) -> None:
    """The end of a tunnel: the inner packet comes out of the interface that fits. Always raises."""
    inner = outer.inner
    assert inner is not None
    wanted = "vxlan" if outer.proto == 17 else "ipip"
    ends = [item for name, item in stack.interfaces.items() if kind_of(item, name) == wanted]
    if not ends and not stack.interfaces:
        raise unknown(f"ip -d link of {stack.name}", stack.name)
    for end in ends:
        if wanted == "vxlan":
            if end.tunnel_port is not None and end.tunnel_port != outer.dport:
                continue
            if end.vni is not None and outer.vni is not None and end.vni != outer.vni:
                continue
            if outer.inner_mac and end.mac and end.mac.lower() != outer.inner_mac:
                run.note(stack, f"frame for {outer.inner_mac}, but {end.name} is {end.mac}", end, hook="tunnel")
                raise Fate("dropped", At(stack.name))
        elif end.tunnel_remote not in (None, outer.src) and not _any(end.tunnel_remote):
            continue
        if end.up is False:
            continue
        run.note(stack, f"{wanted} {end.name}: unwrapped", end if end.origin.path else None, hook="tunnel")
        arriving = replace(inner, mark=outer.mark, tracked=None, untracked=False, own=False)
        path.receive(run, stack, end.name, arriving)
    run.note(stack, f"no {wanted} interface takes it", hook="tunnel")
    raise Fate("dropped", At(stack.name))


def _any(address: IP | None) -> bool:
    return address is None or address.is_unspecified
