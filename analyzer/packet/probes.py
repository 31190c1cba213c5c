"""The standard probes of a cluster: the kinds of traffic whose fate is worth knowing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from analyzer.facts.address import IP
from analyzer.facts.derived import Cluster
from analyzer.facts.health import DnsUpstream
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.source import NOWHERE, Source
from analyzer.facts.workloads import Pod
from analyzer.packet.flow import Flow
from analyzer.packet.header import protocol_number
from analyzer.packet.outside import Outside
from analyzer.packet.places import Places
from analyzer.packet.world import OUTSIDE, World

# Of more pairs of nodes than this only neighbours in a ring are tried, and those across it.
PAIRS = 400
# The Services that come first, spread over the whole list, where there may not be time for all.
FIRST = 60
OUTSIDE_ADDRESS = "192.0.2.1"  # reserved for documents: no cluster owns it
# Where a Service stands between the ends; such probes are many, and most are alike.
OWN = "pod-to-own-service"
SERVED = frozenset({"pod-to-service", OWN, "node-to-service", "outside-to-node-port"})


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of traffic to follow."""

    node: str
    kind: str
    flow: Flow
    from_pod: str | None = None
    to_pod: str | None = None
    service: str | None = None
    peer: str | None = None
    origin: Source = NOWHERE


