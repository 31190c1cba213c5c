"""Facts about nodes: what the API says of them, and what their kernel is set to."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, Reference, Scope


class Node(Fact, frozen=True, kw_only=True):
    """A machine of the cluster.

    name: as the API server knows it
    ip: its InternalIP
    addresses: all of its addresses, as the API lists them
    pod_cidr: spec.podCIDR
    pod_cidrs: spec.podCIDRs, one per address family
    ready: its Ready condition
    ready_reason: the reason of the Ready condition
    ready_message: the message of the Ready condition
    network_unavailable: its NetworkUnavailable condition
    version: kubelet version
    kernel: kernel version
    os_image: operating system
    runtime: container runtime and version
    provider: the provider part of spec.providerID: aws, azure, gce
    labels: its labels
    annotations: its annotations; flannel, Calico and others keep their state there
    taints: keys of its taints
    unschedulable: whether it is cordoned
    """

    reference: ClassVar[Reference | None] = NodeName
    command: ClassVar[str] = "kubectl get nodes -o json"
    identity: ClassVar[tuple[str, ...]] = ("name",)

    name: NodeName
    ip: IP | None = None
    addresses: tuple[IP, ...] | None = None
    pod_cidr: CIDR | None = None
    pod_cidrs: tuple[CIDR, ...] | None = None
    ready: bool | None = None
    ready_reason: str | None = None
    ready_message: str | None = None
    network_unavailable: bool | None = None
    version: str | None = None
    kernel: str | None = None
    os_image: str | None = None
    runtime: str | None = None
    provider: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    taints: tuple[str, ...] | None = None
    unschedulable: bool | None = None


class Sysctl(Fact, frozen=True, kw_only=True):
    """One kernel setting in force.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    name: dotted name; an interface name keeps its own dots ("net.ipv4.conf.flannel.1.forwarding")
    value: as printed
    number: the value, if it is one number
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "sysctl -a"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "name")

    node: NodeName | None = None
    netns: str | None = None
    name: str
    value: str
    number: int | None = None


class KernelModule(Fact, frozen=True, kw_only=True):
    """A loaded kernel module; a module built into the kernel is not listed, so absence proves little.

    node: the node
    name: the module
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "lsmod"
    identity: ClassVar[tuple[str, ...]] = ("node", "name")

    node: NodeName
    name: str


class SelinuxStatus(Fact, frozen=True, kw_only=True):
    """The SELinux mode of a node.

    node: the node
    mode: enforcing, permissive or disabled
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "sestatus"
    identity: ClassVar[tuple[str, ...]] = ("node",)

    node: NodeName
    mode: str


class Clock(Fact, frozen=True, kw_only=True):
    """When a node was collected, by its own clock.

    node: the node
    time: seconds since 1970, UTC
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "date"
    identity: ClassVar[tuple[str, ...]] = ("node",)

    node: NodeName
    time: float


class Counter(Fact, frozen=True, kw_only=True):
    """One kernel counter or gauge: `nf_conntrack_count`, `TcpExtListenDrops`, `conntrack.insert_failed`.

    node: the node
    table: the set it is printed with: netstat, snmp, snmp6, sockstat, softnet_stat, dev, nf_conntrack, arp_cache,
      ndisc_cache, conntrack, ethtool; None for a single one
    name: as the kernel names it, with the file's or command's prefix
    value: the number
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "conntrack -S; cat /proc/net/netstat"
    identity: ClassVar[tuple[str, ...]] = ("node", "name")

    node: NodeName
    table: str | None = None
    name: str
    value: int
