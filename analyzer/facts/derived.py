"""Derived facts: what `analyzer.model` and `analyzer.packet` conclude from other facts, for rules to read."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, PodName, Scope, ServiceName


class Cluster(Fact, frozen=True, kw_only=True):
    """The cluster as a whole; there is always exactly one.

    cni: flannel, calico, cilium, weave, kubenet, aws-vpc, antrea, ovn, kube-router, bridge; None if unknown
    service_proxy: iptables, ipvs, nftables, cilium, ovn, k3s; None if unknown
    version: version of the API server
    distribution: k3s, rke2, openshift, eks, aks, gke, kubeadm, microk8s; None if unknown
    provider: aws, azure, gce; None if unknown
    pod_cidrs: the ranges that pods live in
    service_cidrs: the ranges that services live in
    bridge_cni: whether pods hang on a Linux bridge
    dns_ip: the address of the cluster's DNS service
    policies_enforced: whether something carries network policies out; None if that is not known
    obfuscated: whether addresses were masked or mapped, so that none may be compared with a range
    """

    derived: ClassVar[bool] = True

    cni: str | None = None
    service_proxy: str | None = None
    version: str | None = None
    distribution: str | None = None
    provider: str | None = None
    pod_cidrs: tuple[CIDR, ...] = ()
    service_cidrs: tuple[CIDR, ...] = ()
    bridge_cni: bool | None = None
    dns_ip: IP | None = None
    policies_enforced: bool | None = None
    obfuscated: bool = False


class ProgrammedService(Fact, frozen=True, kw_only=True):
    """A service address that the service proxy of a node translates.

    node: the node
    service: the service, where a comment or address tells
    address: the service address
    port: the service port
    protocol: TCP, UDP or SCTP
    chain: the chain that the entry jumps to; None for IPVS
    endpoints: how many endpoints stand behind it here
    rejects: whether the node refuses connections to it
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save; ipvsadm -Ln; nft list ruleset"
    derived: ClassVar[bool] = True

    node: NodeName
    service: ServiceName | None = None
    address: IP
    port: int | None = None
    protocol: str = "TCP"
    chain: str | None = None
    endpoints: int = 0
    rejects: bool = False


class ProgrammedEndpoint(Fact, frozen=True, kw_only=True):
    """An endpoint that the service proxy of a node sends connections of a service to.

    node: the node
    service: the service, where a comment or address tells
    address: the service address
    port: the service port
    protocol: TCP, UDP or SCTP
    ip: the endpoint's address
    target_port: the endpoint's port
    probability: the share of connections it gets, 0 to 1
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save; ipvsadm -Ln; nft list ruleset"
    derived: ClassVar[bool] = True

    node: NodeName
    service: ServiceName | None = None
    address: IP
    port: int | None = None
    protocol: str = "TCP"
    ip: IP
    target_port: int | None = None
    probability: float | None = None


class Path(Fact, frozen=True, kw_only=True):
    """What becomes of one kind of traffic, followed packet by packet through the dumps.

    node: the node where it starts, or that it is about
    kind: pod-to-pod-same-node, pod-to-pod-other-node, pod-to-service, pod-to-own-service, pod-to-node, pod-to-outside,
      pod-to-dns, dns-to-upstream, pod-to-api, node-to-pod, node-to-service, outside-to-node-port
    from_pod: the pod that sends
    to_pod: the pod that is to receive
    service: the service on the way
    peer: the node of the receiver
    source_ip: the address that sends
    target: what it is sent to, as "ip:port" or "ip"
    verdict: the word of the packet path: delivered, dropped, rejected, no-route, not-forwarded, rp-filter, martian,
      bridge-drop, neighbour-unreachable, ttl-exceeded, too-big, no-endpoint, one-of, unknown
    ok: whether packet and reply both arrive; None if unknown
    at_node: the node where it dies
    table: the table whose rule decides
    tool: the command that shows it, iptables or ip6tables, with -nft or -legacy where both backends are in use
    chain: the chain whose rule decides
    rule: number of the rule in its chain, or "policy" or "nat-failed"
    author: who wrote the deciding rule: kube-proxy, docker, firewalld, ufw, flannel, calico, kube-router, unknown
    reply: "ok", "misaddressed", or the verdict of the reply
    reason: one sentence on where and why it dies
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save -c; ip -d addr; ip route show table all; sysctl -a; bridge -d link"
    derived: ClassVar[bool] = True

    node: NodeName
    kind: str
    from_pod: PodName | None = None
    to_pod: PodName | None = None
    service: ServiceName | None = None
    peer: NodeName | None = None
    source_ip: IP | None = None
    target: str | None = None
    verdict: str
    ok: bool | None = None
    at_node: NodeName | None = None
    table: str | None = None
    tool: str | None = None
    chain: str | None = None
    rule: str | None = None
    author: str | None = None
    reply: str | None = None
    reason: str | None = None


