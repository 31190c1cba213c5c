"""Rows of `kubectl get` tables as facts, one function a kind; what a table does not print stays unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from analyzer.facts.address import IP, ip
from analyzer.facts.fact import Fact, NodeName, PodName, Selector, ServiceName
from analyzer.facts.nodes import Node
from analyzer.facts.policy import NetworkPolicy, RoleBinding
from analyzer.facts.services import Endpoint, EndpointList, Ingress, Service, ServicePort
from analyzer.facts.source import Source
from analyzer.facts.workloads import ConfigMap, Event, Namespace, Pod, Workload
from analyzer.readers.kubectl_columns import Row, ages, pairs
from analyzer.readers.kubectl_scope import kind_of

_WAITS = {
    "CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ContainerCreating", "PodInitializing", "InvalidImageName",
    "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "ErrImageNeverPull",
}  # fmt: skip
_PHASES = {"Running": "Running", "Pending": "Pending", "Evicted": "Failed", "Succeeded": "Succeeded"}
# A ReplicaSet's hash and a pod's suffix use letters that spell no words.
_OF_DEPLOYMENT = re.compile(r"(.+)-[bcdf-hj-np-tv-z2456789]{6,10}-[bcdf-hj-np-tv-z2456789]{5}")
_PORT = re.compile(r"(\d+)(?::(\d+))?(?:/(\w+))?")
_OCCURRED = re.compile(r"(\S+)(?: \(x(\d+)(?: over \S+)?\))?")
_TERM = re.compile(r"(?<![\w./-])(!?)([\w./-]+)\s*(?:(=|!=)\s*([\w.-]*)|\s(in|notin)\s+\(([^)]*)\))?(?:,|$)")


class Line(msgspec.Struct, frozen=True):
    """A row with what its surroundings tell: the namespace, the object's name without its type, where it stands."""

    row: Row
    namespace: str
    name: str
    origin: Source


def selector(text: str) -> Selector | None:
    """A selector as one cell: app=web,tier in (a,b),!old; None for an empty cell."""
    labels: dict[str, str] = {}
    expressions: list[tuple[str, str, tuple[str, ...]]] = []
    for found in _TERM.finditer(text):
        negated, key, sign, value, word, values = found.groups()
        if sign == "=":
            labels[key] = value
        elif sign == "!=":
            expressions.append((key, "NotIn", (value,)))
        elif word:
            several = tuple(part.strip() for part in values.split(","))
            expressions.append((key, "In" if word == "in" else "NotIn", several))
        else:
            expressions.append((key, "DoesNotExist" if negated else "Exists", ()))
    return Selector(labels, tuple(expressions)) if labels or expressions else None


def _addresses(text: str) -> tuple[IP, ...]:
    return tuple(found for part in text.split(",") if (found := ip(part.strip())) is not None)


def _number(text: str) -> int | None:
    found = re.match(r"\d+", text)
    return int(found[0]) if found and len(found[0]) < 18 else None


def _pod(line: Line) -> Iterator[Fact]:
    row = line.row
    status = row.get("STATUS")
    have, _, want = row.get("READY").partition("/")
    ready: bool | None = None
    if have.isdecimal() and want.isdecimal():
        # Readiness gates and a pod that is being deleted may say no although every container is ready.
        ready = False if have != want else True if status == "Running" and not row.get("READINESS GATES") else None
    reason = status.removeprefix("Init:")
    alive = status == "Running" or status in _WAITS or status == "Pending"
    owner = _OF_DEPLOYMENT.fullmatch(line.name)
    address = ip(row.get("IP"))
    yield Pod(
        namespace=line.namespace,
        name=line.name,
        node=NodeName(row.get("NODE")) if row.get("NODE") else None,
        ip=address,
        phase="Pending" if status.startswith("Init:") else _PHASES.get(status, row.get("PHASE") or None),
        status=status or None,
        ready=ready,
        restarts=_number(row.get("RESTARTS")),
        waiting=reason if reason in _WAITS else None,
        labels=dict(pairs(row.cells["LABELS"])) if "LABELS" in row.cells else None,
        owner=owner[1] if owner else None,
        owner_kind="ReplicaSet" if owner else None,
        terminating=True if status == "Terminating" else False if alive else None,
        origin=line.origin,
    )


