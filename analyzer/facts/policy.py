"""Facts about who may do what: network policies and RBAC."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from analyzer.facts.address import CIDR
from analyzer.facts.fact import Fact, Scope, Selector


class PolicyPort(msgspec.Struct, frozen=True):
    """A port that a policy rule allows; `port` None means every port of the protocol, `name` a named port."""

    protocol: str = "TCP"
    port: int | None = None
    end_port: int | None = None
    name: str | None = None


class PolicyPeer(msgspec.Struct, frozen=True):
    """A peer that a policy rule allows: pods by selectors, or addresses; None is "not given"."""

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: CIDR | None = None
    excepted: tuple[CIDR, ...] = ()


class PolicyRule(msgspec.Struct, frozen=True):
    """One ingress or egress rule; no peers means everybody, no ports means every port."""

    peers: tuple[PolicyPeer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


class NetworkPolicy(Fact, frozen=True, kw_only=True):
    """A NetworkPolicy.

    namespace: its namespace
    name: its name
    pod_selector: the pods it isolates
    ingress: whether it isolates them for traffic that comes in
    egress: whether it isolates them for traffic that goes out
    ingress_rules: what may come in
    egress_rules: what may go out
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get networkpolicies -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("namespace", "name")

    namespace: str
    name: str
    pod_selector: Selector | None = None
    ingress: bool | None = None
    egress: bool | None = None
    ingress_rules: tuple[PolicyRule, ...] | None = None
    egress_rules: tuple[PolicyRule, ...] | None = None


class RoleRule(Fact, frozen=True, kw_only=True):
    """One rule of a Role or ClusterRole.

    kind: Role or ClusterRole
    namespace: the namespace of a Role
    role: the role's name
    verbs: get, list, watch or *
    groups: API groups; "" is the core group
    resources: pods, services or *
    """

    command: ClassVar[str] = "kubectl get clusterroles,roles -A -o json"

    kind: str
    namespace: str | None = None
    role: str
    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class RoleBinding(Fact, frozen=True, kw_only=True):
    """One subject of a RoleBinding or ClusterRoleBinding.

    kind: RoleBinding or ClusterRoleBinding
    namespace: the namespace of a RoleBinding
    name: the binding's name
    role_kind: Role or ClusterRole
    role: the role that is given
    subject_kind: ServiceAccount, User or Group
    subject: its full user name ("system:serviceaccount:kube-system:coredns"), or the group's name
    """

    command: ClassVar[str] = "kubectl get clusterrolebindings,rolebindings -A -o json"

    kind: str
    namespace: str | None = None
    name: str
    role_kind: str
    role: str
    subject_kind: str
    subject: str
