"""The rule sets of one namespace: which tables hook where, and an index that finds the rules a packet can match."""

from __future__ import annotations

from functools import cached_property
from heapq import merge
from operator import attrgetter

from analyzer.facts.address import CIDR
from analyzer.facts.firewall import NO_TABLE, Chain, NftObject, Rule, VirtualServer
from analyzer.packet import tracking
from analyzer.packet.header import Packet, protocol_number
from analyzer.packet.stack import Stack

TABLES = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
EMPTY = "the file is empty"
MANAGED = {"raw", "mangle", "nat", "filter", "security"}


class Chains:
    """The rules of one chain, in order, indexed by the one destination, source or port that most of them name.

    The indexes hold places in `rules`; `others` are the places of the rules that no index holds.
    """

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules
        self.by_destination: dict[int, list[int]] = {}
        self.by_source: dict[int, list[int]] = {}
        self.by_port: dict[tuple[int, int], list[int]] = {}
        self.others: list[int] = []
        for place, rule in enumerate(self.rules):
            if rule.destination is not None and single(rule.destination) and not rule.not_destination:
                self.by_destination.setdefault(int(rule.destination.network_address), []).append(place)
            elif rule.source is not None and single(rule.source) and not rule.not_source:
                self.by_source.setdefault(int(rule.source.network_address), []).append(place)
            elif (port := _port(rule)) is not None:
                self.by_port.setdefault(port, []).append(place)
            else:
                self.others.append(place)

    def candidates(self, packet: Packet) -> list[Rule]:
        """The rules that can match a packet, in the order of the chain."""
        if len(self.others) == len(self.rules):
            return self.rules
        parts = [
            self.others,
            self.by_destination.get(int(packet.dst), []),
            self.by_source.get(int(packet.src), []),
        ]
        if packet.dport is not None:
            parts.append(self.by_port.get((packet.proto, packet.dport), []))
        elif packet.has_ports:
            parts += list(self.by_port.values())
        return [self.rules[place] for place in merge(*parts)]


_position = attrgetter("position")


def single(network: CIDR | None) -> bool:
    """Whether a network is one address."""
    return network is not None and network.prefixlen == network.max_prefixlen


def _port(rule: Rule) -> tuple[int, int] | None:
    """Protocol and destination port, if the rule is for one of each."""
    if rule.protocol is None or rule.not_protocol:
        return None
    proto = protocol_number(rule.protocol)
    for match in rule.matches:
        if match.module in ("tcp", "udp", "sctp"):
            for option in match.options:
                if option.name == "--dport" and not option.negated and option.values and option.values[0].isdigit():
                    return (proto, int(option.values[0])) if proto is not None else None
    return None


class Table:
    """One table of one backend: chains, their policies, and how it is called in a verdict."""

    def __init__(self, stack: Stack, backend: str | None, family: int, name: str) -> None:
        self.backend, self.family, self.name = backend, family, name
        self._stack = stack
        self._chains: dict[str, Chains] = {}
        self._rules: dict[str, list[Rule]] = {}
        self.complete = True

    @cached_property
    def key(self) -> tuple[object, ...]:
        return (self._stack.node, self._stack.netns, self.backend, self.family, self.name)

    def chain(self, name: str) -> Chains:
        """A chain by name; an unknown one is empty."""
        if name not in self._chains:
            self._chains[name] = Chains(self.rules(name))
        return self._chains[name]

    def rules(self, name: str) -> list[Rule]:
        """The rules of a chain, in order."""
        if name not in self._rules:
            index = self._stack.facts.index(Rule, ("node", "netns", "backend", "family", "table", "chain"))
            self._rules[name] = sorted(index.get((*self.key, name), ()), key=_position)
        return self._rules[name]

    @cached_property
    def declared(self) -> dict[str, Chain]:
        """Chains that the dump declares, by name."""
        index = self._stack.facts.index(Chain, ("node", "netns", "backend", "family", "table"))
        return {fact.name: fact for fact in index.get(self.key, ())}

    def has(self, name: str) -> bool:
        """Whether a chain exists."""
        return name in self.declared or bool(self.rules(name))

    @cached_property
    def empty(self) -> bool:
        """Whether the table does nothing: no rules, and every policy accepts."""
        index = self._stack.facts.index(Rule, ("node", "netns", "backend", "family", "table"))
        return not index.get(self.key) and all(chain.policy in (None, "ACCEPT") for chain in self.declared.values())


