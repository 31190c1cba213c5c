"""Facts about services and what stands behind them."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, PodName, Reference, Scope, Selector, ServiceName


class Service(Fact, frozen=True, kw_only=True):
    """A Service.

    namespace: its namespace
    name: its name
    type: ClusterIP, NodePort, LoadBalancer, ExternalName
    cluster_ip: its address; None for a headless one
    cluster_ips: all its addresses
    headless: whether it has clusterIP None on purpose
    selector: which pods stand behind it; None if it has no selector
    external_ips: addresses outside of Kubernetes that lead to it
    ingress_ips: addresses of its load balancer
    external_traffic_policy: Cluster or Local
    internal_traffic_policy: Cluster or Local
    session_affinity: None or ClientIP
    publish_not_ready: whether pods that are not ready count as endpoints
    source_ranges: who may use its load balancer
    """

    per: ClassVar[Scope] = "namespace"
    reference: ClassVar[Reference | None] = ServiceName
    command: ClassVar[str] = "kubectl get services -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("namespace", "name")

    namespace: str
    name: str
    type: str | None = None
    cluster_ip: IP | None = None
    cluster_ips: tuple[IP, ...] | None = None
    headless: bool | None = None
    selector: Selector | None = None
    external_ips: tuple[IP, ...] | None = None
    ingress_ips: tuple[IP, ...] | None = None
    external_traffic_policy: str | None = None
    internal_traffic_policy: str | None = None
    session_affinity: str | None = None
    publish_not_ready: bool | None = None
    source_ranges: tuple[CIDR, ...] | None = None


class ServicePort(Fact, frozen=True, kw_only=True):
    """A port of a Service.

    service: the service
    name: the port's name
    port: the port of the service
    protocol: TCP, UDP or SCTP
    target_port: the number of the port of the pods; None if it is named
    target_name: the name of the port of the pods; None if it is a number
    node_port: the port on every node
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get services -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("service", "port", "protocol")

    service: ServiceName
    name: str | None = None
    port: int
    protocol: str = "TCP"
    target_port: int | None = None
    target_name: str | None = None
    node_port: int | None = None


class EndpointList(Fact, frozen=True, kw_only=True):
    """That an Endpoints object or EndpointSlice exists for a Service, with or without addresses.

    service: the service
    kind: Endpoints or EndpointSlice
    name: the object's name
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get endpoints,endpointslices -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("kind", "service", "name")

    service: ServiceName
    kind: str
    name: str


class Endpoint(Fact, frozen=True, kw_only=True):
    """One address and port behind a Service, from Endpoints or an EndpointSlice.

    service: the service
    ip: the address
    port: the port; None if the object lists no ports
    port_name: the port's name
    protocol: TCP, UDP or SCTP
    ready: whether traffic may go there
    terminating: whether its pod is being deleted
    pod: the pod that has the address
    node: the node of the pod
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get endpoints,endpointslices -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("service", "ip", "port", "protocol", "port_name")
    richest: ClassVar[tuple[str, ...]] = ("service",)

    service: ServiceName
    ip: IP
    port: int | None = None
    port_name: str | None = None
    protocol: str = "TCP"
    ready: bool = True
    terminating: bool | None = None
    pod: PodName | None = None
    node: NodeName | None = None


class Ingress(Fact, frozen=True, kw_only=True):
    """One backend of an Ingress.

    namespace: its namespace
    name: its name
    class_name: its ingress class
    host: the host name of the rule
    path: the path of the rule
    service: the service that the rule leads to
    port: the number of the service's port
    port_name: the name of the service's port
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get ingresses -A -o json"
    richest: ClassVar[tuple[str, ...]] = ("namespace", "name")

    namespace: str
    name: str
    class_name: str | None = None
    host: str | None = None
    path: str | None = None
    service: ServiceName | None = None
    port: int | None = None
    port_name: str | None = None
