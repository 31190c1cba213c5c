"""What network components must be allowed by RBAC, and whether they are."""

from __future__ import annotations

import re

from analyzer.facts.fact import Coverage, Fact, PodName, ServiceName
from analyzer.facts.health import Permission
from analyzer.facts.policy import RoleBinding, RoleRule
from analyzer.facts.source import NOWHERE
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Container, Pod
from analyzer.model.names import dns_pods, dns_service, workload_of

_COREDNS = (("endpoints", ""), ("services", ""), ("pods", ""), ("namespaces", ""))
_SLICES = ("endpointslices", "discovery.k8s.io")
_FLANNEL = (("list", "nodes", ""), ("watch", "nodes", ""), ("patch", "nodes/status", ""))
_NEEDS_SLICES = (1, 8, 1)  # CoreDNS watches EndpointSlices only since this version


def permissions(facts: Facts) -> tuple[list[Fact], list[Coverage]]:
    """Permission of CoreDNS and of flannel, for the service accounts that their pods really use."""
    entries = (*facts.coverage(RoleRule), *facts.coverage(RoleBinding))
    if not (facts.coverage(RoleRule) and facts.coverage(RoleBinding)):
        return [], []
    found: dict[str, Permission] = {}
    for pod in dns_pods(facts):
        if pod.service_account is None or (pod.owner or pod.name).startswith("kube-dns"):
            continue
        if _subject(pod) in found:
            continue
        needs = [(verb, *what) for what in _COREDNS for verb in ("list", "watch")]
        if _version(facts, pod) >= _NEEDS_SLICES:
            needs += [(verb, *_SLICES) for verb in ("list", "watch")]
        found[_subject(pod)] = _held(facts, "coredns", "system:coredns", pod, needs)
    for pod in facts.of(Pod):
        flannel = workload_of(pod).startswith("kube-flannel") and pod.service_account is not None
        if flannel and _subject(pod) not in found:
            found[_subject(pod)] = _held(facts, "flannel", "flannel", pod, list(_FLANNEL))
    complete = facts.collected(RoleRule) and facts.collected(RoleBinding)
    return list(found.values()), [Coverage(fact="Permission", complete=complete, path=entries[0].path)]


def _version(facts: Facts, pod: Pod) -> tuple[int, ...]:
    for container in facts.where(Container, pod=pod.key):
        match = re.search(r"coredns[^:]*:v?(\d+)\.(\d+)\.(\d+)", container.image or "")
        if match:
            return tuple(int(part) for part in match.groups())
    return (0,)


def _subject(pod: Pod) -> str:
    """The user that a pod is to the API server."""
    return f"system:serviceaccount:{pod.namespace}:{pod.service_account}"


def _held(facts: Facts, component: str, role: str, pod: Pod, needs: list[tuple[str, str, str]]) -> Permission:
    subject = _subject(pod)
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{pod.namespace}", "system:authenticated")
    bound = [
        binding
        for binding in facts.of(RoleBinding)
        if binding.kind == "ClusterRoleBinding" and (binding.subject == subject or binding.subject in groups)
    ]
    roles = {binding.role for binding in bound if binding.role_kind == "ClusterRole"}
    rules = [rule for rule in facts.of(RoleRule) if rule.kind == "ClusterRole" and rule.role in roles]
    own = next((binding.origin for binding in bound if binding.subject == subject), NOWHERE)
    lacking = [
        f"{verb} {resource}.{group}".rstrip(".")
        for verb, resource, group in needs
        if not any(_grants(rule, verb, resource, group) for rule in rules)
    ]
    service = dns_service(facts) if component == "coredns" else None
    return Permission(
        component=component,
        subject=subject,
        role=role,
        granted=not lacking,
        missing=", ".join(lacking) or None,
        pod=PodName(pod.key),
        service=ServiceName(service.key) if service is not None else None,
        origin=own if own != NOWHERE else pod.origin,
    )


def _grants(rule: RoleRule, verb: str, resource: str, group: str) -> bool:
    return all(
        wanted in given or "*" in given
        for wanted, given in ((verb, rule.verbs), (resource, rule.resources), (group, rule.groups))
    )
