"""Facts from configuration files on nodes."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, Scope


class CniPlugin(Fact, frozen=True, kw_only=True):
    """One plugin of a CNI configuration file.

    node: the node
    file: the file's name, for example 10-flannel.conflist
    network: the name of the network
    type: flannel, bridge, calico, portmap, cilium-cni
    position: its place in the list, from 1
    hairpin: hairpinMode, of the plugin or its delegate
    promiscuous: promiscMode
    bridge: the bridge it makes
    mtu: the MTU it sets
    ipam: its IPAM type
    subnet: the range its IPAM gives out
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "cat /etc/cni/net.d/*"
    identity: ClassVar[tuple[str, ...]] = ("node", "file", "position")

    node: NodeName
    file: str
    network: str | None = None
    type: str
    position: int = 1
    hairpin: bool | None = None
    promiscuous: bool | None = None
    bridge: str | None = None
    mtu: int | None = None
    ipam: str | None = None
    subnet: CIDR | None = None


class FlannelSubnet(Fact, frozen=True, kw_only=True):
    """What /run/flannel/subnet.env says.

    node: the node
    network: the range of all pods
    subnet: the range of this node's pods
    mtu: the MTU of pods
    masquerade: FLANNEL_IPMASQ
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "cat /run/flannel/subnet.env"
    identity: ClassVar[tuple[str, ...]] = ("node",)

    node: NodeName
    network: CIDR | None = None
    subnet: CIDR | None = None
    mtu: int | None = None
    masquerade: bool | None = None


class FlannelBackend(Fact, frozen=True, kw_only=True):
    """What flannel's net-conf.json says.

    node: the node, if it was read there; None if it is the cluster's ConfigMap
    network: the range of all pods
    backend: vxlan, host-gw, udp, wireguard, ipip
    vni: the vxlan identifier
    port: the UDP port
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "kubectl get configmap -n kube-flannel kube-flannel-cfg -o yaml"

    node: NodeName | None = None
    network: CIDR | None = None
    backend: str | None = None
    vni: int | None = None
    port: int | None = None


class Resolver(Fact, frozen=True, kw_only=True):
    """A resolv.conf.

    node: the node, if it is the host's own
    netns: a pod, as "<node>:<name>"
    file: its path inside the bundle's node or pod folder
    nameservers: addresses, in order
    search: search domains, in order
    options: options, in order
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "cat /etc/resolv.conf"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "file")

    node: NodeName | None = None
    netns: str | None = None
    file: str
    nameservers: tuple[IP, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class Setting(Fact, frozen=True, kw_only=True):
    """One flag or configuration value of a component.

    node: the node; None if it is the cluster's
    component: kube-proxy, kubelet, kube-controller-manager, kube-apiserver, docker, firewalld, ufw, flannel, calico
    name: the flag without dashes, or the dotted path in the configuration file
    value: its value as text
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "kubectl get configmap -n kube-system kube-proxy -o yaml; ps -ef"
    identity: ClassVar[tuple[str, ...]] = ("node", "component", "name")

    node: NodeName | None = None
    component: str
    name: str
    value: str


class RuntimeContainer(Fact, frozen=True, kw_only=True):
    """A container as the runtime of a node lists it (crictl ps, docker ps).

    node: the node
    id: its identifier
    name: its name
    state: Running, Exited
    image: its image
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "crictl ps -a"
    identity: ClassVar[tuple[str, ...]] = ("node", "id")

    node: NodeName
    id: str
    name: str | None = None
    state: str | None = None
    image: str | None = None


class Version(Fact, frozen=True, kw_only=True):
    """The version of a component: kubernetes (server), kubectl (client), iptables, docker, kernel, calico.

    node: the node; None if it is the cluster's
    component: what
    version: its version, as printed
    """

    command: ClassVar[str] = "kubectl version"
    identity: ClassVar[tuple[str, ...]] = ("node", "component")

    node: NodeName | None = None
    component: str
    version: str
