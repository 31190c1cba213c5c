"""Every kind of API object that gives facts: its typed struct, how it becomes facts, and which facts those are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from analyzer.facts.address import cidr
from analyzer.facts.configuration import Setting
from analyzer.facts.fact import Fact, NodeName, PodName
from analyzer.facts.nodes import Node
from analyzer.facts.workloads import ConfigMap, Event, Namespace, Workload
from analyzer.readers import kubectl_network as network
from analyzer.readers import kubectl_network_objects as network_api
from analyzer.readers import kubectl_objects as api
from analyzer.readers.component_settings import document, extra_arguments, flags
from analyzer.readers.flannel_settings import backend
from analyzer.readers.kubectl_pods import pod_facts
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_values import cidrs, ips, labels, seconds, selector


def _node(obj: api.NodeObject, region: Region) -> Iterator[Fact]:
    meta, spec, status = obj.metadata, obj.spec or api.NodeSpec(), obj.status or api.NodeStatus()
    info = status.node_info or api.NodeInfo()
    conditions = {condition.type: condition for condition in status.conditions or ()}
    ready, network_down = conditions.get("Ready"), conditions.get("NetworkUnavailable")
    addresses = [one.address for one in status.addresses or () if one.type in ("InternalIP", "ExternalIP")]
    internal = [one.address for one in status.addresses or () if one.type == "InternalIP"]
    name = NodeName(meta.name or "")
    notes = labels(meta.annotations)
    yield Node(
        name=name,
        ip=next(iter(ips(internal)), None),
        addresses=ips(addresses),
        pod_cidr=cidr(spec.pod_c_i_d_r) if spec.pod_c_i_d_r else None,
        pod_cidrs=cidrs(spec.pod_c_i_d_rs or ([spec.pod_c_i_d_r] if spec.pod_c_i_d_r else [])),
        ready=ready.status == "True" if ready else None,
        ready_reason=ready.reason if ready else None,
        ready_message=ready.message if ready else None,
        network_unavailable=network_down.status == "True" if network_down else None,
        version=info.kubelet_version,
        kernel=info.kernel_version,
        os_image=info.os_image,
        runtime=info.container_runtime_version,
        provider=spec.provider_id.split(":", 1)[0] if spec.provider_id else None,
        labels=labels(meta.labels),
        annotations=notes,
        taints=tuple(taint.key for taint in spec.taints or ()),
        unschedulable=bool(spec.unschedulable),
        origin=region.at("name", name, "metadata"),
    )
    if arguments := _strings(notes.get("k3s.io/node-args", "")):
        yield from flags("k3s", arguments, name, region.at("k3s.io/node-args"))


def _strings(text: str) -> list[str]:
    try:
        return [str(one) for one in msgspec.json.decode(text, type=list[str])]
    except (msgspec.MsgspecError, RecursionError):
        return []


def _workload(obj: api.WorkloadObject, region: Region) -> Iterator[Fact]:
    meta, spec, status = obj.metadata, obj.spec or api.WorkloadSpec(), obj.status or api.WorkloadStatus()
    daemon = obj.kind == "DaemonSet"
    template = spec.template.metadata if spec.template and spec.template.metadata else api.Meta()
    yield Workload(
        kind=obj.kind,
        namespace=meta.namespace or "default",
        name=meta.name or "",
        desired=status.desired_number_scheduled if daemon else 1 if spec.replicas is None else spec.replicas,
        ready=(status.number_ready if daemon else status.ready_replicas) or 0,
        selector=selector(spec.selector),
        labels=labels(template.labels),
        origin=region.at("name", meta.name, "metadata"),
    )


def _namespace(obj: api.NamespaceObject, region: Region) -> Iterator[Fact]:
    name = obj.metadata.name or ""
    phase = obj.status.phase if obj.status else None
    yield Namespace(
        name=name, labels=labels(obj.metadata.labels), phase=phase, origin=region.at("name", name, "metadata")
    )


def _event(obj: api.EventObject, region: Region) -> Iterator[Fact]:
    about = obj.involved_object or obj.regarding or api.Reference()
    series = obj.series or api.Series()
    name, namespace = about.name or "", about.namespace or obj.metadata.namespace or "default"
    message = (obj.message or obj.note or "").strip()
    first = obj.first_timestamp or obj.deprecated_first_timestamp or obj.event_time or obj.metadata.creation_timestamp
    last = series.last_observed_time or obj.last_timestamp or obj.deprecated_last_timestamp or obj.event_time or first
    yield Event(
        namespace=obj.metadata.namespace or namespace,
        kind=about.kind or "",
        name=name,
        pod=PodName(f"{namespace}/{name}") if about.kind == "Pod" else None,
        node=NodeName(name) if about.kind == "Node" else None,
        type=obj.type,
        reason=obj.reason or "",
        message=message,
        count=series.count or obj.count or obj.deprecated_count or 1,
        first=seconds(first),
        last=seconds(last),
        origin=region.at("message" if obj.message is not None else "note"),
    )


def _config_map(obj: api.ConfigMapObject, region: Region) -> Iterator[Fact]:
    name, data = obj.metadata.name or "", labels(obj.data)
    here = region.at("name", name, "metadata")
    yield ConfigMap(namespace=obj.metadata.namespace or "default", name=name, data=data, origin=region.whole())
    if name.startswith("kube-proxy") and "config.conf" in data:
        yield from document("kube-proxy", _yaml(data["config.conf"]), None, here)
    elif name.startswith("kubelet-config") and "kubelet" in data:
        yield from document("kubelet", _yaml(data["kubelet"]), None, here)
    elif name == "kubeadm-config":
        yield from _kubeadm(_yaml(data.get("ClusterConfiguration", "")), here)
    if "net-conf.json" in data and (found := backend(data["net-conf.json"], None, here)):
        yield found


def _yaml(text: str) -> Any:
    from analyzer.readers.yaml_tree import Broken, tree  # YAML inside JSON is rare, and its parser takes its time

    try:
        return next(iter(tree(text)), None)
    except Broken:
        return None


def _kubeadm(configuration: Any, here: Any) -> Iterator[Fact]:
    if not isinstance(configuration, dict):
        return
    networking = configuration.get("networking")
    yield from document("kubeadm", {"networking": networking if isinstance(networking, dict) else {}}, None, here)
    for section, component in (
        ("apiServer", "kube-apiserver"),
        ("controllerManager", "kube-controller-manager"),
        ("scheduler", "kube-scheduler"),
    ):
        part = configuration.get(section)
        for name, value in extra_arguments(part.get("extraArgs")) if isinstance(part, dict) else ():
            yield Setting(component=component, name=name, value=value, origin=here)


class Kind(msgspec.Struct, frozen=True):
    """How objects of one kind are read: struct, converter, facts they give; `namespaced` as the API has it."""

    struct: type[Any]
    convert: Callable[[Any, Region], Iterator[Fact]]
    facts: tuple[str, ...]
    namespaced: bool = True


_WORKLOAD = Kind(api.WorkloadObject, _workload, ("Workload",))
_ROLES = ("RoleRule",)
_BINDINGS = ("RoleBinding",)
KINDS: dict[str, Kind] = {
    "Node": Kind(api.NodeObject, _node, ("Node",), False),
    "Pod": Kind(api.PodObject, pod_facts, ("Pod", "Container", "ContainerPort")),
    "Deployment": _WORKLOAD,
    "DaemonSet": _WORKLOAD,
    "StatefulSet": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "Namespace": Kind(api.NamespaceObject, _namespace, ("Namespace",), False),
    "Event": Kind(api.EventObject, _event, ("Event",)),
    "ConfigMap": Kind(api.ConfigMapObject, _config_map, ("ConfigMap",)),
    "Service": Kind(network_api.ServiceObject, network.service_facts, ("Service", "ServicePort")),
    "Endpoints": Kind(network_api.EndpointsObject, network.endpoints_facts, ("EndpointList", "Endpoint")),
    "EndpointSlice": Kind(network_api.SliceObject, network.slice_facts, ("EndpointList", "Endpoint")),
    "Ingress": Kind(network_api.IngressObject, network.ingress_facts, ("Ingress",)),
    "NetworkPolicy": Kind(network_api.NetworkPolicyObject, network.policy_facts, ("NetworkPolicy",)),
    "Role": Kind(network_api.RoleObject, network.role_facts, _ROLES),
    "ClusterRole": Kind(network_api.RoleObject, network.role_facts, _ROLES, False),
    "RoleBinding": Kind(network_api.BindingObject, network.binding_facts, _BINDINGS),
    "ClusterRoleBinding": Kind(network_api.BindingObject, network.binding_facts, _BINDINGS, False),
}
