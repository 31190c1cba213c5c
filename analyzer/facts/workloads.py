"""Facts about pods and what runs them."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import IP
from analyzer.facts.fact import Fact, NodeName, PodName, Reference, Scope, Selector


class Pod(Fact, frozen=True, kw_only=True):
    """A pod.

    namespace: its namespace
    name: its name
    node: the node it runs on
    ip: its address
    ips: all its addresses
    host_network: whether it uses the network of its node
    phase: Pending, Running, Succeeded, Failed, Unknown
    status: the STATUS column of kubectl: Running, CrashLoopBackOff, Init:Error
    ready: its Ready condition
    restarts: restarts of all containers
    waiting: the reason its first waiting container gives: ContainerCreating, CrashLoopBackOff
    labels: its labels
    service_account: its service account
    dns_policy: ClusterFirst, Default, None
    owner: the name of the workload that made it ("coredns" for coredns-5bc7dbbf97-jj5lp)
    owner_kind: ReplicaSet, DaemonSet, StatefulSet, Job, Node
    started: when it was started, seconds since 1970
    terminating: whether it is being deleted
    """

    per: ClassVar[Scope] = "namespace"
    reference: ClassVar[Reference | None] = PodName
    command: ClassVar[str] = "kubectl get pods -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("namespace", "name")

    namespace: str
    name: str
    node: NodeName | None = None
    ip: IP | None = None
    ips: tuple[IP, ...] | None = None
    host_network: bool | None = None
    phase: str | None = None
    status: str | None = None
    ready: bool | None = None
    restarts: int | None = None
    waiting: str | None = None
    labels: dict[str, str] | None = None
    service_account: str | None = None
    dns_policy: str | None = None
    owner: str | None = None
    owner_kind: str | None = None
    started: float | None = None
    terminating: bool | None = None


class Container(Fact, frozen=True, kw_only=True):
    """A container of a pod and its state.

    pod: the pod
    name: its name
    init: whether it is an init container
    image: its image
    ready: whether it is ready
    restarts: how often it restarted
    state: running, waiting, terminated
    reason: why it waits or ended: CrashLoopBackOff, ImagePullBackOff, Error, OOMKilled
    message: what the kubelet says about it
    last_reason: why the previous run ended
    last_exit_code: exit code of the previous run
    last_finished: when the previous run ended, seconds since 1970
    arguments: command and arguments, in order
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get pods -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("pod", "name")

    pod: PodName
    name: str
    init: bool = False
    image: str | None = None
    ready: bool | None = None
    restarts: int | None = None
    state: str | None = None
    reason: str | None = None
    message: str | None = None
    last_reason: str | None = None
    last_exit_code: int | None = None
    last_finished: float | None = None
    arguments: tuple[str, ...] | None = None


class ContainerPort(Fact, frozen=True, kw_only=True):
    """A port that a container declares. Declaring is optional: an undeclared port may well listen.

    pod: the pod
    container: the container
    name: the port's name
    port: its number
    protocol: TCP, UDP or SCTP
    host_port: the port on the node, if any
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get pods -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("pod", "container", "port", "protocol")

    pod: PodName
    container: str
    name: str | None = None
    port: int
    protocol: str = "TCP"
    host_port: int | None = None


class Workload(Fact, frozen=True, kw_only=True):
    """A Deployment, DaemonSet, StatefulSet or ReplicaSet.

    kind: Deployment, DaemonSet, StatefulSet, ReplicaSet
    namespace: its namespace
    name: its name
    desired: how many pods it wants
    ready: how many are ready
    selector: which pods are its own
    labels: labels of its pod template
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get deployments,daemonsets,statefulsets -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("kind", "namespace", "name")

    kind: str
    namespace: str
    name: str
    desired: int | None = None
    ready: int | None = None
    selector: Selector | None = None
    labels: dict[str, str] | None = None


class Namespace(Fact, frozen=True, kw_only=True):
    """A namespace.

    name: its name
    labels: its labels
    phase: Active or Terminating
    """

    command: ClassVar[str] = "kubectl get namespaces -o json"
    identity: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    labels: dict[str, str] | None = None
    phase: str | None = None


class Event(Fact, frozen=True, kw_only=True):
    """An event. It is history: compare `last` with the state before believing it.

    namespace: its namespace
    kind: kind of the object it is about
    name: name of the object it is about
    pod: the pod, if it is about a pod
    node: the node, if it is about a node
    type: Normal or Warning
    reason: FailedCreatePodSandBox, BackOff, Unhealthy
    message: its text
    count: how often it happened
    first: first time, seconds since 1970
    last: last time, seconds since 1970
    age: seconds between the last time and the collection, where only an age was printed
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get events -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("namespace", "kind", "name", "reason", "message")
    richest: ClassVar[tuple[str, ...]] = ("namespace",)

    namespace: str
    kind: str
    name: str
    pod: PodName | None = None
    node: NodeName | None = None
    type: str | None = None
    reason: str
    message: str
    count: int | None = None
    first: float | None = None
    last: float | None = None
    age: float | None = None


class ConfigMap(Fact, frozen=True, kw_only=True):
    """A ConfigMap.

    namespace: its namespace
    name: its name
    data: its keys and texts
    """

    per: ClassVar[Scope] = "namespace"
    command: ClassVar[str] = "kubectl get configmaps -A -o json"
    identity: ClassVar[tuple[str, ...]] = ("namespace", "name")

    namespace: str
    name: str
    data: dict[str, str] | None = None
