"""What of Kubernetes API objects is read, as typed structs: fields that are not declared here are not built."""

from __future__ import annotations

import msgspec

Labels = dict[str, str | None] | None


class Obj(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """An object of the API; a field that is absent or null is None. Decoded objects hold no cycles."""


class Owner(Obj, frozen=True):
    """An owner reference."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class Meta(Obj, frozen=True):
    """metadata of any object."""

    name: str | None = None
    namespace: str | None = None
    labels: Labels = None
    owner_references: list[Owner] | None = None
    deletion_timestamp: str | None = None
    creation_timestamp: str | None = None


class NodeMeta(Meta, frozen=True):
    """metadata of a node, where network plugins keep state in annotations."""

    annotations: Labels = None


class Item(Obj, frozen=True):
    """Any item of a list."""

    kind: str = ""
    metadata: Meta = Meta()


class Condition(Obj, frozen=True):
    """A status condition."""

    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class Expression(Obj, frozen=True):
    """One matchExpressions entry."""

    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class LabelSelector(Obj, frozen=True):
    """A selector of workloads and policies."""

    match_labels: Labels = None
    match_expressions: list[Expression] | None = None


class Address(Obj, frozen=True):
    """An address of a node."""

    type: str = ""
    address: str = ""


class Taint(Obj, frozen=True):
    """A taint of a node."""

    key: str = ""


class NodeSpec(Obj, frozen=True):
    """spec of a node."""

    pod_c_i_d_r: str | None = msgspec.field(default=None, name="podCIDR")
    pod_c_i_d_rs: list[str] | None = msgspec.field(default=None, name="podCIDRs")
    provider_id: str | None = msgspec.field(default=None, name="providerID")
    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeInfo(Obj, frozen=True):
    """status.nodeInfo."""

    kubelet_version: str | None = None
    kernel_version: str | None = None
    os_image: str | None = None
    container_runtime_version: str | None = None


class NodeStatus(Obj, frozen=True):
    """status of a node."""

    addresses: list[Address] | None = None
    conditions: list[Condition] | None = None
    node_info: NodeInfo | None = None


class NodeObject(Item, frozen=True):
    """A Node."""

    metadata: NodeMeta = NodeMeta()
    spec: NodeSpec | None = None
    status: NodeStatus | None = None


class Port(Obj, frozen=True):
    """A port that a container declares."""

    name: str | None = None
    container_port: int | None = None
    protocol: str | None = None
    host_port: int | None = None


class ContainerSpec(Obj, frozen=True):
    """A container as it is wanted."""

    name: str = ""
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    ports: list[Port] | None = None
    restart_policy: str | None = None


class PodSpec(Obj, frozen=True):
    """spec of a pod."""

    node_name: str | None = None
    host_network: bool | None = None
    service_account_name: str | None = None
    dns_policy: str | None = None
    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None


class Phase(Obj, frozen=True):
    """One arm of a container state: running, waiting or terminated."""

    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    finished_at: str | None = None


class State(Obj, frozen=True):
    """A container state."""

    running: Phase | None = None
    waiting: Phase | None = None
    terminated: Phase | None = None


class ContainerStatus(Obj, frozen=True):
    """A container as it is."""

    name: str = ""
    image: str | None = None
    ready: bool | None = None
    started: bool | None = None
    restart_count: int | None = None
    state: State | None = None
    last_state: State | None = None


class PodIP(Obj, frozen=True):
    """An address of a pod."""

    ip: str | None = None


class PodStatus(Obj, frozen=True):
    """status of a pod."""

    phase: str | None = None
    reason: str | None = None
    pod_ip: str | None = msgspec.field(default=None, name="podIP")
    pod_ips: list[PodIP] | None = msgspec.field(default=None, name="podIPs")
    start_time: str | None = None
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class PodObject(Item, frozen=True):
    """A Pod."""

    spec: PodSpec | None = None
    status: PodStatus | None = None


class Template(Obj, frozen=True):
    """A pod template."""

    metadata: Meta | None = None


class WorkloadSpec(Obj, frozen=True):
    """spec of a Deployment, DaemonSet, StatefulSet, ReplicaSet or ReplicationController."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: Template | None = None


class WorkloadStatus(Obj, frozen=True):
    """status of a workload."""

    ready_replicas: int | None = None
    number_ready: int | None = None
    desired_number_scheduled: int | None = None


class WorkloadObject(Item, frozen=True):
    """A Deployment, DaemonSet, StatefulSet or ReplicaSet."""

    spec: WorkloadSpec | None = None
    status: WorkloadStatus | None = None


class NamespaceStatus(Obj, frozen=True):
    """status of a namespace."""

    phase: str | None = None


class NamespaceObject(Item, frozen=True):
    """A Namespace."""

    status: NamespaceStatus | None = None


class ConfigMapObject(Item, frozen=True):
    """A ConfigMap."""

    data: Labels = None


class Reference(Obj, frozen=True):
    """A reference to another object."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None


class Series(Obj, frozen=True):
    """How often an event recurred."""

    count: int | None = None
    last_observed_time: str | None = None


class EventObject(Item, frozen=True):
    """An Event of core/v1 or of events.k8s.io."""

    involved_object: Reference | None = None
    regarding: Reference | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    note: str | None = None
    count: int | None = None
    deprecated_count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    event_time: str | None = None
    series: Series | None = None
