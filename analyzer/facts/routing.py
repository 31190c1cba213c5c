"""Facts about interfaces, bridges, addresses, routes and neighbours of one network namespace."""

from __future__ import annotations

from typing import ClassVar

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, Scope


class Interface(Fact, frozen=True, kw_only=True):
    """A network interface.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    name: its name
    index: its number
    peer_index: the number of its peer (after `@if`), for veth
    parent: what stands after `@` if it is a name
    kind: physical, loopback, bridge, veth, vxlan, ipip, gre, sit, wireguard, geneve, vlan, bond, dummy, tun, macvlan,
      ipvlan
    mtu: bytes
    up: whether the flag UP is set
    lower_up: whether the flag LOWER_UP (RUNNING) is set
    promiscuous: whether it is promiscuous (flag PROMISC, or a promiscuity above 0)
    state: UP, DOWN, UNKNOWN
    mac: its hardware address
    master: the bridge or bond it belongs to
    vni: the identifier of a vxlan or geneve interface
    tunnel_local: the local end of a tunnel
    tunnel_remote: the remote end of a tunnel
    tunnel_dev: the interface a tunnel sends through
    tunnel_port: the UDP port of a vxlan or geneve interface
    overhead: bytes that a tunnel adds to each packet
    nf_call_iptables: the bridge's own override, 0 or 1; the sysctl counts as well
    vlan_filtering: whether a bridge filters VLANs
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip -d link; ip addr"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "name")

    node: NodeName | None = None
    netns: str | None = None
    name: str
    index: int | None = None
    peer_index: int | None = None
    parent: str | None = None
    kind: str | None = None
    mtu: int | None = None
    up: bool | None = None
    lower_up: bool | None = None
    promiscuous: bool | None = None
    state: str | None = None
    mac: str | None = None
    master: str | None = None
    vni: int | None = None
    tunnel_local: IP | None = None
    tunnel_remote: IP | None = None
    tunnel_dev: str | None = None
    tunnel_port: int | None = None
    overhead: int | None = None
    nf_call_iptables: bool | None = None
    vlan_filtering: bool | None = None


class InterfaceAddress(Fact, frozen=True, kw_only=True):
    """An address of an interface.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    dev: the interface
    ip: the address
    network: the network it stands in
    scope: global, link, host
    secondary: whether it is a secondary address
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip addr"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "dev", "ip")

    node: NodeName | None = None
    netns: str | None = None
    dev: str
    ip: IP
    network: CIDR | None = None
    scope: str | None = None
    secondary: bool | None = None


class BridgePort(Fact, frozen=True, kw_only=True):
    """A port of a Linux bridge.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    dev: the interface that is the port
    bridge: the bridge; None if the artifact did not say
    hairpin: whether it may send a frame back out of the port it came from
    isolated: whether it may not talk to other isolated ports
    state: forwarding, disabled, blocking, learning
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "bridge -d link; grep . /sys/devices/virtual/net/*/brif/*/hairpin_mode"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "dev")

    node: NodeName | None = None
    netns: str | None = None
    dev: str
    bridge: str | None = None
    hairpin: bool | None = None
    isolated: bool | None = None
    state: str | None = None


class Route(Fact, frozen=True, kw_only=True):
    """A route.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    table: main, local, default, or a number or name
    type: unicast, local, broadcast, multicast, anycast, blackhole, unreachable, prohibit, throw
    destination: where it leads; 0.0.0.0/0 or ::/0 for the default route
    via: the next hop
    dev: the outgoing interface
    source_ip: the preferred source address
    scope: link, host, global
    protocol: who made it: kernel, boot, static, bird, dhcp
    metric: its metric; 0 if none was printed for IPv4
    onlink: whether the next hop is taken to be on the link
    dead: whether it is marked dead; linkdown alone does not keep Linux from using it
    mtu: its own MTU, if set
    multipath: further next hops, as "via dev weight" texts
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip route show table all"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "table", "type", "destination", "via", "dev", "metric")

    node: NodeName | None = None
    netns: str | None = None
    table: str = "main"
    type: str = "unicast"
    destination: CIDR
    via: IP | None = None
    dev: str | None = None
    source_ip: IP | None = None
    scope: str | None = None
    protocol: str | None = None
    metric: int = 0
    onlink: bool = False
    dead: bool = False
    mtu: int | None = None
    multipath: tuple[str, ...] = ()


class RoutingRule(Fact, frozen=True, kw_only=True):
    """An entry of `ip rule`.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    family: 4 or 6; None if the artifact did not say
    priority: lower numbers are asked first
    selector: everything between the priority and the action, as printed ("from all fwmark 0x1/0x1 iif eth0")
    action: lookup, unreachable, prohibit, blackhole, goto
    table: the table that is looked up
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip rule"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "family", "priority", "selector", "table")

    node: NodeName | None = None
    netns: str | None = None
    family: int | None = None
    priority: int
    selector: str = "from all"
    action: str = "lookup"
    table: str | None = None


class Neighbour(Fact, frozen=True, kw_only=True):
    """An entry of the neighbour (ARP) table.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    ip: the address
    dev: the interface
    mac: the hardware address; None if nobody answered
    state: REACHABLE, STALE, DELAY, PROBE, FAILED, INCOMPLETE, PERMANENT, NOARP
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ip neigh"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "ip", "dev")

    node: NodeName | None = None
    netns: str | None = None
    ip: IP
    dev: str
    mac: str | None = None
    state: str | None = None


class FdbEntry(Fact, frozen=True, kw_only=True):
    """An entry of a forwarding database, of a bridge or of a vxlan interface.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    mac: the hardware address
    dev: the interface
    dst: the tunnel end that has the address
    master: the bridge that learned it
    permanent: whether it was set by hand or belongs to the interface itself
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "bridge fdb"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "mac", "dev", "dst", "master")

    node: NodeName | None = None
    netns: str | None = None
    mac: str
    dev: str
    dst: IP | None = None
    master: str | None = None
    permanent: bool = False


class Listener(Fact, frozen=True, kw_only=True):
    """A socket that waits for connections or datagrams.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    protocol: TCP or UDP
    ip: the address it is bound to; None for any
    port: its port
    process: the program, if printed
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ss -tlnp; ss -ulnp"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "protocol", "ip", "port")

    node: NodeName | None = None
    netns: str | None = None
    protocol: str
    ip: IP | None = None
    port: int
    process: str | None = None
