"""The fate of one flow: every branch followed, the reply as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

import msgspec

from analyzer.errors import UsageError
from analyzer.facts.address import IP, contains, ip
from analyzer.facts.services import Service
from analyzer.facts.store import Facts
from analyzer.packet import discovery, path, wire
from analyzer.packet.choice import Oracle, explore
from analyzer.packet.flow import Flow, Topology
from analyzer.packet.header import Packet, protocol_number
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.verdict import At, Fate, Peer, Receiver, Step, Trace, unknown
from analyzer.packet.world import OUTSIDE, World, world_of

__all__ = ["At", "Flow", "Peer", "Receiver", "Step", "Topology", "Trace", "to_json", "trace"]

EPHEMERAL = 40000
SOMEBODY = ip_address("2001:db8::1")


def trace(facts: Facts, flow: Flow, topology: Topology | None = None) -> Trace:
    """What becomes of a flow. UsageError if the flow names a node or address that does not exist."""
    world = world_of(facts, topology)
    packet = _packet(flow)
    start = _start(world, flow)

    def play(oracle: Oracle) -> Trace:
        return _play(Run(world, oracle, flow), start, replace(packet))

    return explore(play)


def to_json(result: Trace) -> bytes:
    """A trace as one JSON object; the schema is docs/trace.md."""
    return msgspec.json.format(msgspec.json.encode(result, enc_hook=str), indent=2)


def _packet(flow: Flow) -> Packet:
    dst = ip(flow.dst_ip)
    src = ip(flow.src_ip) if flow.src_ip else None
    proto = protocol_number(flow.proto)
    if dst is None or (flow.src_ip and src is None):
        raise UsageError(f"not an address: {flow.dst_ip if dst is None else flow.src_ip}")
    if proto is None:
        raise UsageError(f"unknown protocol {flow.proto!r}; tcp, udp, icmp or a number")
    if proto == 1 and dst.version == 6:
        proto = 58
    if src is not None and src.version != dst.version:
        raise UsageError(f"{src} and {dst} are of different families")
    packet = Packet(src=src or dst.__class__(0), dst=dst, proto=proto, mark=flow.mark, ttl=flow.ttl, uid=flow.uid)
    packet.df, packet.size = flow.dont_fragment, flow.size
    if packet.has_ports:
        packet.sport, packet.dport = flow.src_port or EPHEMERAL, flow.dst_port
    if proto == 6:
        default = {"SYN"} if flow.kind == "new" else {"ACK"}
        bare = flow.kind == "crafted" and flow.tcp_flags == ()
        packet.flags = frozenset() if bare else frozenset(flow.tcp_flags or default)
    if proto in (1, 58):
        echo = 8 if proto == 1 else 128
        packet.icmp = (flow.icmp_type if flow.icmp_type is not None else echo, flow.icmp_code or 0)
    return packet


def _start(world: World, flow: Flow) -> Stack | None:
    """Where a flow starts; None for the outside."""
    if flow.src_node == OUTSIDE and OUTSIDE not in world.stacks:
        return None
    if flow.src_node is not None:
        found = world.stacks.get(flow.src_node) or world.of_pod(flow.src_node)
        if found is None:
            raise UsageError(f"no node {flow.src_node!r}; there are {', '.join(sorted(world.stacks)[:20])}")
        return found
    address = ip(flow.src_ip or "")
    owner = world.owner(address) if address is not None else None
    if owner is None:
        raise UsageError(f"nobody has the address {flow.src_ip}")
    return owner


def _play(run: Run, start: Stack | None, packet: Packet) -> Trace:
    asked = packet.dst, packet.dport
    try:
        if start is None:
            _enter(run, packet)
        else:
            path.send(run, start, packet)
        raise AssertionError("a packet has no end")
    except Fate as fate:
        return _ended(run, fate)
    except path.Arrived as arrived:
        to, got = arrived.to, arrived.packet
        listener = arrived.stack.listens(got.proto, got.dst, got.dport)
        run.note(arrived.stack, f"delivered to {to.ip}" + (f":{to.port}" if to.port is not None else ""))
        seen = Peer(str(got.src), got.sport)
        reply, reply_at = _reply(run, start, asked, arrived.stack, got)
        return _delivered(run, to, listener, seen, reply, reply_at)
    except wire.Left as left:
        return _outside(run, start, asked, left)


def _outside(run: Run, start: Stack | None, asked: tuple[IP, int | None], left: wire.Left) -> Trace:
    got, stack = left.packet, left.stack
    try:
        _check_outside(run, stack, got)
    except Fate as fate:
        return _ended(run, fate)
    run.note(stack, f"leaves the cluster to {left.gateway}, for {got.dst}")
    to = Receiver(OUTSIDE, str(got.dst), got.dport)
    seen = Peer(str(got.src), got.sport)
    run.reply = True
    if got.src not in run.world.owners or run.world.owner(got.src) is not stack:
        word = "no-route" if _hidden(run.world, got.src) else "unknown"
        if word == "unknown":
            run.missing[f"whether the gateway of {stack.name} has a route to {got.src}"] = None
        return _delivered(run, to, None, seen, word, At(OUTSIDE) if word == "no-route" else None)
    reply, reply_at = _answer(run, start, asked, got, lambda answer: _arrive(run, stack, answer))
    return _delivered(run, to, None, seen, reply, reply_at)


def _translated_by_bpf(world: World, stack: Stack) -> bool:
    """Whether Services are translated where no dump of the kernel's rules shows it."""
    cluster = world.cluster
    proxy = cluster.service_proxy or cluster.cni
    return proxy in ("cilium", "ovn", "antrea") or "bpfin.cali" in stack.interfaces


