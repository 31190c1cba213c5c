"""Derived facts on the state of nodes and components: `analyzer.model` concludes them from other facts."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, PodName, Scope, ServiceName


class RangeConflict(Fact, frozen=True, kw_only=True):
    """A pod or service range that overlaps a network that a node is attached to or routes elsewhere.

    node: the node
    range: the pod or service range
    range_kind: pod or service
    network: the network that it overlaps
    dev: the interface of that network
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip addr; ip route show table all"
    derived: ClassVar[bool] = True

    node: NodeName
    range: CIDR
    range_kind: str
    network: CIDR
    dev: str | None = None


class HairpinPort(Fact, frozen=True, kw_only=True):
    """A port of a pod bridge, with what decides whether its pod can reach itself through a Service.

    node: the node
    bridge: the bridge
    dev: the interface that is the port
    pod: the pod behind it, where the interface numbers tell
    hairpin: whether the port may send a frame back
    promiscuous: whether the bridge is promiscuous; it then reflects frames itself
    bridge_nf: whether bridged frames pass iptables (net.bridge.bridge-nf-call-iptables)
    serves: whether the pod stands behind a Service; None if the pod is not known
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "bridge -d link; ip -d link; sysctl -a"
    derived: ClassVar[bool] = True

    node: NodeName
    bridge: str | None = None
    dev: str
    pod: PodName | None = None
    hairpin: bool | None = None
    promiscuous: bool | None = None
    bridge_nf: bool | None = None
    serves: bool | None = None


class DnsUpstream(Fact, frozen=True, kw_only=True):
    """An address that the cluster's DNS pods forward names to that are not the cluster's own.

    config: the ConfigMap that holds the Corefile, as "namespace/name"
    zone: the zone that is forwarded
    ip: the upstream
    source: "Corefile", or the resolv.conf that the pod gets
    pod: the pod, if the address comes from its resolv.conf
    node: the node whose resolv.conf it is
    cluster_dns: whether it is the cluster's own DNS address, so that queries come back
    loopback: whether it is a loopback address, so that queries come back
    """

    command: ClassVar[str] = "kubectl get configmaps -n kube-system coredns -o yaml; cat /etc/resolv.conf"
    derived: ClassVar[bool] = True

    config: str
    zone: str
    ip: IP
    source: str
    pod: PodName | None = None
    node: NodeName | None = None
    cluster_dns: bool | None = None
    loopback: bool = False


class ComponentHealth(Fact, frozen=True, kw_only=True):
    """A network component that runs as a pod on every node (service proxy, CNI agent), on one node.

    component: kube-proxy or cni
    node: the node
    name: the workload: kube-proxy, kube-flannel-ds, calico-node
    pod: its pod there; None if there is none
    running: whether that pod runs and is ready; false if there is no pod although the others have one
    status: what kubectl says of the pod, or "no pod"
    restarts: its restarts
    """

    command: ClassVar[str] = "kubectl get pods,daemonsets -A -o json"
    derived: ClassVar[bool] = True

    component: str
    node: NodeName
    name: str
    pod: PodName | None = None
    running: bool
    status: str
    restarts: int | None = None


class Permission(Fact, frozen=True, kw_only=True):
    """What RBAC lets a network component do, held against what it must do.

    component: coredns, flannel
    subject: the full user name of its service account
    role: the role that its binding should give it: system:coredns, flannel
    granted: whether roles that are bound to it allow everything that it needs
    missing: what they do not allow, as "list endpoints, watch endpoints"; None if nothing is missing
    pod: one of its pods
    service: the DNS Service, for a DNS server
    """

    command: ClassVar[str] = "kubectl get clusterroles,clusterrolebindings -o json"
    derived: ClassVar[bool] = True

    component: str
    subject: str
    role: str
    granted: bool
    missing: str | None = None
    pod: PodName
    service: ServiceName | None = None


class OverlayPeer(Fact, frozen=True, kw_only=True):
    """What one node knows of another node's end of the vxlan overlay.

    node: the node that sends
    peer: the node that is to receive
    dev: the vxlan interface
    expected_mac: the hardware address of the peer's end
    expected_ip: the address where the peer receives
    neighbour: whether the neighbour table leads to that hardware address; None if not collected
    forwarding: whether the forwarding database leads that hardware address to that node; None if not collected
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip neigh; bridge fdb; ip route show table all"
    derived: ClassVar[bool] = True

    node: NodeName
    peer: NodeName
    dev: str
    expected_mac: str
    expected_ip: IP
    neighbour: bool | None = None
    forwarding: bool | None = None


class NodeClock(Fact, frozen=True, kw_only=True):
    """How far the clock of a node is from the clocks of the others at collection.

    node: the node
    offset: seconds ahead of the median of all nodes
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "date -u +%s"
    derived: ClassVar[bool] = True

    node: NodeName
    offset: float


class ConntrackTable(Fact, frozen=True, kw_only=True):
    """How full the connection tracking table of a node is.

    node: the node
    count: tracked connections
    max: how many there may be
    percent: count as a percentage of max, rounded down
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"
    derived: ClassVar[bool] = True

    node: NodeName
    count: int
    max: int
    percent: int


class NodeDifference(Fact, frozen=True, kw_only=True):
    """One thing that a node has otherwise than nearly all nodes of the cluster.

    node: the node that differs
    what: a kernel setting, a policy, the MTU of an interface, a version
    value: as this node has it
    usual: as the others have it
    same: how many nodes have it as usual
    of: how many nodes were compared
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "sysctl -a; iptables-save -c; ip -d link"
    derived: ClassVar[bool] = True

    node: NodeName
    what: str
    value: str
    usual: str
    same: int
    of: int
