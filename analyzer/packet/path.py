"""The way of a packet through namespaces: local output, routing, forwarding, local input."""

from __future__ import annotations

from analyzer.packet import ipvs, wire
from analyzer.packet.header import Packet
from analyzer.packet.hooks import traverse
from analyzer.packet.routes import Way
from analyzer.packet.run import Run
from analyzer.packet.stack import Stack
from analyzer.packet.verdict import At, Fate, Receiver, unknown

CONNECTED = (6, 17)  # protocols whose sockets connect, as most clients of UDP do too
HOPS = 40  # namespaces and bridges; more than that is a loop of routes


class Arrived(Exception):
    """A packet reached a local stack."""

    def __init__(self, stack: Stack, packet: Packet) -> None:
        super().__init__(stack.name)
        self.stack, self.packet = stack, packet

    @property
    def to(self) -> Receiver:
        """Who received it."""
        return Receiver(self.stack.name, str(self.packet.dst), self.packet.dport)


def send(run: Run, stack: Stack, packet: Packet) -> None:
    """A packet that a socket of this namespace sends. Always raises: Arrived or Fate."""
    routing = run.world.routing(stack)
    packet.own = True
    given = None if packet.src.is_unspecified else packet.src
    way = _first_hop(run, stack, routing.look_up(packet.dst, src=given, mark=packet.mark, packet=packet))
    if given is None:
        source = routing.source_for(way, packet.dst)
        if source is None:
            raise unknown(f"ip addr of {stack.name}", stack.name)
        packet.src = source
        if packet.family == 4 and packet.proto in CONNECTED and routing.custom_rules:
            # A socket of IPv4 that connects asks for its source first, and then for the way from there.
            asked = routing.look_up(packet.dst, src=source, mark=packet.mark, packet=packet)
            way = _first_hop(run, stack, asked)
    _say_way(run, stack, packet, way)
    _loopback_out(stack, packet, way)
    current = [way]

    def reroute() -> str:
        found = _first_hop(run, stack, routing.look_up(packet.dst, src=packet.src, mark=packet.mark, packet=packet))
        current[0] = found
        _say_way(run, stack, packet, found)
        _loopback_out(stack, packet, found)
        return _device(found)

    if packet.inner is None and packet.family == 6 and packet.icmp is not None and 133 <= packet.icmp[0] <= 137:
        packet.untracked = True
    traverse(run, stack, "OUTPUT", packet, leaves=_device(way), reroute=reroute)
    if ipvs.served(stack, packet):
        ipvs.choose(run, stack, packet)
        reroute()
    leave(run, stack, packet, current[0])


def _loopback_out(stack: Stack, packet: Packet, way: Way) -> None:
    """A loopback source leaves by another interface only where route_localnet is set there (IPv6: not checked)."""
    if packet.family == 6 or not packet.src.is_loopback or way.type == "local" or way.dev is None:
        return
    every, own = stack.interface_setting(way.dev, "route_localnet")
    if every is None and own is None:
        raise unknown(f"sysctl net.ipv4.conf.{way.dev}.route_localnet of {stack.name}", stack.name)
    if not every and not own:
        raise Fate("martian", At(stack.name))


def _first_hop(run: Run, stack: Stack, way: Way) -> Way:
    """A way that can be taken, one hop of it picked; raises Fate otherwise."""
    if way.missing:
        raise unknown(way.missing, stack.name)
    if way.type is None or way.type in ("unreachable", "prohibit", "blackhole"):
        kind = way.type or "none"
        if way.route is not None:
            run.note(stack, f"{kind} route {way.route.destination}", way.route, hook="routing")
        raise Fate("no-route", At(stack.name), route_type=kind)
    if len(way.hops) > 1:
        total = sum(hop[2] for hop in way.hops)
        picked = run.oracle.pick([hop[2] / total for hop in way.hops], f"a next hop of {stack.name}")
        return Way(way.type, (way.hops[picked],), way.route)
    return way


def _device(way: Way) -> str:
    return "lo" if way.type == "local" else way.dev or ""


def _say_way(run: Run, stack: Stack, packet: Packet, way: Way) -> None:
    via = way.hops[0][0] if way.hops else None
    text = f"local, to {packet.dst}" if way.type == "local" else f"to {packet.dst}"
    text += f" via {via}" if via is not None else ""
    if way.type != "local":
        text += f" dev {way.dev}" if way.dev else ""
    run.note(stack, f"route {text}", way.route, hook="routing")