def _check_outside(run: Run, stack: Stack, packet: Packet) -> None:
    """Raises Fate for addresses that only the cluster knows: no gateway has a route to them."""
    world = run.world
    for service in world.facts.of(Service):
        if packet.dst in (service.cluster_ips or (service.cluster_ip,)):
            run.note(stack, f"{packet.dst} of Service {service.key} is not translated here", service)
            if _translated_by_bpf(world, stack):
                raise unknown(f"what BPF programs or OVN of {stack.name} make of {packet.dst}", stack.name)
            raise Fate("no-endpoint", At(stack.name))
    owner = world.owner(packet.dst)
    ranges = world.cluster.pod_cidrs
    if (owner is not None and owner.pod) or any(contains(net, packet.dst) for net in ranges):
        if _hidden(world, packet.dst):
            run.note(stack, f"{packet.dst} is a pod's, but leaves by the default route")
            raise Fate("no-route", At(stack.name), route_type="default")
        raise unknown(f"whether the gateway of {stack.name} has routes to pods", stack.name)
    if owner is not None and owner is not stack:
        raise unknown(f"whether the gateway of {stack.name} has a route to {packet.dst} of {owner.name}", stack.name)


def _hidden(world: World, address: IP) -> bool:
    """Whether an address is a pod's in a cluster whose pods only tunnels reach."""
    owner = world.owner(address)
    inside = (owner is not None and owner.pod) or any(contains(net, address) for net in world.cluster.pod_cidrs)
    return inside and world.overlay


def _enter(run: Run, packet: Packet) -> None:
    """A packet from the outside reaches the node that has its address. Always raises."""
    stack = run.world.owner(packet.dst)
    if stack is None or stack.pod:
        raise unknown(f"which node gets packets for {packet.dst} from outside")
    _arrive(run, stack, packet)


def _arrive(run: Run, stack: Stack, packet: Packet) -> None:
    dev = stack.own.get(packet.dst, "")
    gateway = run.world.default_gateway(stack, packet.family)
    if gateway is not None:
        dev = gateway[1]
    if packet.src.is_unspecified:
        if gateway is None:
            raise unknown(f"default route of {stack.name}", stack.name)
        # A gateway that is known by its link-local address only passes packets of others on.
        packet.src = SOMEBODY if gateway[0].is_link_local and packet.family == 6 else gateway[0]
    discovery.from_outside(run, stack, packet, dev)
    path.receive(run, stack, dev, packet)


