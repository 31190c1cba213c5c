"""Facts about what a host has beside Kubernetes: certificates, zones of firewalld, offloads of interfaces."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.fact import Fact, NodeName, Scope


class Certificate(Fact, frozen=True, kw_only=True):
    """When a certificate is valid.

    node: the node; None if it is not known where it was read
    name: its file, or the name that kubeadm gives it: apiserver, admin.conf
    subject: its subject, as printed
    issuer: its issuer, as printed
    not_before: from when it is valid, seconds since 1970
    not_after: until when it is valid, seconds since 1970
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "kubeadm certs check-expiration; openssl x509 -noout -subject -dates -in FILE"
    identity: ClassVar[tuple[str, ...]] = ("node", "name", "not_after")

    node: NodeName | None = None
    name: str
    subject: str | None = None
    issuer: str | None = None
    not_before: float | None = None
    not_after: float


class FirewallZone(Fact, frozen=True, kw_only=True):
    """A zone of firewalld.

    node: the node
    name: the zone
    active: whether interfaces or sources are bound to it
    default: whether it holds the interfaces that no zone names; None if the output did not mark a default
    target: default, ACCEPT, DROP, REJECT
    interfaces: the interfaces bound to it
    sources: the addresses and sets bound to it
    allows: services and ports that it lets in, as firewalld writes them: ssh, 6443/tcp, 30000-32767/tcp
    masquerade: whether it translates what leaves through it
    forwarding: whether it lets its members reach each other; None if this version does not print it
    rich_rules: its rich rules, as printed
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "firewall-cmd --list-all-zones"
    identity: ClassVar[tuple[str, ...]] = ("node", "name")

    node: NodeName
    name: str
    active: bool = False
    default: bool | None = None
    target: str | None = None
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    masquerade: bool | None = None
    forwarding: bool | None = None
    rich_rules: tuple[str, ...] = ()


class Offload(Fact, frozen=True, kw_only=True):
    """One feature of an interface, as `ethtool -k` lists it.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    dev: the interface
    name: the feature: tx-checksum-ip-generic, rx-checksumming, tx-udp_tnl-segmentation
    enabled: whether it is on
    fixed: whether it cannot be changed
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ethtool -k INTERFACE"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "dev", "name")

    node: NodeName | None = None
    netns: str | None = None
    dev: str
    name: str
    enabled: bool
    fixed: bool = False