def leave(run: Run, stack: Stack, packet: Packet, way: Way, entered: str = "") -> None:
    """POSTROUTING, where Linux since 5.7 shows what came in by which interface, and the way out. Always raises."""
    if way.type == "local":
        traverse(run, stack, "POSTROUTING", packet, leaves="lo")
        packet.own = False
        run.hops += 1
        if run.hops > HOPS:
            raise Fate("ttl-exceeded", At(stack.name))
        receive(run, stack, "lo", packet)
    if way.type not in ("unicast", "broadcast", "multicast"):
        raise unknown(f"routes of type {way.type}", stack.name)
    via, dev, _ = way.hops[0]
    if dev is None:
        if via is None:
            raise unknown(f"ip route show table all on {stack.name}", stack.name)
        dev = run.world.routing(stack).look_up(via).dev
        if dev is None:
            raise unknown(f"the interface of next hop {via} on {stack.name}", stack.name)
    _fits(run, stack, packet, way, dev)
    traverse(run, stack, "POSTROUTING", packet, entered=entered, leaves=dev)
    wire.transmit(run, stack, packet, dev, via or packet.dst, way)


def _fits(run: Run, stack: Stack, packet: Packet, way: Way, dev: str) -> None:
    interface = stack.interfaces.get(dev)
    mtu = way.route.mtu if way.route is not None and way.route.mtu else interface.mtu if interface else None
    length = packet.fragment or packet.size
    if length is None or mtu is None or length <= mtu:
        return
    if packet.df or (packet.family == 6 and not packet.own):
        run.note(stack, f"{length} bytes do not fit into {mtu} of {dev}", interface, hook="routing")
        raise Fate("too-big", At(stack.name))
    packet.fragment = mtu


def receive(run: Run, stack: Stack, dev: str, packet: Packet) -> None:
    """A packet that an interface handed to the stack. Always raises."""
    traverse(run, stack, "PREROUTING", packet, entered=dev)
    routed(run, stack, dev, packet, route_in(run, stack, dev, packet))


def routed(run: Run, stack: Stack, dev: str, packet: Packet, way: Way) -> None:
    """What follows the route decision for a packet that came in. Always raises."""
    if way.type == "local":
        traverse(run, stack, "INPUT", packet, entered=dev)
        if ipvs.served(stack, packet):
            ipvs.choose(run, stack, packet)
            send_translated(run, stack, packet)
        wire.unwrap(run, stack, packet)
        raise Arrived(stack, packet)
    way = _first_hop(run, stack, way)
    if packet.ttl <= 1:
        raise Fate("ttl-exceeded", At(stack.name))
    out = way.dev or ""
    _fits(run, stack, packet, way, out)
    packet.ttl -= 1
    run.hops += 1
    if run.hops > HOPS:
        raise Fate("ttl-exceeded", At(stack.name))
    traverse(run, stack, "FORWARD", packet, entered=dev, leaves=out)
    leave(run, stack, packet, way, dev)


def send_translated(run: Run, stack: Stack, packet: Packet) -> None:
    """A packet that IPVS sends on to a real server: by the chains of local output. Always raises."""
    routing = run.world.routing(stack)
    way = _first_hop(run, stack, routing.look_up(packet.dst, mark=packet.mark, packet=packet))
    _say_way(run, stack, packet, way)
    traverse(run, stack, "OUTPUT", packet, leaves=_device(way))
    leave(run, stack, packet, way)


