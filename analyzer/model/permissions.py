"""What network components must be allowed by RBAC, and whether they are."""

from __future__ import annotations

import re

from analyzer.facts.derived import Permission
from analyzer.facts.fact import Coverage, Fact
from analyzer.facts.policy import RoleBinding, RoleRule
from analyzer.facts.source import NOWHERE
from analyzer.facts.store import Facts
from analyzer.facts.workloads import Container, Pod
from analyzer.model.names import dns_pods, workload_of

_COREDNS = (("endpoints", ""), ("services", ""), ("pods", ""), ("namespaces", ""))
_SLICES = ("endpointslices", "discovery.k8s.io")
_NEEDS_SLICES = (1, 8, 1)  # CoreDNS watches EndpointSlices only since this version


def permissions(facts: Facts) -> tuple[list[Fact], list[Coverage]]:
    """Permission of CoreDNS and of flannel, for the service accounts that their pods really use."""
    found: list[Fact] = []
    for pod in dns_pods(facts):
        if pod.service_account is None or (pod.owner or pod.name).startswith("kube-dns"):
            continue
        needs = [(verb, *what) for what in _COREDNS for verb in ("list", "watch")]
        if _version(facts, pod) >= _NEEDS_SLICES:
            needs += [(verb, *_SLICES) for verb in ("list", "watch")]
        found += _held(facts, "coredns", pod, needs)
    for pod in facts.of(Pod):
        if workload_of(pod).startswith("kube-flannel") and pod.service_account is not None:
            needs = [("get", "pods", ""), ("list", "nodes", ""), ("watch", "nodes", ""), ("patch", "nodes/status", "")]
            found += _held(facts, "flannel", pod, needs[1:])
    entries = (*facts.coverage(RoleRule), *facts.coverage(RoleBinding))
    complete = facts.collected(RoleRule) and facts.collected(RoleBinding)
    if not (facts.coverage(RoleRule) and facts.coverage(RoleBinding)):
        return [], []
    return list(dict.fromkeys(found)), [Coverage(fact="Permission", complete=complete, path=entries[0].path)]


def _version(facts: Facts, pod: Pod) -> tuple[int, ...]:
    for container in facts.where(Container, pod=pod.key):
        match = re.search(r"coredns[^:]*:v?(\d+)\.(\d+)\.(\d+)", container.image or "")
        if match:
            return tuple(int(part) for part in match.groups())
    return (0,)


def _held(facts: Facts, component: str, pod: Pod, needs: list[tuple[str, str, str]]) -> list[Permission]:
    subject = f"system:serviceaccount:{pod.namespace}:{pod.service_account}"
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{pod.namespace}", "system:authenticated")
    bound = [
        binding
        for binding in facts.of(RoleBinding)
        if binding.kind == "ClusterRoleBinding" and (binding.subject == subject or binding.subject in groups)
    ]
    roles = {binding.role for binding in bound if binding.role_kind == "ClusterRole"}
    rules = [rule for rule in facts.of(RoleRule) if rule.kind == "ClusterRole" and rule.role in roles]
    own = next((binding.origin for binding in bound if binding.subject == subject), NOWHERE)
    return [
        Permission(
            component=component,
            subject=subject,
            verb=verb,
            resource=resource,
            group=group,
            granted=any(_grants(rule, verb, resource, group) for rule in rules),
            origin=own if own != NOWHERE else pod.origin,
        )
        for verb, resource, group in needs
    ]


def _grants(rule: RoleRule, verb: str, resource: str, group: str) -> bool:
    return all(
        wanted in given or "*" in given
        for wanted, given in ((verb, rule.verbs), (resource, rule.resources), (group, rule.groups))
    )
