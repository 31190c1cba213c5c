"""Services against their pods, target ports against containers, and the agents that every node should run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

import msgspec

from analyzer.facts.derived import ServiceHealth, TargetPort
from analyzer.facts.fact import Coverage, Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.health import ComponentHealth
from analyzer.facts.nodes import Node
from analyzer.facts.routing import Listener
from analyzer.facts.services import Endpoint, Service, ServicePort
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ContainerPort, Pod, Workload
from analyzer.model.labels import Labelled
from analyzer.model.names import agent_kind, workload_of

_SERVERLESS = ("virtual-kubelet", "fargate")


def living(pod: Pod) -> bool:
    """Whether a pod can still serve: neither finished nor being deleted."""
    return (
        pod.phase not in ("Succeeded", "Failed") and pod.status not in ("Completed", "Evicted") and not pod.terminating
    )


def service_health(facts: Facts) -> tuple[list[Fact], list[Coverage]]:
    """ServiceHealth and TargetPort of every Service that has a selector."""
    pods: dict[str, list[Pod]] = defaultdict(list)
    for pod in facts.of(Pod):
        if living(pod):
            pods[pod.namespace].append(pod)
    labelled = {namespace: Labelled(some) for namespace, some in pods.items()}
    nobody = Labelled(())
    idle: dict[str, list[Workload]] = defaultdict(list)
    for load in facts.of(Workload):
        if load.desired == 0 and load.labels is not None:
            idle[load.namespace].append(load)
    looked = frozenset(entry.pod for entry in facts.coverage(Listener) if entry.complete)
    found: list[Fact] = []
    blind: dict[str, str] = {}
    # A plain table has no column of selectors; a cluster without any is not to be expected.
    told = any(service.selector is not None for service in facts.of(Service))
    for service in facts.of(Service):
        selector = service.selector
        if not told and service.type != "ExternalName":
            blind[service.namespace] = "the selectors of Services are not known"
        if selector is None or service.type == "ExternalName" or not (selector.labels or selector.expressions):
            continue
        mine = labelled.get(service.namespace, nobody)
        if mine.unknown:
            # a list without labels tells nothing of what is selected
            blind[service.namespace] = "the labels of pods are not known"
            continue
        chosen = mine.selected(selector)
        if not chosen and not facts.coverage(Pod, namespace=service.namespace):
            continue  # nobody saw the pods, so there may be some
        found.append(_health(facts, service, selector, mine, chosen, idle.get(service.namespace, ())))
        found += _target_ports(facts, service, chosen, looked)
    coverage = _coverage(facts, "ServiceHealth", "Service", "Pod") + _coverage(facts, "TargetPort", "Service", "Pod")
    return found, [_dimmed(entry, blind) for entry in coverage]


def _dimmed(entry: Coverage, blind: dict[str, str]) -> Coverage:
    """The entry as a part only, where something in its namespaces could not be told."""
    why = blind.get(entry.namespace) if entry.namespace else next(iter(blind.values()), None)
    return msgspec.structs.replace(entry, complete=False, note=entry.note or why) if why else entry


def _health(
    facts: Facts,
    service: Service,
    selector: Selector,
    mine: Labelled,
    chosen: Sequence[Pod],
    idle: Iterable[Workload],
) -> ServiceHealth:
    key = ServiceName(service.key)
    listed: int | None = len({one.ip for one in facts.where(Endpoint, service=key) if one.ready})
    if not listed and not facts.collected(Endpoint, namespace=service.namespace):
        listed = None
    return ServiceHealth(
        service=key,
        selector=str(selector),
        selected=len(chosen),
        ready_pods=sum(pod.ready is True for pod in chosen),
        ready_endpoints=listed,
        scaled_to_zero=not chosen and any(selector.selects(load.labels or {}) for load in idle),
        almost=None if chosen else _almost(selector, mine, service.name),
        origin=service.origin,
    )


def _almost(selector: Selector, pods: Labelled, name: str) -> str | None:
    """The labels that pods carry where the selector wants others: of pods that match all but one, or bear the name."""
    named = {id(pod): pod for pod in pods.called(name)}
    near = dict(named)
    if len(selector.labels) > 1:
        near |= {id(pod): pod for pair in selector.labels.items() for pod in pods.with_label(*pair)}
    votes: Counter[str] = Counter()
    for mark, pod in near.items():
        labels = pod.labels or {}
        wrong = [key for key, value in selector.labels.items() if labels.get(key) != value]
        if mark not in named and len(wrong) != 1:
            continue
        carried = [f"{key}={labels[key]}" for key in wrong if key in labels]
        carried = carried or [f"{key}={value}" for key, value in sorted(labels.items()) if "hash" not in key]
        if carried:
            votes[",".join(carried)] += 2 if mark in named else 1
    return min(votes, key=lambda text: (-votes[text], text)) if votes else None


def _target_ports(
    facts: Facts, service: Service, chosen: Sequence[Pod], looked: Set[str | None]
) -> Iterator[TargetPort]:
    key = ServiceName(service.key)
    for port in facts.where(ServicePort, service=key):
        for pod in chosen:
            name = PodName(pod.key)
            declared = facts.where(ContainerPort, pod=name)
            number: int | None = port.target_port if port.target_port is not None else port.port
            resolved = True
            if port.target_name is not None:
                match = [one.port for one in declared if one.name == port.target_name and one.protocol == port.protocol]
                number, resolved = (match[0], True) if match else (None, False)
            states = [one.port == number and one.protocol == port.protocol for one in declared]
            listening, loopback = _sockets(facts, pod, number, port.protocol, looked)
            yield TargetPort(
                service=key,
                pod=name,
                port=port.port,
                protocol=port.protocol,
                target_port=number,
                target_name=port.target_name,
                resolved=resolved,
                declared=any(states) if states else None,
                listening=listening,
                loopback_only=loopback,
                origin=port.origin,
            )


def _sockets(
    facts: Facts, pod: Pod, number: int | None, protocol: str, looked: Set[str | None]
) -> tuple[bool | None, bool | None]:
    """Whether the pod has a socket on the port, and whether only on loopback; None where its sockets are not known.

    `looked` are the network namespaces whose sockets were listed completely.
    """
    if number is None or pod.node is None:
        return None, None
    if pod.host_network:
        all_sockets = facts.where(Listener, node=pod.node)
        known = facts.collected(Listener, node=pod.node)
    else:
        place = f"{pod.node}:{pod.name}"
        all_sockets = facts.where(Listener, netns=place)
        known = place in looked
    sockets = [one for one in all_sockets if one.protocol == protocol]
    here = [one for one in sockets if one.port == number]
    if here:
        return True, all(one.ip is not None and one.ip.is_loopback for one in here)
    # `ss -tlnp` holds no UDP sockets: no UDP socket at all means that nobody looked
    return (False, False) if known and (protocol == "TCP" or sockets) else (None, None)


def _coverage(facts: Facts, fact: str, first: str, second: str) -> list[Coverage]:
    """Coverage of a fact derived from two others, for each namespace that an entry of the first speaks of."""
    found = []
    for entry in facts.coverage(first):
        other = facts.collected(second, namespace=entry.namespace)
        if not facts.coverage(second, namespace=entry.namespace):
            continue
        found.append(
            Coverage(
                fact=fact,
                namespace=entry.namespace,
                complete=entry.complete and other,
                note=entry.note or ("" if other else f"{second} is not known completely"),
                path=entry.path,
            )
        )
    return found


def agents(facts: Facts) -> tuple[list[Fact], list[Coverage]]:
    """ComponentHealth of the service proxy and the CNI agent on every node, where the cluster runs them as pods."""
    pods: dict[tuple[str, NodeName], list[Pod]] = defaultdict(list)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    wanted: dict[str, str] = {}
    homes: dict[str, set[str]] = defaultdict(set)
    adrift: set[str] = set()
    for load in facts.of(Workload):
        if load.kind == "DaemonSet" and (kind := agent_kind(load.name)) and load.desired != 0:
            wanted[kind] = load.name
            homes[kind].add(load.namespace)
    for pod in facts.of(Pod):
        kind = agent_kind(workload_of(pod))
        if kind is None or not living(pod):
            continue
        names[kind][workload_of(pod) if pod.owner_kind != "Node" else kind] += 1
        homes[kind].add(pod.namespace)
        if pod.node is not None:
            pods[(kind, pod.node)].append(pod)
        else:
            adrift.add(kind)
    # That a node has no such pod can only be said of a list that is complete and says where each pod runs.
    adrift |= {kind for kind, spaces in homes.items() if not all(facts.collected(Pod, namespace=one) for one in spaces)}
    found: list[Fact] = []
    for kind in sorted({*names, *wanted}):
        title = wanted.get(kind) or min(names[kind], key=lambda name: (-names[kind][name], name))
        for node in facts.of(Node):
            if any(mark in (node.name + " ".join(node.labels or ())) for mark in _SERVERLESS):
                continue
            if (node.labels or {}).get("kubernetes.io/os", "linux") != "linux":
                continue
            here = pods.get((kind, node.name), [])
            if here or kind not in adrift:
                found.append(_component(kind, title, node, here))
    note = "where some agents run is not known"
    dim = {"": note} if adrift else {}
    return found, [_dimmed(entry, dim) for entry in _coverage_of_agents(facts)]


def _component(kind: str, title: str, node: Node, pods: list[Pod]) -> ComponentHealth:
    best = max(pods, key=lambda pod: (pod.ready is True, pod.key), default=None)
    return ComponentHealth(
        component=kind,
        node=node.name,
        name=title,
        pod=PodName(best.key) if best is not None else None,
        running=best is not None and best.ready is not False and best.waiting is None,
        status=(best.status or best.waiting or best.phase or "unknown") if best is not None else "no pod",
        restarts=best.restarts if best is not None else None,
        origin=best.origin if best is not None else node.origin,
    )


def _coverage_of_agents(facts: Facts) -> list[Coverage]:
    entries = [one for one in facts.coverage(Pod) if one.namespace is None or one.namespace == "kube-system"]
    if not entries or not facts.coverage(Node):
        return []
    complete = any(one.complete for one in entries) and facts.collected(Node)
    best = next((one for one in entries if one.complete), entries[0])
    return [Coverage(fact="ComponentHealth", complete=complete, note=best.note, path=best.path)]
