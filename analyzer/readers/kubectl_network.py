"""Services, endpoints, ingresses, policies, roles as facts."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.facts.address import cidr, ip
from analyzer.facts.fact import Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.policy import NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule, RoleBinding, RoleRule
from analyzer.facts.services import Endpoint, EndpointList, Ingress, Service, ServicePort
from analyzer.readers import kubectl_network_objects as api
from analyzer.readers.kubectl_objects import Reference
from analyzer.readers.kubectl_region import Region
from analyzer.readers.kubectl_values import cidrs, ips, labels, selector

_OWNED_BY_SERVICE = "kubernetes.io/service-name"
_INGRESS_CLASS = "kubernetes.io/ingress.class"


def service_facts(obj: api.ServiceObject, region: Region) -> Iterator[Fact]:
    """Service and ServicePort facts."""
    meta, spec = obj.metadata, obj.spec or api.ServiceSpec()
    namespace, name = meta.namespace or "default", meta.name or ""
    balancer = obj.status.load_balancer if obj.status else None
    yield Service(
        namespace=namespace,
        name=name,
        type=spec.type,
        cluster_ip=ip(spec.cluster_ip) if spec.cluster_ip else None,
        cluster_ips=ips(spec.cluster_ips) if spec.cluster_ips else ips((spec.cluster_ip,)),
        headless=spec.cluster_ip == "None",
        selector=Selector(labels(spec.selector)) if spec.selector else None,
        external_ips=ips(spec.external_ips),
        ingress_ips=ips(one.ip for one in balancer.ingress) if balancer and balancer.ingress else (),
        external_traffic_policy=spec.external_traffic_policy,
        internal_traffic_policy=spec.internal_traffic_policy,
        session_affinity=spec.session_affinity,
        publish_not_ready=bool(spec.publish_not_ready_addresses),
        source_ranges=cidrs(spec.load_balancer_source_ranges),
        origin=region.at("name", name, "metadata", wide=True),
    )
    for port in spec.ports or ():
        target = port.target_port
        if isinstance(target, str) and target.isdecimal():
            target = int(target)
        yield ServicePort(
            service=ServiceName(f"{namespace}/{name}"),
            name=port.name or None,
            port=port.port,
            protocol=port.protocol or "TCP",
            target_port=target if isinstance(target, int) else port.port if not target else None,
            target_name=target if isinstance(target, str) and target else None,
            node_port=port.node_port or None,
            origin=region.at("port", port.port, "ports"),
        )


def endpoints_facts(obj: api.EndpointsObject, region: Region) -> Iterator[Fact]:
    """EndpointList and Endpoint facts of an Endpoints object."""
    namespace, name = obj.metadata.namespace or "default", obj.metadata.name or ""
    service = ServiceName(f"{namespace}/{name}")
    yield EndpointList(service=service, kind="Endpoints", name=name, origin=region.at("name", name, "metadata"))
    for subset in obj.subsets or ():
        ports = subset.ports or [api.EndpointPort()]
        for ready, addresses in ((True, subset.addresses), (False, subset.not_ready_addresses)):
            for address in addresses or ():
                if (found := ip(address.ip)) is None:
                    continue
                origin = region.at("ip", address.ip)
                for port in ports:
                    yield Endpoint(
                        service=service,
                        ip=found,
                        port=port.port,
                        port_name=port.name or None,
                        protocol=port.protocol or "TCP",
                        ready=ready,
                        pod=_pod(address.target_ref, namespace),
                        node=NodeName(address.node_name) if address.node_name else None,
                        origin=origin,
                    )


def slice_facts(obj: api.SliceObject, region: Region) -> Iterator[Fact]:
    """EndpointList and Endpoint facts of an EndpointSlice; one that belongs to no Service gives none."""
    meta = obj.metadata
    namespace, name = meta.namespace or "default", meta.name or ""
    owner = (meta.labels or {}).get(_OWNED_BY_SERVICE)
    owner = owner or next((one.name for one in meta.owner_references or () if one.kind == "Service"), None)
    if not owner:
        return
    service = ServiceName(f"{namespace}/{owner}")
    yield EndpointList(service=service, kind="EndpointSlice", name=name, origin=region.at("name", name, "metadata"))
    for one in obj.endpoints or ():
        conditions = one.conditions or api.EndpointConditions()
        node = one.node_name or (one.topology or {}).get("kubernetes.io/hostname")
        for text in one.addresses or ():
            if (found := ip(text)) is None:
                continue
            origin = region.at_text(f"- {text}" if region.yaml else f'"{text}"')
            for port in obj.ports or [api.EndpointPort()]:
                yield Endpoint(
                    service=service,
                    ip=found,
                    port=port.port,
                    port_name=port.name or None,
                    protocol=port.protocol or "TCP",
                    # A condition that is not set counts as ready.
                    ready=conditions.ready is not False,
                    terminating=conditions.terminating,
                    pod=_pod(one.target_ref, namespace),
                    node=NodeName(node) if node else None,
                    origin=origin,
                )


def _pod(target: Reference | None, namespace: str) -> PodName | None:
    if target is None or not target.name or target.kind not in ("Pod", None):
        return None
    return PodName(f"{target.namespace or namespace}/{target.name}")


def ingress_facts(obj: api.IngressObject, region: Region) -> Iterator[Fact]:
    """One Ingress fact for each backend."""
    meta, spec = obj.metadata, obj.spec or api.IngressSpec()
    namespace, name = meta.namespace or "default", meta.name or ""
    class_name = spec.ingress_class_name or (meta.annotations or {}).get(_INGRESS_CLASS)
    backends: list[tuple[str | None, str | None, api.Backend | None]] = [
        (rule.host, path.path, path.backend)
        for rule in spec.rules or ()
        for path in (rule.http.paths if rule.http else None) or ()
    ]
    if default := spec.default_backend or spec.backend:
        backends.append((None, None, default))
    for host, path, backend in backends:
        service, port = _backend(backend)
        yield Ingress(
            namespace=namespace,
            name=name,
            class_name=class_name,
            host=host,
            path=path,
            service=ServiceName(f"{namespace}/{service}") if service else None,
            port=port if isinstance(port, int) else None,
            port_name=port if isinstance(port, str) else None,
            origin=region.at("name", service, "spec") if service else region.at("name", name, "metadata"),
        )


def _backend(backend: api.Backend | None) -> tuple[str | None, int | str | None]:
    if backend is None:
        return None, None
    if backend.service:
        port = backend.service.port or api.BackendPort()
        return backend.service.name, port.number or port.name
    port_text = backend.service_port
    return backend.service_name, int(port_text) if isinstance(port_text, str) and port_text.isdecimal() else port_text


def policy_facts(obj: api.NetworkPolicyObject, region: Region) -> Iterator[Fact]:
    """A NetworkPolicy fact."""
    meta, spec = obj.metadata, obj.spec or api.NetworkPolicySpec()
    # Without policyTypes a policy is for ingress, and for egress if it has egress rules.
    types = spec.policy_types or (["Ingress", "Egress"] if spec.egress else ["Ingress"])
    yield NetworkPolicy(
        namespace=meta.namespace or "default",
        name=meta.name or "",
        pod_selector=selector(spec.pod_selector) or Selector(),
        ingress="Ingress" in types,
        egress="Egress" in types,
        ingress_rules=tuple(_rule(rule, rule.sources) for rule in spec.ingress or ()),
        egress_rules=tuple(_rule(rule, rule.destinations) for rule in spec.egress or ()),
        origin=region.at("name", meta.name, "metadata", wide=True),
    )


def _rule(rule: api.NetworkPolicyRule, peers: list[api.Peer] | None) -> PolicyRule:
    return PolicyRule(tuple(map(_peer, peers or ())), tuple(map(_port, rule.ports or ())))


def _peer(peer: api.Peer) -> PolicyPeer:
    block = peer.ip_block
    return PolicyPeer(
        pods=selector(peer.pod_selector),
        namespaces=selector(peer.namespace_selector),
        block=cidr(block.cidr) if block else None,
        excepted=cidrs(block.excepted) if block else (),
    )


def _port(port: api.NetworkPolicyPort) -> PolicyPort:
    number = int(port.port) if isinstance(port.port, str) and port.port.isdecimal() else port.port
    return PolicyPort(
        protocol=port.protocol or "TCP",
        port=number if isinstance(number, int) else None,
        end_port=port.end_port,
        name=number if isinstance(number, str) else None,
    )


def role_facts(obj: api.RoleObject, region: Region) -> Iterator[Fact]:
    """RoleRule facts; rules about URLs only are left out."""
    for rule in obj.rules or ():
        if rule.resources:
            yield RoleRule(
                kind=obj.kind,
                namespace=obj.metadata.namespace,
                role=obj.metadata.name or "",
                verbs=tuple(rule.verbs or ()),
                groups=tuple(rule.api_groups or ()),
                resources=tuple(rule.resources),
                origin=region.at("name", obj.metadata.name, "metadata", wide=True),
            )


def binding_facts(obj: api.BindingObject, region: Region) -> Iterator[Fact]:
    """One RoleBinding fact for each subject."""
    role = obj.role_ref or Reference()
    for subject in obj.subjects or ():
        full = subject.name
        if subject.kind == "ServiceAccount":
            full = f"system:serviceaccount:{subject.namespace or obj.metadata.namespace or 'default'}:{subject.name}"
        yield RoleBinding(
            kind=obj.kind,
            namespace=obj.metadata.namespace,
            name=obj.metadata.name or "",
            role_kind=role.kind or "",
            role=role.name or "",
            subject_kind=subject.kind,
            subject=full,
            origin=region.at("name", obj.metadata.name, "metadata", wide=True),
        )