def probes(world: World, nodes: list[str]) -> Iterator[Probe]:
    """Every standard probe of these nodes: those between pods and nodes first, then each Service from each node."""
    facts, places = world.facts, Places(world)
    senders = {node: pod for node in nodes if (pod := places.sender(node)) is not None}
    receivers = {node: pod for node in nodes if (pod := places.receiver(node, senders.get(node))) is not None}
    for node, pod in senders.items():
        if node in receivers:
            yield _to_pod(places, node, "pod-to-pod-same-node", receivers[node], pod)
    # From afar the only pod of a node is reached as well.
    reached = {node: pod for node in nodes if (pod := receivers.get(node) or places.receiver(node, None)) is not None}
    pairs = [(a, b) for a in senders for b in reached if a != b]
    if len(pairs) > PAIRS:
        order = sorted(set(senders) & set(reached))
        pairs = [(a, order[(i + step) % len(order)]) for i, a in enumerate(order) for step in (1, len(order) // 2)]
    for a, b in pairs:
        yield _to_pod(places, a, "pod-to-pod-other-node", reached[b], senders[a])
    dns = _dns(world)
    for number, node in enumerate(nodes):
        following = nodes[(number + 1) % len(nodes)]
        yield from _around(places, node, following, senders.get(node), reached)
        if node in senders:
            yield from _well_known(places, node, senders[node], dns)
    yield from _to_upstreams(places, set(nodes))
    yield from _to_outside(places, nodes)
    for key, node, pod in _own_services(places, nodes):
        for port in facts.where(ServicePort, service=key):
            flow = _service_flow(places, key, port, pod)
            if flow is not None:
                yield Probe(node=node, kind=OWN, flow=flow, from_pod=pod.key, to_pod=pod.key,
                            service=key, origin=pod.origin)  # fmt: skip
            break
    services = [service for service in sorted(facts.of(Service), key=lambda s: s.key) if _has_address(service)]
    first = services[:: max(1, len(services) // FIRST)]
    early = {service.key for service in first}
    for service in (*first, *(service for service in services if service.key not in early)):
        yield from _to_service(places, service, nodes, senders)


def _around(
    places: Places, node: str, following: str, sender: Pod | None, receivers: dict[str, Pod]
) -> Iterator[Probe]:
    """What concerns one node: to the outside, to nodes, and from the node to pods."""
    world = places.world
    if sender is not None:
        start: dict[str, Any] = {"src_node": places.stack(sender), "src_ip": str(sender.ip)}
        more: dict[str, Any] = {"node": node, "from_pod": sender.key, "origin": sender.origin}
        if world.default_gateway(world.stacks[node]) is not None:
            outside = Flow(**start, dst_ip=OUTSIDE_ADDRESS, dst_port=443)
            yield Probe(kind="pod-to-outside", flow=outside, **more)
        for peer in dict.fromkeys((node, following)):
            address = places.node_address(peer)
            port = 10250 if places.listens(peer, 10250) else places.any_port(peer)
            if address is not None and port is not None:
                yield Probe(
                    kind="pod-to-node", flow=Flow(**start, dst_ip=str(address), dst_port=port), peer=peer, **more
                )
    other = next((name for name in receivers if name != node), None)
    for peer in receivers if node in receivers or other else ():
        if peer in (node, other):
            yield _to_pod(places, node, "node-to-pod", receivers[peer], None)


def _dns(world: World) -> tuple[IP | None, str | None]:
    """The address of the cluster's DNS, and the Service that has it."""
    cluster = next(iter(world.facts.of(Cluster)), None)
    address = cluster.dns_ip if cluster is not None else None
    return address, next((one.key for one in world.facts.of(Service) if one.cluster_ip == address), None)


def _well_known(places: Places, node: str, sender: Pod, dns: tuple[IP | None, str | None]) -> Iterator[Probe]:
    """The cluster's DNS and its API."""
    address, name = dns
    asker = places.stranger(node, name, sender) if name is not None else sender
    if asker is None:
        return
    start: dict[str, Any] = {"src_node": places.stack(asker), "src_ip": str(asker.ip)}
    if address is not None:
        yield Probe(node=node, kind="pod-to-dns", flow=Flow(**start, dst_ip=str(address), dst_port=53, proto="udp"),
                    from_pod=asker.key, service=name, origin=asker.origin)  # fmt: skip
    api = next(iter(places.world.facts.where(Service, namespace="default", name="kubernetes")), None)
    if api is not None and api.cluster_ip is not None:
        yield Probe(node=node, kind="pod-to-api", flow=Flow(**start, dst_ip=str(api.cluster_ip), dst_port=443),
                    from_pod=asker.key, service=api.key, origin=api.origin)  # fmt: skip


def _to_upstreams(places: Places, nodes: set[str]) -> Iterator[Probe]:
    """From each DNS pod to each address that it forwards to."""
    for upstream in places.world.facts.of(DnsUpstream):
        pod = places.pods.get(upstream.pod or "")
        if pod is None or pod.ip is None or pod.host_network or pod.node not in nodes or places.isolated(pod):
            continue
        if upstream.loopback or upstream.cluster_dns or upstream.ip.version != pod.ip.version:
            continue
        if places.world.of_pod(pod.key) is not None:
            flow = Flow(
                src_node=places.stack(pod), src_ip=str(pod.ip), dst_ip=str(upstream.ip), dst_port=53, proto="udp"
            )
            yield Probe(node=pod.node, kind="dns-to-upstream", flow=flow, from_pod=pod.key, origin=upstream.origin)


def _to_outside(places: Places, nodes: list[str]) -> Iterator[Probe]:
    """From pods to the addresses outside of the cluster that they are known to talk to."""
    for node, pod, (address, port, proto), fact in Outside(places).ends(nodes):
        flow = Flow(src_node=places.stack(pod), src_ip=str(pod.ip), dst_ip=str(address), dst_port=port, proto=proto)
        yield Probe(node=node, kind="pod-to-outside", flow=flow, from_pod=pod.key, origin=fact.origin)


def _to_service(places: Places, service: Service, nodes: list[str], senders: dict[str, Pod]) -> Iterator[Probe]:
    port = next(iter(places.world.facts.where(ServicePort, service=service.key)), None)
    if port is None or protocol_number(port.protocol.lower()) not in (6, 17):
        return
    if service.key == "default/kubernetes" or places.isolated_behind(service):
        return  # the API has its own probe; a policy in front of the pods is judged by the policy rules
    proto, target = port.protocol.lower(), str(service.cluster_ip)
    for node in nodes:
        pod = places.stranger(node, service.key, senders.get(node))
        if pod is not None and (flow := _flow(places, service, port, pod, target)) is not None:
            yield Probe(node=node, kind="pod-to-service", flow=flow, from_pod=pod.key, service=service.key,
                        origin=service.origin)  # fmt: skip
        flow = Flow(src_node=node, dst_ip=target, dst_port=port.port, proto=proto)
        yield Probe(node=node, kind="node-to-service", flow=flow, service=service.key, origin=service.origin)
        address = places.node_address(node) if port.node_port and not _left_out(places, service, node) else None
        if address is not None:
            flow = Flow(src_node=OUTSIDE, dst_ip=str(address), dst_port=port.node_port, proto=proto)
            yield Probe(node=node, kind="outside-to-node-port", flow=flow, service=service.key, origin=service.origin)


def _left_out(places: Places, service: Service, node: str) -> bool:
    """Whether a node drops what comes for a Service from outside by design, as it has no endpoint of its own."""
    if service.external_traffic_policy != "Local":
        return False
    behind = places.world.facts.where(Endpoint, service=service.key)
    return not any(one.ready and one.node == node for one in behind)


def _to_pod(places: Places, node: str, kind: str, target: Pod, sender: Pod | None) -> Probe:
    port, proto = places.port(target)
    flow = Flow(
        src_node=places.stack(sender) if sender is not None else node,
        src_ip=str(sender.ip) if sender is not None else None,
        dst_ip=str(target.ip),
        dst_port=port,
        proto=proto,
    )
    return Probe(node=node, kind=kind, flow=flow, from_pod=sender.key if sender else None, to_pod=target.key,
                 peer=target.node, origin=target.origin)  # fmt: skip


def _service_flow(places: Places, key: str, port: ServicePort, pod: Pod) -> Flow | None:
    namespace, _, name = key.partition("/")
    service = next(iter(places.world.facts.where(Service, namespace=namespace, name=name)), None)
    return _flow(places, service, port, pod, str(service.cluster_ip)) if service is not None else None


def _flow(places: Places, service: Service, port: ServicePort, pod: Pod, target: str) -> Flow | None:
    if service.cluster_ip is None or pod.ip is None or service.cluster_ip.version != pod.ip.version:
        return None
    return Flow(src_node=places.stack(pod), src_ip=str(pod.ip), dst_ip=target, dst_port=port.port,
                proto=port.protocol.lower())  # fmt: skip


def _own_services(places: Places, nodes: list[str]) -> Iterator[tuple[str, str, Pod]]:
    """Each Service that a pod of a node stands behind, once for every node."""
    known = set(nodes)
    seen: set[tuple[str, str]] = set()
    for endpoint in sorted(places.world.facts.of(Endpoint), key=lambda e: (e.service, str(e.ip))):
        pod = places.pods.get(endpoint.pod or "")
        if pod is None or pod.host_network or pod.node not in known or not endpoint.ready:
            continue
        placed = (endpoint.service, pod.node)
        if placed not in seen and places.world.of_pod(pod.key) is not None and not places.isolated(pod):
            seen.add(placed)
            yield endpoint.service, pod.node, pod


def _has_address(service: Service) -> bool:
    return service.cluster_ip is not None and service.type != "ExternalName"
