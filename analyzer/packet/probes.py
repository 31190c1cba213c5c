"""The standard probes of a cluster: which kinds of traffic arrive, and what ends the others."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.derived import Cluster, Path
from analyzer.facts.fact import Coverage, NodeName, PodName, ServiceName
from analyzer.facts.nodes import Node
from analyzer.facts.policy import NetworkPolicy
from analyzer.facts.routing import Listener
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.source import Source
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ContainerPort, Pod
from analyzer.packet.authors import author_of
from analyzer.packet.flow import Flow
from analyzer.packet.header import protocol_number
from analyzer.packet.text import sentence
from analyzer.packet.trace import Trace, trace
from analyzer.packet.verdict import At, Step
from analyzer.packet.world import OUTSIDE, World, world_of

# Beyond these a matrix is a sample: neighbours in a ring, and a stride through the services.
PAIRS, SERVICES, PROBES = 400, 60, 4000
OUTSIDE_ADDRESS = "192.0.2.1"  # reserved for documents: no cluster owns it


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of traffic to follow."""

    node: str
    kind: str
    flow: Flow
    from_pod: str | None = None
    to_pod: str | None = None
    service: str | None = None
    peer: str | None = None
    origin: Source = Source("", 0, 0)


def derive_paths(facts: Facts) -> tuple[list[Path], list[Coverage]]:
    """Every standard probe as a fact, and for which nodes they were followed."""
    world = world_of(facts)
    nodes = sorted(name for name, stack in world.stacks.items() if not stack.pod and _dumped(world, name))
    paths: list[Path] = []
    for count, probe in enumerate(_probes(world, nodes)):
        if count >= PROBES:
            break
        result = trace(facts, probe.flow)
        if probe.kind == "pod-to-own-service":
            result = _chosen_itself(result, probe.flow.src_ip or "")
        paths.append(path_of(facts, probe, result))
    open_nodes = {path.node for path in paths if path.ok is None}
    # Which packets are worth sending is told by the API's objects: without them no probe of that kind was made.
    lacking = [kind.__name__ for kind in (Node, Pod, Service, Endpoint) if not facts.collected(kind)]
    general = f"{', '.join(lacking)} not collected" if lacking else ""
    coverage = [
        Coverage(
            fact="Path",
            node=node,
            complete=node not in open_nodes and not lacking,
            note=general or ("some packets cannot be followed" if node in open_nodes else ""),
        )
        for node in nodes
    ]
    return paths, coverage


def _dumped(world: World, name: str) -> bool:
    """Whether anything of a node's network was collected; the API alone tells no packet's fate."""
    stack = world.stacks[name]
    return bool(stack.routes) or stack.touched("Route") or stack.touched("Rule")


def path_of(facts: Facts, probe: Probe, result: Trace) -> Path:
    """A probe and its fate as a fact."""
    worst = _worst(result)
    lost_reply = worst.verdict == "delivered" and worst.reply not in (None, "ok")
    at = worst.reply_at if lost_reply else worst.at
    last = _deciding(worst, lost_reply, at)
    return Path(
        origin=Source(last.path, last.line, last.line) if last and last.path and last.line else probe.origin,
        node=NodeName(probe.node),
        kind=probe.kind,
        from_pod=PodName(probe.from_pod) if probe.from_pod else None,
        to_pod=PodName(probe.to_pod) if probe.to_pod else None,
        service=ServiceName(probe.service) if probe.service else None,
        peer=NodeName(probe.peer) if probe.peer else None,
        source_ip=_address(probe.flow.src_ip),
        target=f"{probe.flow.dst_ip}:{probe.flow.dst_port}" if probe.flow.dst_port else probe.flow.dst_ip,
        verdict=result.verdict,
        ok=arrives(result),
        at_node=NodeName(at.node.partition(":")[0]) if at is not None and at.node != OUTSIDE else None,
        table=at.table if at is not None else None,
        chain=at.chain if at is not None else None,
        rule=str(at.rule) if at is not None and at.rule is not None else None,
        author=author_of(facts, at, last) if at is not None else None,
        reply=worst.reply,
        reason=_reason(result, worst),
    )