class Filters:
    """All rule sets of one namespace and family.

    `told` is true if every link was stated, as for namespaces of a laboratory: there an empty dump means no rules.
    """

    def __init__(self, stack: Stack, family: int, told: bool = False) -> None:
        self.stack, self.family, self.told = stack, family, told
        self.read: object = None  # what analyzer.packet.nft made of `native`
        self.steps: dict[str, list[tuple[int, object]]] = {}  # what analyzer.packet.hooks found to happen at a hook

    @cached_property
    def tables(self) -> dict[str, list[Table]]:
        """Tables that do something, by name: legacy before nft."""
        found: dict[str, list[Table]] = {}
        keys = set()
        for kind in (Chain, Rule):
            for node, netns, backend, family, table in self.stack.facts.index(
                kind, ("node", "netns", "backend", "family", "table")
            ):
                if (node, netns, family) == (self.stack.node, self.stack.netns, self.family):
                    keys.add((backend or "", table))
        for backend, name in sorted(keys):
            table = Table(self.stack, backend or None, self.family, name)
            if not table.empty:
                table.complete = self._complete(name)
                found.setdefault(name, []).append(table)
        return found

    @cached_property
    def both(self) -> bool:
        """Whether two backends hold rules, so that a verdict must say which."""
        return len({table.backend for tables in self.tables.values() for table in tables} - {None}) > 1

    def label(self, table: Table) -> str:
        """The name of a table in a verdict: with its backend where the node uses both."""
        return f"{table.backend}:{table.name}" if self.both and table.backend else table.name

    def _complete(self, name: str) -> bool:
        entries = [
            entry
            for entry in self.stack.facts.coverage("Rule", table=name)
            if (entry.pod == self.stack.netns if self.stack.netns else entry.node == self.stack.node)
        ]
        return not entries or any(entry.complete for entry in entries)

    @cached_property
    def unknown(self) -> str:
        """What would have to be collected to know the rules here; empty if they are known (a pod has none)."""
        if self.stack.pod:
            return ""
        entries = [
            entry
            for kind in ("Rule", "Chain")
            for entry in self.stack.facts.coverage(kind)
            if entry.node == self.stack.node
        ]
        native = any(e.complete and e.node == self.stack.node for e in self.stack.facts.coverage("NftObject"))
        if entries and all(entry.note == EMPTY for entry in entries) and not self.told:
            # A listing of all nft tables shows the same: iptables has none.
            if native and self._nft_is_all:
                return ""
            return f"iptables-save of {self.stack.name} ({EMPTY})"
        if not self.stack.wired:
            entries = [entry for entry in entries if entry.table != NO_TABLE]
        tables = {entry.table for entry in entries}
        if not entries and native:
            return "" if self._nft_is_all else f"iptables-save of {self.stack.name}"
        known = bool(entries) and (
            None in tables or {"filter", "nat"} <= tables or any("save" in entry.path for entry in entries)
        )
        if known or ("filter" in self.tables and not entries):
            return ""
        return f"{'iptables-save' if self.family == 4 else 'ip6tables-save'} of {self.stack.name}"

    @cached_property
    def _nft_is_all(self) -> bool:
        """Whether a native dump holds no table that only iptables-save tells in full."""
        objects = self.stack.facts.where(NftObject, node=self.stack.node, netns=self.stack.netns)
        return not any(
            item.family in ("ip", "ip6") and item.table in MANAGED and item.kind == "rule" for item in objects
        )

    @cached_property
    def tracks(self) -> bool:
        """Whether anything here uses conntrack; otherwise nothing is tracked and nat is skipped."""
        for tables in self.tables.values():
            for table in tables:
                index = self.stack.facts.index(Rule, ("node", "netns", "backend", "family", "table"))
                for rule in index.get(table.key, ()):
                    if rule.target in tracking.TARGETS and not _only_notrack(rule):
                        return True
                    if any(match.module in tracking.MATCHES for match in rule.matches):
                        return True
        if self.stack.netns is None and self.stack.facts.where(VirtualServer, node=self.stack.node):
            return True
        return self.native_tracks

    @cached_property
    def native(self) -> list[NftObject]:
        """Rules of native nftables: tables that iptables does not manage."""
        objects = self.stack.facts.where(NftObject, node=self.stack.node, netns=self.stack.netns)
        names = {4: ("ip", "inet"), 6: ("ip6", "inet")}[self.family]
        return [
            item for item in objects if item.family in names and not (item.family != "inet" and item.table in MANAGED)
        ]

    @cached_property
    def native_tracks(self) -> bool:
        """Whether a native ruleset uses conntrack."""
        wanted = ("ct ", "dnat", "snat", "masquerade", "redirect")
        return any(item.kind == "rule" and any(word in item.text for word in wanted) for item in self.native)


def _only_notrack(rule: Rule) -> bool:
    return rule.target == "CT" and any(option.name == "--notrack" for option in rule.target_options)