def route_in(run: Run, stack: Stack, dev: str, packet: Packet) -> Way:
    """The route decision for a packet that came in by an interface, with the checks of its source."""
    routing = run.world.routing(stack)
    if packet.family == 4 and dev != "lo":
        _check_loopback(run, stack, dev, packet)
    if not stack.knows_addresses:
        raise unknown(f"ip addr of {stack.name}", stack.name)
    way = routing.look_up(packet.dst, src=packet.src, mark=packet.mark, iif=dev, packet=packet)
    if way.type == "broadcast":
        raise unknown("what becomes of broadcasts", stack.name)
    if packet.family == 6 and packet.dst.is_loopback and dev != "lo":
        raise Fate("no-route", At(stack.name), route_type="none")  # ::1 is looked up strictly by interface
    if way.type == "local":
        check_source(run, stack, dev, packet)
        _say_way(run, stack, packet, way)
        return way
    if packet.family == 6 and way.type not in ("unicast", "local"):
        # IPv6 looks for a route first: without one the sender is told, forwarding or not.
        return _first_hop(run, stack, way)
    if not _forwards(run, stack, dev, packet.family):
        names = (f"net.ipv4.conf.{dev}.forwarding", "net.ipv4.ip_forward")
        fact = next((stack.sysctls[name] for name in names if name in stack.sysctls), None)
        run.note(stack, f"not for {stack.name}, and forwarding is off", fact, hook="routing")
        raise Fate("not-forwarded", At(stack.name))
    if way.missing:
        raise unknown(way.missing, stack.name)
    if way.type == "unicast":
        check_source(run, stack, dev, packet)
        _say_way(run, stack, packet, way)
        return way
    return _first_hop(run, stack, way)


def _forwards(run: Run, stack: Stack, dev: str, family: int) -> bool:
    """Whether packets from this interface are forwarded."""
    whole = stack.setting("net.ipv4.ip_forward" if family == 4 else "net.ipv6.conf.all.forwarding")
    if family == 4:
        own = stack.sysctls.get(f"net.ipv4.conf.{dev}.forwarding")
        if own is not None and own.number is not None:
            return own.number != 0
        if whole is None:
            every = stack.sysctls.get("net.ipv4.conf.all.forwarding")
            whole = every.number if every is not None else None
    if whole is not None:
        return whole != 0
    if stack.pod:
        return False
    raise unknown(f"sysctl net.ipv{family}.conf.all.forwarding of {stack.name}", stack.name)


def _check_loopback(run: Run, stack: Stack, dev: str, packet: Packet) -> None:
    if packet.src.is_multicast or packet.src == packet.src.__class__(0xFFFFFFFF):
        raise Fate("martian", At(stack.name))
    if not (packet.src.is_loopback or packet.dst.is_loopback):
        return
    every, own = stack.interface_setting(dev, "route_localnet")
    if every or own:
        return
    if every is None and own is None:
        raise unknown(f"sysctl net.ipv4.conf.{dev}.route_localnet of {stack.name}", stack.name)
    raise Fate("martian", At(stack.name))


def check_source(run: Run, stack: Stack, dev: str, packet: Packet) -> None:
    """fib_validate_source: own addresses are martians, and with rp_filter the way back must lead out by `dev`."""
    if dev == "lo" or packet.family != 4:
        return
    routing = run.world.routing(stack)
    all_accept, accept = stack.interface_setting(dev, "accept_local")
    accepts = bool(all_accept or accept)
    all_filter, own_filter = stack.interface_setting(dev, "rp_filter")
    strict = None if all_filter is None and own_filter is None else max(all_filter or 0, own_filter or 0)
    if strict == 0 and not routing.custom_rules:
        if not accepts and packet.src in stack.own and not packet.src.is_loopback:
            raise Fate("martian", At(stack.name))
        return
    marks = stack.interface_setting(dev, "src_valid_mark")
    back = routing.look_up(packet.src, src=packet.dst, mark=packet.mark if any(marks) else 0, iif=dev, packet=None)
    if back.missing:
        raise unknown(back.missing, stack.name)
    if back.type is not None and back.type != "unicast" and not (back.type == "local" and accepts):
        if back.type in ("unreachable", "prohibit", "blackhole"):
            _rp_failed(run, stack, dev, strict)
            return
        raise Fate("martian", At(stack.name))
    if back.type == "local" or any(hop_dev == dev for _, hop_dev, _ in back.hops):
        return
    if back.type == "unicast" and strict == 2:
        return
    _rp_failed(run, stack, dev, strict)


def _rp_failed(run: Run, stack: Stack, dev: str, strict: int | None) -> None:
    if strict == 0:
        return
    if strict is None:
        if run.open(f"sysctl net.ipv4.conf.{dev}.rp_filter of {stack.name}"):
            return
        raise Fate("rp-filter", At(stack.name))
    fact = stack.sysctls.get(f"net.ipv4.conf.{dev}.rp_filter")
    run.note(stack, f"reverse path filter on {dev}", fact, hook="routing")
    raise Fate("rp-filter", At(stack.name))