def _deciding(result: Trace, lost_reply: bool, at: At | None) -> Step | None:
    """The step that stands in a file and says why the packet, or its reply, went no further."""
    steps = [step for step in result.steps if step.path and (lost_reply or not step.reply)]
    if (result.reply if lost_reply else result.verdict) == "no-route" and at is not None:
        steps = [step for step in steps if step.hook == "routing" and step.node == at.node] or steps
    return steps[-1] if steps else None


def _chosen_itself(result: Trace, address: str) -> Trace:
    """Of the outcomes of a random choice, the one that leads back to the sender."""
    for outcome in result.outcomes:
        for step in outcome.steps:
            words = (step.changed or "").split()
            if words[:2] == ["DNAT", "to"] and words[2].removesuffix(":" + words[2].rpartition(":")[2]) == address:
                return outcome
    return result


def arrives(result: Trace) -> bool | None:
    """Whether packet and reply both arrive, listener or not; false if any random outcome fails."""
    if result.verdict == "one-of":
        parts = [arrives(outcome) for outcome in result.outcomes]
        return False if False in parts else None if None in parts else True
    if result.verdict == "unknown":
        return None
    if result.verdict != "delivered":
        return False
    return None if result.reply in (None, "unknown") else result.reply == "ok"


def _worst(result: Trace) -> Trace:
    """The outcome that explains a path: a failing one, else an unknown one, else the first."""
    if result.verdict != "one-of":
        return result
    order = {False: 0, None: 1, True: 2}
    return min(result.outcomes, key=lambda outcome: order[arrives(outcome)])


def _reason(result: Trace, worst: Trace) -> str:
    if result.verdict == "one-of" and arrives(result) is False:
        share = sum(outcome.probability for outcome in result.outcomes if arrives(outcome) is False)
        return f"{share:.0%} of connections: {sentence(worst)}"
    return sentence(worst)


def _address(text: str | None) -> IP | None:
    return ip(text) if text else None


