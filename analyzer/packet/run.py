"""One replay of a trace: its answers, the connections it made, and the steps it took."""

from __future__ import annotations

from analyzer.facts.fact import Fact
from analyzer.facts.firewall import Connection as Dumped
from analyzer.facts.firewall import Rule
from analyzer.packet.chains import Filters
from analyzer.packet.choice import Oracle
from analyzer.packet.flow import Flow
from analyzer.packet.header import Packet, protocol_number
from analyzer.packet.stack import Stack
from analyzer.packet.tracking import Attached, Connection, Tracker, reversed_tuple, tuple_of
from analyzer.packet.verdict import Step, unknown
from analyzer.packet.world import World, fact_place

# Twenty chains of which each calls the next one twice make a million
VISITS = 5000


class Run:
    """One replay; `reply` is true while the answer is followed."""

    def __init__(self, world: World, oracle: Oracle, flow: Flow) -> None:
        self.world, self.oracle, self.flow = world, oracle, flow
        self.steps: list[Step] = []
        self.missing: dict[str, None] = {}
        self.undecided: dict[str, None] = {}
        self.trackers: dict[str, Tracker] = {}
        self.reply = False
        self.hops = 0
        self._visits = 0

    def filters(self, stack: Stack, family: int) -> Filters:
        """The rule sets of a namespace."""
        return self.world.filters(stack, family)

    def tracker(self, stack: Stack) -> Tracker:
        """The connections of a namespace."""
        return self.trackers.setdefault(stack.name, Tracker())

    def note(self, stack: Stack, text: str, fact: Fact | None = None, **more: str | int | None) -> None:
        """Adds a step."""
        path, line = fact_place(fact) if fact is not None else (None, None)
        self.steps.append(Step(node=stack.name, text=text, path=path, line=line, reply=self.reply, **more))  # type: ignore[arg-type]

    def visit(self, stack: Stack) -> None:
        """Counts one chain that is walked; raises Fate where there is no end of them."""
        self._visits += 1
        if self._visits > VISITS:
            raise unknown(f"more than {VISITS:,} visits of chains on {stack.name}", stack.name)

    def open(self, question: str) -> bool:
        """One answer to a question that the dumps leave open; both are followed."""
        self.undecided[question] = None
        return self.oracle.decide(question)

    def attach(self, stack: Stack, packet: Packet) -> Attached:
        """The connection of a packet: one this trace made, one that was dumped, or a new one."""
        tracker = self.tracker(stack)
        known = tracker.find(packet)
        if known is None and self.flow.kind != "new" and not self.reply and packet.inner is None:
            dumped = _dumped(stack, packet)
            if dumped is not None:
                tracker.connections.append(dumped)
            elif self.flow.kind == "established" and not stack.collected("Connection"):
                self.missing[f"conntrack -L of {stack.name}"] = None
                wanted = tuple_of(packet)
                made = Connection(wanted, reversed_tuple(wanted), zone=packet.zone, reply_zone=packet.zone)
                made.seen_reply = True
                return Attached(made, False, "ESTABLISHED")
        return tracker.attach(packet)


def _dumped(stack: Stack, packet: Packet) -> Connection | None:
    """The dumped connection that a packet belongs to."""
    if (packet.sport is None and packet.has_ports) or stack.pod:
        return None
    table = stack.facts.index(Dumped, ("node", "src", "dst", "sport", "dport"))
    for fact in table.get((stack.node, packet.src, packet.dst, packet.sport, packet.dport), ()):
        found = _connection(fact, packet)
        if found is not None:
            return found
    replies = stack.facts.index(Dumped, ("node", "reply_src", "reply_dst"))
    for fact in replies.get((stack.node, packet.src, packet.dst), ()):
        found = _connection(fact, packet)
        if found is not None and found.reply == tuple_of(packet):
            return found
    return None


def _connection(fact: Dumped, packet: Packet) -> Connection | None:
    if protocol_number(fact.protocol) != packet.proto or fact.reply_src is None or fact.reply_dst is None:
        return None
    original = (packet.proto, fact.src, fact.sport, fact.dst, fact.dport)
    reply_sport = fact.reply_sport
    reply_dport = fact.reply_dport
    reply = (
        packet.proto,
        fact.reply_src,
        fact.dport if reply_sport is None else reply_sport,
        fact.reply_dst,
        fact.sport if reply_dport is None else reply_dport,
    )
    made = Connection(original, reply, seen_reply=not fact.unreplied, confirmed=True, mark=fact.mark or 0)
    made.dnat = reply[1:3] != original[3:5]
    made.snat = reply[3:5] != original[1:3]
    made.source_done = made.destination_done = True
    return made


def spelled(rule: Rule) -> str:
    """A rule in the words of iptables."""
    parts = [f"-A {rule.chain}"]
    for flag, value, negated in (
        ("-s", rule.source, rule.not_source),
        ("-d", rule.destination, rule.not_destination),
        ("-p", rule.protocol, rule.not_protocol),
        ("-i", rule.in_interface, rule.not_in_interface),
        ("-o", rule.out_interface, rule.not_out_interface),
    ):
        if value is not None:
            parts.append(f"{'! ' if negated else ''}{flag} {value}")
    for match in rule.matches:
        if match.module:
            parts.append(f"-m {match.module}")
        parts += [_option(option.name, option.values, option.negated) for option in match.options]
    if rule.target is not None:
        parts.append(f"{'-g' if rule.goto else '-j'} {rule.target}")
        parts += [_option(option.name, option.values, option.negated) for option in rule.target_options]
    return " ".join(parts)


def _option(name: str, values: tuple[str, ...], negated: bool) -> str:
    quoted = [_quoted(value) if " " in value or '"' in value else value for value in values]
    return " ".join(["!"] * negated + [name, *quoted])


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