def _node(line: Line) -> Iterator[Fact]:
    row = line.row
    status = row.get("STATUS").split(",")
    yield Node(
        name=NodeName(line.name),
        ip=ip(row.get("INTERNAL-IP")),
        ready=True if "Ready" in status else False if "NotReady" in status else None,
        version=row.get("VERSION") or None,
        kernel=row.get("KERNEL-VERSION") or None,
        os_image=row.get("OS-IMAGE") or None,
        runtime=row.get("CONTAINER-RUNTIME") or None,
        labels=dict(pairs(row.cells["LABELS"])) if "LABELS" in row.cells else None,
        unschedulable="SchedulingDisabled" in status if "STATUS" in row.cells else None,
        origin=line.origin,
    )


def _service(line: Line) -> Iterator[Fact]:
    row = line.row
    kind, address, outside = row.get("TYPE") or None, row.get("CLUSTER-IP"), row.get("EXTERNAL-IP")
    balanced = kind == "LoadBalancer"
    yield Service(
        namespace=line.namespace,
        name=line.name,
        type=kind,
        cluster_ip=ip(address),
        headless=address == "None",
        selector=selector(row.get("SELECTOR")),
        external_ips=None if balanced else _addresses(outside),
        ingress_ips=_addresses(outside) if balanced else (),
        origin=line.origin,
    )
    for part in row.get("PORT(S)").split(","):
        if found := _PORT.fullmatch(part.strip()):
            yield ServicePort(
                service=ServiceName(f"{line.namespace}/{line.name}"),
                port=int(found[1]),
                node_port=int(found[2]) if found[2] else None,
                protocol=found[3] or "TCP",
                origin=line.origin,
            )


def _endpoints(line: Line) -> Iterator[Fact]:
    service = ServiceName(f"{line.namespace}/{line.name}")
    yield EndpointList(service=service, kind="Endpoints", name=line.name, origin=line.origin)
    for part in line.row.get("ENDPOINTS").split(" + ")[0].split(","):
        host, colon, port = part.strip().rpartition(":")
        if not colon or (":" in host and not host.startswith("[")):
            host, port = part.strip(), ""
        if (address := ip(host.strip("[]"))) is not None:
            yield Endpoint(service=service, ip=address, port=_number(port), origin=line.origin)


def _slice(line: Line) -> Iterator[Fact]:
    # The table also prints addresses that are not ready: it tells which slices exist, not who gets traffic.
    service = re.sub(r"-[a-z0-9]{5}$", "", line.name)
    name = ServiceName(f"{line.namespace}/{service}")
    yield EndpointList(service=name, kind="EndpointSlice", name=line.name, origin=line.origin)


def _workload(kind: str) -> Callable[[Line], Iterator[Fact]]:
    def facts(line: Line) -> Iterator[Fact]:
        row = line.row
        ready, slash, desired = row.get("READY").partition("/")
        yield Workload(
            kind=kind,
            namespace=line.namespace,
            name=line.name,
            desired=_number(desired if slash else row.get("DESIRED")),
            ready=_number(ready or row.get("AVAILABLE" if kind == "Deployment" else "CURRENT")),
            selector=selector(row.get("SELECTOR")),
            origin=line.origin,
        )

    return facts


def _event(line: Line) -> Iterator[Fact]:
    row = line.row
    about = row.get("OBJECT")
    word, _, name = about.partition("/")
    if not about:
        word, name = row.get("KIND"), row.get("NAME").rsplit(".", 1)[0]
    kind = kind_of(word) or word[:1].upper() + word[1:]
    seen = _OCCURRED.match(row.get("LAST SEEN", "LASTSEEN"))
    count = row.get("COUNT") or (seen[2] if seen else "") or ""
    yield Event(
        namespace=line.namespace,
        kind=kind,
        name=name,
        pod=PodName(f"{line.namespace}/{name}") if kind == "Pod" else None,
        node=NodeName(name) if kind == "Node" else None,
        type=row.get("TYPE") or None,
        reason=row.get("REASON"),
        message=row.get("MESSAGE"),
        count=_number(count),
        age=ages(seen[1]) if seen else None,
        origin=line.origin,
    )


def _namespace(line: Line) -> Iterator[Fact]:
    yield Namespace(name=line.name, phase=line.row.get("STATUS") or None, origin=line.origin)