class EgressAllow(Fact, frozen=True, kw_only=True):
    """That network policies let an isolated pod send to a port, as the policies intend.

    pod: the pod
    port: the port; None for every port
    protocol: TCP, UDP or SCTP; None for every protocol
    to_dns: whether the peers of the rule include the cluster's DNS pods
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get networkpolicies -A -o json"
    derived: ClassVar[bool] = True

    pod: PodName
    port: int | None = None
    protocol: str | None = None
    to_dns: bool = False


class IngressAllow(Fact, frozen=True, kw_only=True):
    """That network policies let something reach an isolated pod on a port, as the policies intend.

    pod: the pod
    port: the port; None for every port
    protocol: TCP, UDP or SCTP; None for every protocol
    from_anywhere: whether the rule names no peers
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get networkpolicies -A -o json"
    derived: ClassVar[bool] = True

    pod: PodName
    port: int | None = None
    protocol: str | None = None
    from_anywhere: bool = False


class TargetPort(Fact, frozen=True, kw_only=True):
    """A port of a Service held against one pod that its selector selects.

    service: the service
    pod: the pod
    port: the service port
    protocol: TCP, UDP or SCTP
    target_port: the number that the pod must listen on; None if the name resolves to nothing
    target_name: the name, if the service names the port
    resolved: whether a named port exists in the pod; true for numbers
    declared: whether a container of the pod declares the port; None if it declares no port at all
    listening: whether a socket in the pod listens on it; None if sockets were not collected
    loopback_only: whether the only socket on it is bound to loopback
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get services,pods -A -o json"
    derived: ClassVar[bool] = True

    service: ServiceName
    pod: PodName
    port: int
    protocol: str = "TCP"
    target_port: int | None = None
    target_name: str | None = None
    resolved: bool = True
    declared: bool | None = None
    listening: bool | None = None
    loopback_only: bool | None = None


class ProxyState(Fact, frozen=True, kw_only=True):
    """What the service proxy left in the packet filter of a node, as a whole.

    node: the node
    mode: iptables, ipvs, nftables; None if nothing of a service proxy is there
    chains: whether the chain KUBE-SERVICES (or its twin in nftables) holds rules
    hooked: whether PREROUTING and OUTPUT both lead to it
    services: how many service ports it translates
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save; ipvsadm -Ln; nft list ruleset"
    derived: ClassVar[bool] = True

    node: NodeName
    mode: str | None = None
    chains: bool = False
    hooked: bool = False
    services: int = 0


class ServiceHealth(Fact, frozen=True, kw_only=True):
    """A Service with a selector, held against the pods and endpoints of its namespace.

    service: the service
    selector: its selector, as text
    selected: how many living pods it selects
    ready_pods: how many of them are ready
    ready_endpoints: how many ready addresses its endpoints list; None if endpoints were not collected
    scaled_to_zero: whether it selects no pod and a workload that it selects wants none
    almost: what the pods that it nearly selects carry instead ("app=catalog"), if there are such pods
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get services,endpoints,pods,deployments -A -o json"
    derived: ClassVar[bool] = True

    service: ServiceName
    selector: str
    selected: int
    ready_pods: int
    ready_endpoints: int | None = None
    scaled_to_zero: bool = False
    almost: str | None = None