def _probes(world: World, nodes: list[str]) -> Iterator[Probe]:
    facts = world.facts
    senders = {node: pod for node in nodes if (pod := _sender(world, node)) is not None}
    receivers = {node: pod for node in nodes if (pod := _receiver(world, node, senders.get(node))) is not None}
    for node, pod in senders.items():
        if node in receivers:
            yield _to_pod(world, node, "pod-to-pod-same-node", receivers[node], pod)
    pairs = [(a, b) for a in senders for b in receivers if a != b]
    if len(pairs) > PAIRS:
        order = sorted(set(senders) & set(receivers))
        pairs = [(a, order[(i + step) % len(order)]) for i, a in enumerate(order) for step in (1, len(order) // 2)]
    for a, b in pairs:
        yield _to_pod(world, a, "pod-to-pod-other-node", receivers[b], senders[a])
    for node in nodes:
        yield from _around(world, node, nodes, senders.get(node), receivers)
    for key, node, pod in _own_services(world, nodes):
        for port in facts.where(ServicePort, service=key):
            flow = _service_flow(world, key, port, pod)
            if flow is not None:
                yield Probe(node=node, kind="pod-to-own-service", flow=flow, from_pod=pod.key, to_pod=pod.key,
                            service=key, origin=pod.origin)  # fmt: skip
            break
    services = [service for service in sorted(facts.of(Service), key=lambda s: s.key) if _has_address(service)]
    for service in services[:: max(1, len(services) // SERVICES)]:
        yield from _to_service(world, service, nodes, senders)


def _around(
    world: World, node: str, nodes: list[str], sender: Pod | None, receivers: dict[str, Pod]
) -> Iterator[Probe]:
    """What concerns one node: to the outside, to nodes, DNS, the API, and from the node to pods."""
    facts = world.facts
    if sender is not None:
        start = {"src_node": _stack(world, sender), "src_ip": str(sender.ip)}
        more = {"node": node, "from_pod": sender.key, "origin": sender.origin}
        if world.default_gateway(world.stacks[node]) is not None:
            outside = Flow(**start, dst_ip=OUTSIDE_ADDRESS, dst_port=443)  # type: ignore[arg-type]
            yield Probe(kind="pod-to-outside", flow=outside, **more)  # type: ignore[arg-type]
        here = nodes.index(node)
        for peer in dict.fromkeys((node, nodes[(here + 1) % len(nodes)])):
            address = _node_address(world, peer)
            port = 10250 if _listens(world, peer, 10250) else _any_port(world, peer)
            if address is not None and port is not None:
                flow = Flow(**start, dst_ip=str(address), dst_port=port)  # type: ignore[arg-type]
                yield Probe(kind="pod-to-node", flow=flow, peer=peer, **more)  # type: ignore[arg-type]
    for peer, pod in receivers.items():
        if peer in (node, next((n for n in receivers if n != node), None)):
            yield _to_pod(world, node, "node-to-pod", pod, None)
    dns = facts.of(Cluster)[0].dns_ip if facts.of(Cluster) else None
    names = [service.key for service in facts.of(Service) if service.cluster_ip == dns]
    asker = _stranger(world, node, names[0], sender) if names and sender is not None else sender
    yield from _well_known(world, node, asker, dns)


def _well_known(world: World, node: str, sender: Pod | None, dns: IP | None) -> Iterator[Probe]:
    if sender is None:
        return
    start = {"src_node": _stack(world, sender), "src_ip": str(sender.ip)}
    if dns is not None:
        flow = Flow(**start, dst_ip=str(dns), dst_port=53, proto="udp")  # type: ignore[arg-type]
        names = [s.key for s in world.facts.of(Service) if s.cluster_ip == dns]
        yield Probe(node=node, kind="pod-to-dns", flow=flow, from_pod=sender.key,
                    service=names[0] if names else None, origin=sender.origin)  # fmt: skip
    api = next(iter(world.facts.where(Service, namespace="default", name="kubernetes")), None)
    if api is not None and api.cluster_ip is not None:
        flow = Flow(**start, dst_ip=str(api.cluster_ip), dst_port=443)  # type: ignore[arg-type]
        yield Probe(node=node, kind="pod-to-api", flow=flow, from_pod=sender.key, service=api.key, origin=api.origin)


def _to_service(world: World, service: Service, nodes: list[str], senders: dict[str, Pod]) -> Iterator[Probe]:
    port = next(iter(world.facts.where(ServicePort, service=service.key)), None)
    if port is None or protocol_number(port.protocol.lower()) not in (6, 17):
        return
    if service.key == "default/kubernetes" or _isolated_behind(world, service):
        return  # the API has its own probe; a policy in front of the pods is judged by the policy rules
    for node in nodes:
        pod = _stranger(world, node, service.key, senders.get(node))
        if pod is not None and (flow := _service_flow(world, service.key, port, pod)) is not None:
            yield Probe(node=node, kind="pod-to-service", flow=flow, from_pod=pod.key, service=service.key,
                        origin=service.origin)  # fmt: skip
        flow = Flow(src_node=node, dst_ip=str(service.cluster_ip), dst_port=port.port, proto=port.protocol.lower())
        yield Probe(node=node, kind="node-to-service", flow=flow, service=service.key, origin=service.origin)
        address = _node_address(world, node)
        if port.node_port and address is not None:
            flow = Flow(src_node=OUTSIDE, dst_ip=str(address), dst_port=port.node_port, proto=port.protocol.lower())
            yield Probe(node=node, kind="outside-to-node-port", flow=flow, service=service.key, origin=service.origin)


def _to_pod(world: World, node: str, kind: str, target: Pod, sender: Pod | None) -> Probe:
    port, proto = _pod_port(world, target)
    flow = Flow(
        src_node=_stack(world, sender) if sender is not None else node,
        src_ip=str(sender.ip) if sender is not None else None,
        dst_ip=str(target.ip),
        dst_port=port,
        proto=proto,
    )
    return Probe(node=node, kind=kind, flow=flow, from_pod=sender.key if sender else None, to_pod=target.key,
                 peer=target.node, origin=target.origin)  # fmt: skip


def _service_flow(world: World, key: str, port: ServicePort, pod: Pod) -> Flow | None:
    namespace, _, name = key.partition("/")
    service = next(iter(world.facts.where(Service, namespace=namespace, name=name)), None)
    if service is None or service.cluster_ip is None or pod.ip is None:
        return None
    if service.cluster_ip.version != pod.ip.version:
        return None
    return Flow(src_node=_stack(world, pod), src_ip=str(pod.ip), dst_ip=str(service.cluster_ip), dst_port=port.port,
                proto=port.protocol.lower())  # fmt: skip


def _own_services(world: World, nodes: list[str]) -> Iterator[tuple[str, str, Pod]]:
    """Each service that a pod of a node stands behind, once for every node."""
    pods = {pod.key: pod for pod in world.facts.of(Pod)}
    seen: set[tuple[str, str]] = set()
    for endpoint in sorted(world.facts.of(Endpoint), key=lambda e: (e.service, str(e.ip))):
        pod = pods.get(endpoint.pod or "")
        if pod is None or pod.host_network or pod.node not in nodes or not endpoint.ready:
            continue
        if (endpoint.service, pod.node) not in seen and world.of_pod(pod.key) is not None and not _isolated(world, pod):
            seen.add((endpoint.service, pod.node))
            yield endpoint.service, pod.node, pod


def _candidates(world: World, node: str) -> list[Pod]:
    found = [
        pod
        for pod in world.facts.where(Pod, node=node)
        if not pod.host_network and pod.ip is not None and world.of_pod(pod.key) is not None
        and pod.phase in (None, "Running") and not pod.terminating
    ]  # fmt: skip
    serving = world.facts.index(Endpoint, ("pod",))
    return sorted(found, key=lambda pod: (pod.ready is False, _isolated(world, pod), (pod.key,) in serving, pod.key))


def _sender(world: World, node: str) -> Pod | None:
    found = [pod for pod in _candidates(world, node) if not _isolated(world, pod)] or _candidates(world, node)
    return found[0] if found else None


def _stranger(world: World, node: str, service: str, preferred: Pod | None) -> Pod | None:
    """A pod of a node that does not stand behind a service: reaching itself is a matter of its own."""
    behind = {endpoint.pod for endpoint in world.facts.where(Endpoint, service=service)}
    if preferred is None or preferred.key not in behind:
        return preferred
    return next((p for p in _candidates(world, node) if p.key not in behind and not _isolated(world, p)), None)


def _receiver(world: World, node: str, sender: Pod | None) -> Pod | None:
    found = [pod for pod in _candidates(world, node) if pod != sender and not _isolated(world, pod)]
    serving = [pod for pod in found if _pod_port(world, pod)[0] is not None]
    return (serving or found or [None])[0]  # type: ignore[list-item]


def _isolated(world: World, pod: Pod) -> bool:
    """Whether a NetworkPolicy selects a pod: what it may do is for the rules on policies to judge."""
    for policy in world.facts.where(NetworkPolicy, namespace=pod.namespace):
        if policy.pod_selector is None or policy.pod_selector.selects(pod.labels or {}):
            return True
    return False


def _isolated_behind(world: World, service: Service) -> bool:
    pods = {pod.key: pod for pod in world.facts.where(Pod, namespace=service.namespace)}
    behind = [pods[e.pod] for e in world.facts.where(Endpoint, service=service.key) if e.pod in pods]
    return any(_isolated(world, pod) for pod in behind)


def _has_address(service: Service) -> bool:
    return service.cluster_ip is not None and service.type != "ExternalName"


def _stack(world: World, pod: Pod) -> str:
    stack = world.of_pod(pod.key)
    return stack.name if stack is not None else pod.key


def _pod_port(world: World, pod: Pod) -> tuple[int | None, str]:
    for declared in world.facts.where(ContainerPort, pod=pod.key):
        if declared.protocol in ("TCP", "UDP"):
            return declared.port, declared.protocol.lower()
    stack = world.of_pod(pod.key)
    for socket in world.facts.where(Listener, netns=stack.name) if stack is not None else ():
        if socket.protocol.upper() == "TCP" and (socket.ip is None or not socket.ip.is_loopback):
            return socket.port, "tcp"
    return None, "icmp"


def _node_address(world: World, node: str) -> IP | None:
    fact = next(iter(world.facts.where(Node, name=node)), None)
    if fact is not None and fact.ip is not None:
        return fact.ip
    gateway = world.default_gateway(world.stacks[node])
    own = world.stacks[node].addresses
    return next((a.ip for a in own if gateway is not None and a.dev == gateway[1] and a.ip.version == 4), None)


def _listens(world: World, node: str, port: int) -> bool:
    return any(s.port == port and s.protocol.upper() == "TCP" for s in world.facts.where(Listener, node=node))


def _any_port(world: World, node: str) -> int | None:
    found = sorted(
        s.port
        for s in world.facts.where(Listener, node=node)
        if s.protocol.upper() == "TCP" and not (s.ip is not None and s.ip.is_loopback)
    )
    return found[0] if found else 10250