def _config_map(line: Line) -> Iterator[Fact]:
    yield ConfigMap(namespace=line.namespace, name=line.name, origin=line.origin)


def _policy(line: Line) -> Iterator[Fact]:
    chosen = selector(line.row.get("POD-SELECTOR")) or Selector()
    yield NetworkPolicy(namespace=line.namespace, name=line.name, pod_selector=chosen, origin=line.origin)


def _ingress(line: Line) -> Iterator[Fact]:
    for host in line.row.get("HOSTS").split(","):
        known = host.strip() not in ("", "*") and " + " not in host
        yield Ingress(
            namespace=line.namespace,
            name=line.name,
            class_name=line.row.get("CLASS") or None,
            host=host.strip() if known else None,
            origin=line.origin,
        )


def _binding(kind: str) -> Callable[[Line], Iterator[Fact]]:
    def facts(line: Line) -> Iterator[Fact]:
        role_kind, _, role = line.row.get("ROLE").partition("/")
        for title, subject_kind in (("USERS", "User"), ("GROUPS", "Group"), ("SERVICEACCOUNTS", "ServiceAccount")):
            for subject in filter(None, (part.strip() for part in line.row.get(title).split(","))):
                space, _, name = subject.rpartition("/")
                account = subject_kind == "ServiceAccount"
                yield RoleBinding(
                    kind=kind,
                    namespace=line.namespace if kind == "RoleBinding" else None,
                    name=line.name,
                    role_kind=role_kind,
                    role=role,
                    subject_kind=subject_kind,
                    subject=f"system:serviceaccount:{space or line.namespace}:{name}" if account else subject,
                    origin=line.origin,
                )

    return facts


class Table(msgspec.Struct, frozen=True):
    """A kind of table: titles that it has, titles that it must not have, the facts it gives and how."""

    kind: str
    has: frozenset[str]
    lacks: frozenset[str]
    facts: tuple[str, ...]
    convert: Callable[[Line], Iterator[Fact]]


def _table(kind: str, has: str, lacks: str, facts: str, convert: Callable[[Line], Iterator[Fact]]) -> Table:
    return Table(kind, frozenset(has.split(",")), frozenset(lacks.split(",")), tuple(facts.split(",")), convert)


# The first that fits counts.
TABLES = (
    _table("Pod", "READY,STATUS,RESTARTS", "", "Pod", _pod),
    _table("Node", "STATUS,VERSION,AGE", "READY", "Node", _node),
    _table("Service", "TYPE,CLUSTER-IP,PORT(S)", "", "Service,ServicePort", _service),
    _table("EndpointSlice", "ADDRESSTYPE,ENDPOINTS", "", "EndpointList", _slice),
    _table("Endpoints", "ENDPOINTS", "ADDRESSTYPE", "EndpointList,Endpoint", _endpoints),
    _table("DaemonSet", "DESIRED,CURRENT,READY,UP-TO-DATE", "", "Workload", _workload("DaemonSet")),
    _table("Deployment", "UP-TO-DATE,AVAILABLE", "", "Workload", _workload("Deployment")),
    _table("StatefulSet", "READY,AGE", "STATUS,UP-TO-DATE,DESIRED,REVISION", "Workload", _workload("StatefulSet")),
    _table("ReplicaSet", "DESIRED,CURRENT,READY,AGE", "UP-TO-DATE", "Workload", _workload("ReplicaSet")),
    _table("Event", "REASON,MESSAGE,TYPE", "", "Event", _event),
    _table("NetworkPolicy", "POD-SELECTOR", "", "NetworkPolicy", _policy),
    _table("Ingress", "HOSTS,PORTS", "", "Ingress", _ingress),
    _table("ConfigMap", "DATA,AGE", "TYPE", "ConfigMap", _config_map),
    _table("RoleBinding", "NAMESPACE,ROLE,AGE,USERS", "", "RoleBinding", _binding("RoleBinding")),
    _table("ClusterRoleBinding", "ROLE,AGE,USERS", "NAMESPACE", "RoleBinding", _binding("ClusterRoleBinding")),
)
NAMESPACES = _table("Namespace", "NAME,STATUS,AGE", "", "Namespace", _namespace)
