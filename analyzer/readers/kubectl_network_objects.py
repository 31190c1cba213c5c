"""What of Services, endpoints, ingresses, policies and roles is read, as typed structs."""

from __future__ import annotations

import msgspec

from analyzer.readers.kubectl_objects import Item, Labels, LabelSelector, Obj, Reference


class SvcPort(Obj, frozen=True):
    """A port of a Service."""

    port: int
    name: str | None = None
    protocol: str | None = None
    target_port: int | str | None = None
    node_port: int | None = None


class ServiceSpec(Obj, frozen=True):
    """spec of a Service."""

    type: str | None = None
    cluster_ip: str | None = msgspec.field(default=None, name="clusterIP")
    cluster_ips: list[str] | None = msgspec.field(default=None, name="clusterIPs")
    selector: Labels = None
    external_ips: list[str] | None = msgspec.field(default=None, name="externalIPs")
    external_traffic_policy: str | None = None
    internal_traffic_policy: str | None = None
    session_affinity: str | None = None
    publish_not_ready_addresses: bool | None = None
    load_balancer_source_ranges: list[str] | None = None
    ports: list[SvcPort] | None = None


class LoadBalancerIngress(Obj, frozen=True):
    """An address of a load balancer."""

    ip: str | None = None


class LoadBalancer(Obj, frozen=True):
    """status.loadBalancer."""

    ingress: list[LoadBalancerIngress] | None = None


class ServiceStatus(Obj, frozen=True):
    """status of a Service."""

    load_balancer: LoadBalancer | None = None


class ServiceObject(Item, frozen=True):
    """A Service."""

    spec: ServiceSpec | None = None
    status: ServiceStatus | None = None


class EndpointPort(Obj, frozen=True):
    """A port of endpoints."""

    port: int | None = None
    name: str | None = None
    protocol: str | None = None


class EndpointAddress(Obj, frozen=True):
    """An address of an Endpoints subset."""

    ip: str = ""
    node_name: str | None = None
    target_ref: Reference | None = None


class Subset(Obj, frozen=True):
    """A subset of Endpoints: addresses times ports."""

    addresses: list[EndpointAddress] | None = None
    not_ready_addresses: list[EndpointAddress] | None = None
    ports: list[EndpointPort] | None = None


class EndpointsObject(Item, frozen=True):
    """An Endpoints object."""

    subsets: list[Subset] | None = None


class EndpointConditions(Obj, frozen=True):
    """conditions of one endpoint of a slice; null means ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class SliceEndpoint(Obj, frozen=True):
    """One endpoint of a slice."""

    addresses: list[str] | None = None
    conditions: EndpointConditions | None = None
    node_name: str | None = None
    target_ref: Reference | None = None
    topology: Labels = None


class SliceObject(Item, frozen=True):
    """An EndpointSlice."""

    endpoints: list[SliceEndpoint] | None = None
    ports: list[EndpointPort] | None = None


class BackendPort(Obj, frozen=True):
    """The port of an ingress backend."""

    number: int | None = None
    name: str | None = None


class BackendService(Obj, frozen=True):
    """The service of an ingress backend."""

    name: str | None = None
    port: BackendPort | None = None


class Backend(Obj, frozen=True):
    """An ingress backend, of networking.k8s.io/v1 or of its betas."""

    service: BackendService | None = None
    service_name: str | None = None
    service_port: int | str | None = None


class HttpPath(Obj, frozen=True):
    """A path of an ingress rule."""

    path: str | None = None
    backend: Backend | None = None


class Http(Obj, frozen=True):
    """http of an ingress rule."""

    paths: list[HttpPath] | None = None


class IngressRule(Obj, frozen=True):
    """An ingress rule."""

    host: str | None = None
    http: Http | None = None


class IngressSpec(Obj, frozen=True):
    """spec of an Ingress."""

    ingress_class_name: str | None = None
    default_backend: Backend | None = None
    backend: Backend | None = None
    rules: list[IngressRule] | None = None


class IngressMeta(Obj, frozen=True):
    """metadata of an Ingress; older ones name their class in an annotation."""

    name: str | None = None
    namespace: str | None = None
    annotations: Labels = None


class IngressObject(Obj, frozen=True):
    """An Ingress."""

    kind: str = ""
    metadata: IngressMeta = IngressMeta()
    spec: IngressSpec | None = None


class IpBlock(Obj, frozen=True):
    """An address block of a policy."""

    cidr: str = ""
    excepted: list[str] | None = msgspec.field(default=None, name="except")


class Peer(Obj, frozen=True):
    """A peer of a policy rule."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IpBlock | None = None


class NetworkPolicyPort(Obj, frozen=True):
    """A port of a policy rule."""

    protocol: str | None = None
    port: int | str | None = None
    end_port: int | None = None


class NetworkPolicyRule(Obj, frozen=True):
    """A rule of a policy."""

    sources: list[Peer] | None = msgspec.field(default=None, name="from")
    destinations: list[Peer] | None = msgspec.field(default=None, name="to")
    ports: list[NetworkPolicyPort] | None = None


class NetworkPolicySpec(Obj, frozen=True):
    """spec of a NetworkPolicy."""

    pod_selector: LabelSelector | None = None
    policy_types: list[str] | None = None
    ingress: list[NetworkPolicyRule] | None = None
    egress: list[NetworkPolicyRule] | None = None


class NetworkPolicyObject(Item, frozen=True):
    """A NetworkPolicy."""

    spec: NetworkPolicySpec | None = None


class PolicyRuleObject(Obj, frozen=True):
    """A rule of a role."""

    verbs: list[str] | None = None
    api_groups: list[str] | None = None
    resources: list[str] | None = None


class RoleObject(Item, frozen=True):
    """A Role or ClusterRole."""

    rules: list[PolicyRuleObject] | None = None


class Subject(Obj, frozen=True):
    """A subject of a binding."""

    kind: str = ""
    name: str = ""
    namespace: str | None = None


class BindingObject(Item, frozen=True):
    """A RoleBinding or ClusterRoleBinding."""

    role_ref: Reference | None = None
    subjects: list[Subject] | None = None
