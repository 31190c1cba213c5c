"""What network policies allow to and from the pods that they isolate, exactly as the API defines it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from analyzer.facts.address import IP
from analyzer.facts.derived import EgressAllow, IngressAllow
from analyzer.facts.fact import Coverage, Fact, PodName
from analyzer.facts.policy import NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule
from analyzer.facts.store import Facts
from analyzer.facts.workloads import ContainerPort, Namespace, Pod
from analyzer.model.labels import Labelled
from analyzer.model.names import dns_pods


def allowances(facts: Facts, dns_ip: IP | None) -> tuple[list[Fact], list[Coverage]]:
    """EgressAllow and IngressAllow of every pod that some policy isolates; no fact at all means nothing is allowed.

    A pod that no policy selects has none either: a rule must ask for the isolating policy first.
    """
    spaces = {policy.namespace for policy in facts.of(NetworkPolicy)}
    pods: dict[str, list[Pod]] = defaultdict(list)
    for pod in facts.of(Pod):
        if pod.namespace in spaces and not pod.host_network and pod.labels is not None:
            pods[pod.namespace].append(pod)
    labelled = {namespace: Labelled(some) for namespace, some in pods.items()}
    isolating: dict[int, list[NetworkPolicy]] = defaultdict(list)
    for policy in facts.of(NetworkPolicy):
        if policy.pod_selector is not None and policy.namespace in labelled:
            for pod in labelled[policy.namespace].selected(policy.pod_selector):
                isolating[id(pod)].append(policy)
    dns = dns_pods(facts)
    labels = {namespace.name: namespace.labels or {} for namespace in facts.of(Namespace)}
    found: list[Fact] = []
    for pod in facts.of(Pod):
        for policy in isolating.get(id(pod), ()):
            name = PodName(pod.key)
            if policy.egress:
                for rule in policy.egress_rules or ():
                    found += _egress(name, policy, rule, dns, dns_ip, labels, facts)
            if policy.ingress:
                for rule in policy.ingress_rules or ():
                    found += _ingress(name, policy, rule, facts)
    return list(dict.fromkeys(found)), _coverage(facts)


def _egress(
    pod: PodName,
    policy: NetworkPolicy,
    rule: PolicyRule,
    dns: list[Pod],
    dns_ip: IP | None,
    labels: dict[str, dict[str, str]],
    facts: Facts,
) -> Iterator[EgressAllow]:
    # without a known DNS pod nobody can tell whether the peers include it: then any peer may
    to_dns = not rule.peers or not (dns or dns_ip)
    to_dns = to_dns or any(_reaches(peer, policy, one, labels) for peer in rule.peers for one in dns)
    to_dns = to_dns or any(
        peer.block is not None and dns_ip is not None and _in_block(peer, dns_ip) for peer in rule.peers
    )
    for port, protocol in _ports(rule.ports, [PodName(one.key) for one in dns], facts):
        yield EgressAllow(pod=pod, port=port, protocol=protocol, to_dns=to_dns, origin=policy.origin)


def _ingress(pod: PodName, policy: NetworkPolicy, rule: PolicyRule, facts: Facts) -> Iterator[IngressAllow]:
    for port, protocol in _ports(rule.ports, [pod], facts):
        yield IngressAllow(pod=pod, port=port, protocol=protocol, from_anywhere=not rule.peers, origin=policy.origin)


def _ports(
    ports: tuple[PolicyPort, ...], named_in: Iterable[PodName], facts: Facts
) -> Iterator[tuple[int | None, str | None]]:
    """The (port, protocol) pairs that a rule opens; a named port is looked up in the pods that receive."""
    if not ports:
        yield None, None
    for port in ports:
        if port.name is not None:
            for pod in named_in:
                for declared in facts.where(ContainerPort, pod=pod):
                    if declared.name == port.name and declared.protocol == port.protocol:
                        yield declared.port, port.protocol
        elif port.port is None:
            yield None, port.protocol
        else:
            for number in range(port.port, min((port.end_port or port.port), port.port + 1024) + 1):
                yield number, port.protocol
            if port.end_port is not None and port.port <= 53 <= port.end_port:
                yield 53, port.protocol


def _reaches(peer: PolicyPeer, policy: NetworkPolicy, pod: Pod, labels: dict[str, dict[str, str]]) -> bool:
    """Whether a peer of a rule includes a pod."""
    if peer.block is not None:
        return pod.ip is not None and _in_block(peer, pod.ip)
    if peer.namespaces is not None:
        known = {"kubernetes.io/metadata.name": pod.namespace} | labels.get(pod.namespace, {})
        if not peer.namespaces.selects(known):
            return False
    elif pod.namespace != policy.namespace:
        return False
    return peer.pods is None or pod.labels is None or peer.pods.selects(pod.labels)


def _in_block(peer: PolicyPeer, address: IP) -> bool:
    return peer.block is not None and address in peer.block and not any(address in net for net in peer.excepted)


def _coverage(facts: Facts) -> list[Coverage]:
    """What is derived is known for a namespace where both its policies and its pods are."""
    derived = []
    for entry in facts.coverage(NetworkPolicy):
        pods = facts.collected(Pod, namespace=entry.namespace)
        for fact in ("EgressAllow", "IngressAllow"):
            derived.append(
                Coverage(
                    fact=fact,
                    namespace=entry.namespace,
                    complete=entry.complete and pods,
                    note=entry.note or ("" if pods else "the pods of the namespace are not known"),
                    path=entry.path,
                )
            )
    return derived