def _reply(
    run: Run, start: Stack | None, asked: tuple[IP, int | None], receiver: Stack, got: Packet
) -> tuple[str | None, At | None]:
    if run.flow.kind == "crafted":
        return None, None
    return _answer(run, start, asked, got, lambda answer: path.send(run, receiver, answer))


def _answer(
    run: Run, start: Stack | None, asked: tuple[IP, int | None], got: Packet, way: Callable[[Packet], None]
) -> tuple[str, At | None]:
    run.reply, run.hops = True, 0
    answer = got.answer()
    try:
        way(answer)
    except Fate as fate:
        if fate.missing:
            run.missing[fate.missing] = None
        return fate.verdict, fate.at
    except path.Arrived as arrived:
        back, stack = arrived.packet, arrived.stack
    except wire.Left as left:
        back, stack = left.packet, None
        if start is not None or _hidden(run.world, back.dst):
            return _lost_outside(run, left)
    if stack is not start:
        return "misaddressed", At(stack.name) if stack is not None else None
    right = back.src == asked[0] and (back.sport == asked[1] or back.icmp is not None)
    if not right:
        return "misaddressed", At(stack.name) if stack is not None else None
    if back.flags == {"SYN", "ACK"} and not _goes_on(run, start, stack, got, back, way):
        run.missing["what becomes of the later packets of the connection"] = None
        return "unknown", None
    return "ok", None


def _goes_on(
    run: Run, start: Stack | None, stack: Stack | None, got: Packet, back: Packet, way: Callable[[Packet], None]
) -> bool:
    """Whether the packets after the handshake share its fate: data of the server may be tracked anew and translated."""
    kept = list(run.steps)
    data = got.answer()
    data.flags = frozenset({"ACK"})
    acknowledged = back.answer()
    try:
        if stack is not None:
            run.reply, run.hops = False, 0
            if not _arrives(lambda: path.send(run, stack, acknowledged), (got.dst, got.sport, got.src)):
                return False
            run.reply, run.hops = True, 0
        return _arrives(lambda: way(data), (back.dst, back.sport, back.src))
    finally:
        run.steps[:] = kept
        run.reply = True


def _arrives(send: Callable[[], None], wanted: tuple[IP, int | None, IP]) -> bool:
    """Whether a later packet reaches the same end under the same addresses as the first."""
    try:
        send()
    except Fate:
        return False
    except path.Arrived as arrived:
        last = arrived.packet
    except wire.Left as left:
        last = left.packet
    return (last.dst, last.sport, last.src) == wanted


def _lost_outside(run: Run, left: wire.Left) -> tuple[str, At | None]:
    """A reply that leaves the cluster although its receiver is inside."""
    try:
        _check_outside(run, left.stack, left.packet)
    except Fate as fate:
        if fate.missing:
            run.missing[fate.missing] = None
        return fate.verdict, fate.at
    return "misaddressed", At(left.stack.name)


def _delivered(
    run: Run, to: Receiver, listener: bool | None, seen: Peer, reply: str | None, reply_at: At | None
) -> Trace:
    return Trace(
        verdict="delivered",
        to=to,
        listener=listener,
        seen_src=seen,
        reply=reply,
        reply_at=reply_at,
        steps=tuple(run.steps),
        undecided=tuple(run.undecided),
        missing=tuple(run.missing),
    )


def _ended(run: Run, fate: Fate) -> Trace:
    if fate.missing:
        run.missing[fate.missing] = None
    return Trace(
        verdict=fate.verdict,
        at=fate.at,
        with_=fate.with_,
        route_type=fate.route_type,
        steps=tuple(run.steps),
        undecided=tuple(run.undecided),
        missing=tuple(run.missing),
    )
