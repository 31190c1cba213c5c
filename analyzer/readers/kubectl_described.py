"""Objects that `kubectl describe` prints as facts: nodes, services, endpoints, and the events of any object."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.facts.address import IP, cidr, ip
from analyzer.facts.fact import Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.nodes import Node
from analyzer.facts.services import Endpoint, EndpointList, Service, ServicePort
from analyzer.facts.source import Source
from analyzer.facts.workloads import Event
from analyzer.readers.kubectl_event_rows import event_row
from analyzer.readers.kubectl_rows import selector
from analyzer.readers.kubectl_sections import Described, Section, labels

_PORT = re.compile(r"(?:(\S+)\s+)?(\S+)/(\w+)$")


def node_facts(one: Described, path: str) -> Iterator[Fact]:
    """A Node fact."""
    conditions = {}
    if found := one.get("Conditions"):
        conditions = {cells[0]: (number, cells) for number, cells in found.table()}
    ready = conditions.get("Ready")
    network = conditions.get("NetworkUnavailable")
    addresses = {part.key: part.value for part in _inner(one, "Addresses")}
    info = {part.key: part.value for part in _inner(one, "System Info")}
    taints, ranges = one.get("Taints"), one.text("PodCIDRs", "PodCIDR")
    notes = {part.key: part.value for part in _annotations(one) if not part.value.endswith("...") and part.value}
    yield Node(
        name=NodeName(one.text("Name")),
        ip=ip(addresses.get("InternalIP", "")),
        pod_cidr=cidr(one.text("PodCIDR")),
        pod_cidrs=tuple(net for text in ranges.split(",") if (net := cidr(text.strip()))) or None,
        ready=ready[1][1] == "True" if ready and len(ready[1]) > 1 else None,
        ready_reason=ready[1][-2] if ready and len(ready[1]) > 4 else None,
        ready_message=ready[1][-1] if ready and len(ready[1]) > 4 else None,
        network_unavailable=network[1][1] == "True" if network and len(network[1]) > 1 else None,
        version=info.get("Kubelet Version") or None,
        kernel=info.get("Kernel Version") or None,
        os_image=info.get("OS Image") or None,
        runtime=info.get("Container Runtime Version") or None,
        provider=one.text("ProviderID").split(":", 1)[0] or None,
        labels=labels(one.get("Labels")),
        annotations=notes,
        taints=tuple(re.split(r"[=:]", text)[0] for text in taints.texts()) if taints else None,
        unschedulable=one.text("Unschedulable") == "true",
        origin=Source(path, ready[0] if ready else one.line, ready[0] if ready else one.line),
    )


def _inner(one: Described, key: str) -> list[Section]:
    found = one.get(key)
    return found.inner() if found else []


def _annotations(one: Described) -> list[Section]:
    found = one.get("Annotations")
    if found is None:
        return []
    parts = [(found.line, found.value), *((number, text.strip()) for number, text in found.body)]
    return [
        Section(key, value.strip(), number, ())
        for number, text in parts
        for key, sign, value in (text.partition(":"),)
        if sign and " " not in key
    ]


def service_facts(one: Described, path: str) -> Iterator[Fact]:
    """Service, ServicePort and Endpoint facts."""
    namespace, name = one.text("Namespace") or "default", one.text("Name")
    service = ServiceName(f"{namespace}/{name}")
    address = one.text("IP")
    policy = one.text("External Traffic Policy")
    yield Service(
        namespace=namespace,
        name=name,
        type=one.text("Type") or None,
        cluster_ip=ip(address),
        cluster_ips=_addresses(one.text("IPs")) or _addresses(address),
        headless=address == "None",
        selector=_selector(one),
        external_ips=_addresses(one.text("External IPs")),
        ingress_ips=_addresses(re.sub(r"\s*\(\w+\)", "", one.text("LoadBalancer Ingress"))),
        external_traffic_policy=policy or None,
        internal_traffic_policy=one.text("Internal Traffic Policy") or None,
        session_affinity=one.text("Session Affinity") or None,
        source_ranges=tuple(
            net for text in one.text("LoadBalancer Source Ranges").split(",") if (net := cidr(text.strip()))
        ),
        origin=Source(path, one.line, one.last),
    )
    port: ServicePort | None = None
    targets: list[ServicePort] = []
    endpoints: list[Endpoint] = []
    for section in one.sections:
        found = _PORT.match(section.value)
        if section.key == "Port" and found and found[2].isdecimal():
            here = Source(path, section.line, section.line)
            label = found[1] if found[1] and found[1] != "<unset>" else None
            port = ServicePort(service=service, name=label, port=int(found[2]), protocol=found[3], origin=here)
            targets.append(port)
        elif port and section.key in ("TargetPort", "NodePort") and found:
            targets[-1] = port = _with(port, section.key, found[2])
        elif port and section.key == "Endpoints":
            endpoints.extend(_endpoints(port, section, path))
    yield from targets
    yield from endpoints


def _selector(one: Described) -> Selector | None:
    found = one.get("Selector")
    return selector(",".join(found.texts())) if found else None


def _with(port: ServicePort, key: str, text: str) -> ServicePort:
    number = int(text) if text.isdecimal() else None
    return ServicePort(
        service=port.service,
        name=port.name,
        port=port.port,
        protocol=port.protocol,
        target_port=number if key == "TargetPort" else port.target_port,
        target_name=text if key == "TargetPort" and number is None else port.target_name,
        node_port=number if key == "NodePort" else port.node_port,
        origin=port.origin,
    )


def _endpoints(port: ServicePort, section: Section, path: str) -> Iterator[Endpoint]:
    for part in section.value.split(" + ")[0].split(","):
        host, _, number = part.strip().rpartition(":")
        if (address := ip(host.strip("[]"))) is not None and number.isdecimal():
            yield Endpoint(
                service=port.service,
                ip=address,
                port=int(number),
                port_name=port.name,
                protocol=port.protocol,
                origin=Source(path, section.line, section.line),
            )


def _addresses(text: str) -> tuple[IP, ...]:
    return tuple(found for part in text.split(",") if (found := ip(part.strip())) is not None)


def endpoints_facts(one: Described, path: str) -> Iterator[Fact]:
    """EndpointList and Endpoint facts."""
    namespace, name = one.text("Namespace") or "default", one.text("Name")
    service = ServiceName(f"{namespace}/{name}")
    yield EndpointList(service=service, kind="Endpoints", name=name, origin=Source(path, one.line, one.line))
    groups: list[tuple[bool, Section]] = []
    for section in _inner(one, "Subsets"):
        if section.key in ("Addresses", "NotReadyAddresses"):
            if section.key == "Addresses" and groups and len(groups) > 1:
                groups = []
            groups.append((section.key == "Addresses", section))
        elif section.key == "Ports":
            ports = [cells for _, cells in section.table() if len(cells) == 3 and cells[1].isdecimal()]
            for ready, addresses in groups:
                here = Source(path, addresses.line, addresses.line)
                for address in _addresses(addresses.value):
                    for label, number, protocol in ports:
                        yield Endpoint(
                            service=service,
                            ip=address,
                            port=int(number),
                            port_name=None if label == "<unset>" else label,
                            protocol=protocol,
                            ready=ready,
                            origin=here,
                        )
            groups = []


def event_facts(one: Described, kind: str, path: str) -> Iterator[Fact]:
    """Event facts of the table at the end of an object."""
    found = one.get("Events")
    name, namespace = one.text("Name"), one.text("Namespace") or "default"
    for number, text in found.body if found else ():
        row = event_row(text)
        if row is None:
            continue
        yield Event(
            namespace=namespace,
            kind=kind,
            name=name,
            pod=PodName(f"{namespace}/{name}") if kind == "Pod" else None,
            node=NodeName(name) if kind == "Node" else None,
            type=row.type,
            reason=row.reason,
            message=row.message,
            count=row.count,
            age=row.age,
            origin=Source(path, number, number),
        )
