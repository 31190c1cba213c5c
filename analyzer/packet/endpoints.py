"""The ends of a flow as people name them: pods, services, nodes, addresses, the outside."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from analyzer.errors import UsageError
from analyzer.facts.address import IP, ip
from analyzer.facts.nodes import Node
from analyzer.facts.routing import Listener
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ContainerPort, Pod
from analyzer.packet.flow import Flow
from analyzer.packet.header import protocol_number
from analyzer.packet.world import OUTSIDE, World, world_of

FORMS = "pod/NAMESPACE/NAME[:PORT], svc/NAMESPACE/NAME[:PORT], node/NAME[:PORT], IP[:PORT] or external"
OUTSIDE_ADDRESS = {4: "192.0.2.1", 6: "2001:db8::1"}  # reserved for documents: nobody's own


class Source(msgspec.Struct, frozen=True):
    """Where a flow starts: the namespace, and the address if it is known."""

    stack: str
    address: IP | None


class Target(msgspec.Struct, frozen=True):
    """What a flow is sent to."""

    address: IP
    port: int | None = None


def resolve(facts: Facts, source: str, target: str, proto: str = "tcp") -> Flow:
    """The first packet of a connection between two ends; UsageError tells what exists instead."""
    if protocol_number(proto) is None:
        raise UsageError(f"unknown protocol {proto!r}; tcp, udp, icmp or a number")
    world = world_of(facts)
    start = source_of(world, source)
    family = start.address.version if start.address is not None else 4
    end = target_of(world, target, proto.lower(), family, start.stack == OUTSIDE)
    ports = protocol_number(proto) in (6, 17, 132)
    if ports and end.port is None:
        raise UsageError(f"which port of {target}? add :PORT")
    same = start.address is not None and start.address.version == end.address.version
    return Flow(
        src_node=start.stack,
        src_ip=str(start.address) if same else None,
        dst_ip=str(end.address),
        dst_port=end.port if ports else None,
        proto=proto.lower(),
    )


def source_of(world: World, text: str) -> Source:
    """The start of a flow."""
    kind, _, rest = text.partition("/")
    if text == OUTSIDE:
        return Source(OUTSIDE, None)
    if kind == "pod":
        pod = _pod(world.facts, rest.partition(":")[0])
        stack = world.of_pod(pod.key)
        if stack is None:
            raise UsageError(f"pod {pod.key} has no address and no node in this bundle")
        return Source(stack.name, pod.ip)
    if kind in ("svc", "service"):
        service = _service(world.facts, rest.partition(":")[0])
        for endpoint in world.facts.where(Endpoint, service=service.key):
            if endpoint.pod is not None and (stack := world.of_pod(endpoint.pod)) is not None:
                return Source(stack.name, endpoint.ip)
        raise UsageError(f"no pod stands behind service {service.key}")
    if kind == "node":
        return Source(_node(world, rest.partition(":")[0]), None)
    address, _ = _address(text)
    if address is None:
        raise UsageError(f"cannot start from {text!r}; use {FORMS}")
    owner = world.owner(address)
    return Source(owner.name if owner is not None else OUTSIDE, address)


def target_of(world: World, text: str, proto: str, family: int = 4, from_outside: bool = False) -> Target:
    """The end of a flow; without a port, the first one that fits."""
    kind, _, rest = text.partition("/")
    name, port = _port(rest)
    if text == OUTSIDE:
        address = ip(OUTSIDE_ADDRESS[family])
        assert address is not None
        return Target(address, 443)
    if kind == "pod":
        pod = _pod(world.facts, name)
        chosen = _of_family(pod.ips or ((pod.ip,) if pod.ip else ()), family)
        if chosen is None:
            raise UsageError(f"pod {pod.key} has no address in this bundle")
        return Target(chosen, port or _pod_port(world, pod, proto))
    if kind in ("svc", "service"):
        return _service_target(world, _service(world.facts, name), port, proto, family, from_outside)
    if kind == "node":
        node = _node(world, name)
        stack = world.stacks[node]
        fact = next(iter(world.facts.where(Node, name=node)), None)
        listed = (fact.ip,) if fact is not None and fact.ip is not None else tuple(stack.own)
        chosen = _of_family([a for a in listed if not a.is_loopback and not a.is_link_local], family)
        if chosen is None:
            raise UsageError(f"node {node} has no address in this bundle")
        return Target(chosen, port or _listening(world, node, None, proto))
    address, port = _address(text)
    if address is None:
        raise UsageError(f"cannot send to {text!r}; use {FORMS}")
    return Target(address, port)


def _of_family(addresses: Iterable[IP], family: int) -> IP | None:
    listed = list(addresses)
    return next((a for a in listed if a.version == family), listed[0] if listed else None)


def _service_target(
    world: World, service: Service, port: int | None, proto: str, family: int, from_outside: bool
) -> Target:
    ports = [p for p in world.facts.where(ServicePort, service=service.key) if p.protocol.lower() == proto]
    known = next((p for p in ports if port is None or p.port == port), None)
    if port is not None and known is None and ports:
        listed = ", ".join(str(p.port) for p in ports)
        raise UsageError(f"service {service.key} has no {proto} port {port}; it has {listed}")
    if from_outside:
        outside = (*(service.ingress_ips or ()), *(service.external_ips or ()))
        if outside:
            return Target(outside[0], port or (known.port if known else None))
        if known is None or known.node_port is None:
            raise UsageError(f"service {service.key} has no address and no NodePort that the outside could use")
        nodes = sorted(world.facts.of(Node), key=lambda node: node.name)
        address = next((node.ip for node in nodes if node.ip is not None), None)
        if address is None:
            raise UsageError("no node has an address in this bundle")
        return Target(address, known.node_port)
    addresses = service.cluster_ips or ((service.cluster_ip,) if service.cluster_ip else ())
    chosen = _of_family(addresses, family)
    if chosen is None:
        raise UsageError(f"service {service.key} has no address of its own (headless or ExternalName)")
    return Target(chosen, port or (known.port if known else None))


def _pod_port(world: World, pod: Pod, proto: str) -> int | None:
    for declared in world.facts.where(ContainerPort, pod=pod.key):
        if declared.protocol.lower() == proto:
            return declared.port
    stack = world.of_pod(pod.key)
    return _listening(world, stack.node, stack.netns, proto) if stack is not None else None


def _listening(world: World, node: str | None, netns: str | None, proto: str) -> int | None:
    sockets = world.facts.where(Listener, node=None if netns else node, netns=netns)
    found = [s.port for s in sockets if s.protocol.lower() == proto and (s.ip is None or not s.ip.is_loopback)]
    return min(found) if found else None


def _port(text: str) -> tuple[str, int | None]:
    name, colon, port = text.rpartition(":")
    if not colon:
        return text, None
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"not a port: {port!r}")
    return name, int(port)


def _address(text: str) -> tuple[IP | None, int | None]:
    plain = ip(text)
    if plain is not None:
        return plain, None
    name, port = _port(text)
    return ip(name.strip("[]")), port


def _pod(facts: Facts, key: str) -> Pod:
    found = {pod.key: pod for pod in facts.of(Pod)}
    if key not in found:
        short = [name for name in found if name.partition("/")[2] == key]
        if len(short) == 1:
            return found[short[0]]
        raise UsageError(_unknown("pod", key, found))
    return found[key]


def _service(facts: Facts, key: str) -> Service:
    found = {service.key: service for service in facts.of(Service)}
    if key not in found:
        raise UsageError(_unknown("service", key, found))
    return found[key]


def _node(world: World, name: str) -> str:
    found = {stack: None for stack, value in world.stacks.items() if not value.pod}
    if name not in found:
        raise UsageError(_unknown("node", name, found))
    return name


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"no {kind} {name!r} in this bundle; did you mean {', '.join(near)}?"
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"no {kind} {name!r} in this bundle" + (f"; there are {listed}" if names else "")
