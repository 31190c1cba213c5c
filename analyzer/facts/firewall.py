"""Facts about packet filters: chains, rules, sets, virtual servers, tracked connections."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from analyzer.facts.address import CIDR, IP
from analyzer.facts.fact import Fact, NodeName, Scope

# The table that an empty `iptables-save` covers: none. A cluster's node without any rule is not to be believed, but
# where the wiring is told, hosts without a packet filter are the rule.
NO_TABLE = "-"


class Option(msgspec.Struct, frozen=True):
    """One option of a match or target: `name` with its dashes, its words, and whether `!` stood before it."""

    name: str
    values: tuple[str, ...] = ()
    negated: bool = False


class Match(msgspec.Struct, frozen=True):
    """One `-m module` with its options, in order; module "" holds options that name no module (`-f`)."""

    module: str
    options: tuple[Option, ...] = ()


class Chain(Fact, frozen=True, kw_only=True):
    """A chain.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    backend: nft or legacy; None if the dump did not say
    family: 4 or 6
    table: raw, mangle, nat, filter, security
    name: the chain
    policy: ACCEPT or DROP for a built-in chain, None for a user chain
    packets: the policy counter, where one was printed and the backend keeps it
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save -c; iptables-legacy-save -c"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "backend", "family", "table", "name")
    whole: ClassVar[tuple[str, ...]] = ("node", "netns", "backend", "family", "table")

    node: NodeName | None = None
    netns: str | None = None
    backend: str | None = None
    family: int = 4
    table: str
    name: str
    policy: str | None = None
    packets: int | None = None


class Rule(Fact, frozen=True, kw_only=True):
    """A rule of iptables, from whichever dump stated it.

    node: the node, if this is the host's own network namespace
    netns: another network namespace, as "<node>:<name>"
    backend: nft or legacy; None if the dump did not say
    family: 4 or 6
    table: raw, mangle, nat, filter, security
    chain: the chain it stands in
    position: its number in that chain, from 1
    protocol: -p, as written (tcp, udp, icmp, all or a number); None for any
    not_protocol: whether `!` stood before -p
    source: -s; None for any
    not_source: whether `!` stood before -s
    destination: -d; None for any
    not_destination: whether `!` stood before -d
    in_interface: -i, a trailing + is a wildcard
    not_in_interface: whether `!` stood before -i
    out_interface: -o, a trailing + is a wildcard
    not_out_interface: whether `!` stood before -o
    fragment: whether -f was given
    matches: every `-m`, in order, the comment among them
    target: what -j or -g names; None for a rule that only counts
    goto: whether it was -g
    target_options: the options of the target
    comment: the text of its comment match
    packets: its packet counter
    bytes: its byte counter
    complete: whether the dump's format tells every match of the rule; `-L` does not
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "iptables-save -c; iptables-legacy-save -c"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "backend", "family", "table", "chain", "position")
    whole: ClassVar[tuple[str, ...]] = ("node", "netns", "backend", "family", "table")

    node: NodeName | None = None
    netns: str | None = None
    backend: str | None = None
    family: int = 4
    table: str
    chain: str
    position: int
    protocol: str | None = None
    not_protocol: bool = False
    source: CIDR | None = None
    not_source: bool = False
    destination: CIDR | None = None
    not_destination: bool = False
    in_interface: str | None = None
    not_in_interface: bool = False
    out_interface: str | None = None
    not_out_interface: bool = False
    fragment: bool = False
    matches: tuple[Match, ...] = ()
    target: str | None = None
    goto: bool = False
    target_options: tuple[Option, ...] = ()
    comment: str | None = None
    packets: int | None = None
    bytes: int | None = None
    complete: bool = True


class Ipset(Fact, frozen=True, kw_only=True):
    """A set of ipset.

    node: the node
    netns: another network namespace, as "<node>:<name>"
    name: its name
    type: hash:ip, hash:net, hash:ip,port, list:set
    members: its members, as printed, options such as timeout dropped; `nomatch` kept as a suffix
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ipset save"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "name")

    node: NodeName | None = None
    netns: str | None = None
    name: str
    type: str
    members: tuple[str, ...] = ()


class VirtualServer(Fact, frozen=True, kw_only=True):
    """An IPVS service and one of its real servers; `server` is None for a service without any.

    node: the node
    protocol: TCP, UDP or SCTP
    ip: the service address
    port: the service port
    scheduler: rr, lc, sh
    server: the real server's address
    server_port: the real server's port
    weight: its weight; 0 takes no new connections
    forward: Masq, Route or Tunnel
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "ipvsadm -Ln"
    identity: ClassVar[tuple[str, ...]] = ("node", "protocol", "ip", "port", "server", "server_port")

    node: NodeName | None = None
    protocol: str
    ip: IP
    port: int
    scheduler: str | None = None
    server: IP | None = None
    server_port: int | None = None
    weight: int | None = None
    forward: str | None = None


class NftObject(Fact, frozen=True, kw_only=True):
    """A chain, rule, set or map of a native nftables ruleset, in the words of nft.

    node: the node
    netns: another network namespace, as "<node>:<name>"
    family: ip, ip6, inet, bridge, netdev, arp
    table: the table
    kind: chain, rule, set, map
    name: the chain a rule stands in; the name of the chain, set or map
    position: the rule's number in its chain, from 1
    text: the rule's statement; type, hook, priority and policy of a base chain; the elements of a set or map
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "nft list ruleset"
    identity: ClassVar[tuple[str, ...]] = ("node", "netns", "family", "table", "kind", "name", "position")
    whole: ClassVar[tuple[str, ...]] = ("node", "netns")

    node: NodeName | None = None
    netns: str | None = None
    family: str
    table: str
    kind: str
    name: str
    position: int | None = None
    text: str = ""


class Connection(Fact, frozen=True, kw_only=True):
    """A tracked connection.

    node: the node
    protocol: TCP, UDP, ICMP
    state: ESTABLISHED, SYN_SENT, TIME_WAIT
    src: source before translation
    dst: destination before translation
    sport: source port before translation
    dport: destination port before translation
    reply_src: source of the expected reply
    reply_dst: destination of the expected reply
    reply_sport: source port of the expected reply
    reply_dport: destination port of the expected reply
    mark: its connection mark
    unreplied: whether no reply was seen
    """

    per: ClassVar[Scope] = "node"
    command: ClassVar[str] = "conntrack -L"

    node: NodeName | None = None
    protocol: str
    state: str | None = None
    src: IP
    dst: IP
    sport: int | None = None
    dport: int | None = None
    reply_src: IP | None = None
    reply_dst: IP | None = None
    reply_sport: int | None = None
    reply_dport: int | None = None
    mark: int | None = None
    unreplied: bool = False
