"""Netfilter hooks: the tables of one hook in order, chains, jumps, verdicts, tracking and translation."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.facts.firewall import Rule
from analyzer.packet import nat, nft
from analyzer.packet.chains import TABLES, Filters, Table
from analyzer.packet.header import Packet
from analyzer.packet.matches import rule_matches
from analyzer.packet.run import Run, spelled
from analyzer.packet.sight import Sight
from analyzer.packet.stack import Stack
from analyzer.packet.targets import CHANGING, NAT, QUIET, change
from analyzer.packet.verdict import At, Fate, unknown

DEPTH = 64
PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
TRACK, TRANSLATE = object(), object()
Reroute = Callable[[], str]  # routes a packet anew; the new outgoing interface


def traverse(
    run: Run,
    stack: Stack,
    hook: str,
    packet: Packet,
    entered: str = "",
    leaves: str = "",
    reroute: Reroute | None = None,
) -> None:
    """Takes a packet through one hook; raises Fate where it ends. `reroute` is called where the kernel routes anew."""
    filters = run.filters(stack, packet.family)
    if filters.unknown:
        raise unknown(filters.unknown, stack.name)
    sight = Sight(packet, stack, run.world.routing(stack), hook, "", entered, leaves)
    nat_priority = 100 if hook in nat.SOURCE_HOOKS else -100
    if hook not in filters.steps:
        filters.steps[hook] = _steps(filters, hook, nat_priority)
    for priority, what in filters.steps[hook]:
        before = (packet.mark, packet.src, packet.dst)
        if what is TRACK:
            _track(run, filters, sight)
        elif what is TRANSLATE:
            _translate(run, filters, sight)
        elif isinstance(what, Table):
            walk_table(run, filters, what, sight)
        elif isinstance(what, nft.Base):
            nft.walk_base(run, filters, what, sight)
        moved = packet.src != before[1] or packet.dst != before[2]
        routes_anew = priority == -150 or (priority == nat_priority and packet.dst != before[2])
        if reroute is not None and routes_anew and (moved or packet.mark != before[0]):
            sight.leaves = reroute()
    if hook in ("INPUT", "POSTROUTING"):
        run.tracker(stack).confirm(packet)


def _steps(filters: Filters, hook: str, nat_priority: int) -> list[tuple[int, object]]:
    """What happens at a hook, by priority: tracking, translation, tables of iptables, base chains of nftables."""
    found: list[tuple[int, object]] = []
    for name in TABLES[hook]:
        if name == "nat":
            found.append((nat_priority, TRANSLATE))
        else:
            found += [(PRIORITIES[name], table) for table in filters.tables.get(name, ())]
    if hook in ("PREROUTING", "OUTPUT"):
        found.append((-200, TRACK))
    found += nft.base_chains(filters, hook, "filter")
    return sorted(found, key=lambda item: item[0])


def _track(run: Run, filters: Filters, sight: Sight) -> None:
    packet = sight.packet
    if packet.tracked is None and not packet.untracked and filters.tracks:
        packet.tracked = run.attach(sight.stack, packet)


def _translate(run: Run, filters: Filters, sight: Sight) -> None:
    """The nat step: rules for the first packet of a connection, then the translation itself."""
    packet = sight.packet
    tracked = packet.tracked
    if packet.untracked or tracked is None or tracked.connection is None:
        return
    connection = tracked.connection
    source = sight.hook in nat.SOURCE_HOOKS
    if not connection.confirmed and not (connection.source_done if source else connection.destination_done):
        for table in filters.tables.get("nat", ()):
            walk_table(run, filters, table, sight)
            if connection.source_done if source else connection.destination_done:
                break
        else:
            for _, base in nft.base_chains(filters, sight.hook, "nat"):
                nft.walk_base(run, filters, base, sight)
                if connection.source_done if source else connection.destination_done:
                    break
        if source:
            connection.source_done = True
        else:
            connection.destination_done = True
    nat.translate(packet, source)


def walk_table(run: Run, filters: Filters, table: Table, sight: Sight) -> None:
    """Takes a packet through the base chain of one table; raises Fate if it ends there."""
    sight.table = table.name
    base = table.declared.get(sight.hook)
    if base is None and not table.chain(sight.hook).rules:
        return
    if _walk(run, filters, table, sight, sight.hook, 0):
        return
    if not table.complete:
        raise unknown(f"the rest of table {table.name} of {sight.stack.name}", sight.stack.name)
    if base is not None and base.policy == "DROP":
        at = At(sight.stack.name, filters.label(table), sight.hook, "policy")
        run.note(sight.stack, f"policy DROP of {sight.hook}", base, hook=sight.hook, table=at.table, chain=at.chain,
                 rule="policy")  # fmt: skip
        raise Fate("dropped", at)


def _walk(run: Run, filters: Filters, table: Table, sight: Sight, chain: str, depth: int) -> bool:
    """Whether a chain ended the traversal of its table (ACCEPT); false: it returned."""
    if depth > DEPTH:
        raise unknown(f"a loop of chains at {chain} of {sight.stack.name}", sight.stack.name)
    run.visit(sight.stack)
    for rule in table.chain(chain).candidates(sight.packet):
        answer, odds, question = rule_matches(rule, sight)
        if answer is False or (answer is None and rule.target in QUIET):
            continue
        label = filters.label(table)
        if answer is None:
            asked = f"{sight.stack.name} {label} {chain} rule {rule.position}: {question}"
            if not run.open(asked):
                continue
        elif odds is not None:
            odds = min(max(odds, 0.0), 1.0)
            why = f"{sight.stack.name} {label} {chain} rule {rule.position}"
            if odds == 0 or (odds < 1 and run.oracle.pick((odds, 1 - odds), why) == 1):
                continue
        at = At(sight.stack.name, label, chain, rule.position)
        ended = _act(run, filters, table, sight, rule, at, depth)
        if ended is not None:
            return ended
    return False


def _act(run: Run, filters: Filters, table: Table, sight: Sight, rule: Rule, at: At, depth: int) -> bool | None:
    """Carries out a rule: True ends the table, False ends the chain, None goes on with the next rule."""
    target = rule.target

    def step(changed: str | None = None) -> None:
        run.note(sight.stack, f"{target or 'no target'}", rule, hook=sight.hook, table=at.table, chain=at.chain,
                 rule=at.rule, matched=spelled(rule), changed=changed or None)  # fmt: skip

    if target == "ACCEPT":
        step()
        return True
    if target == "DROP":
        step()
        raise Fate("dropped", at)
    if target == "REJECT":
        default = "icmp-port-unreachable" if sight.packet.family == 4 else "icmp6-port-unreachable"
        with_ = nat.options_of(rule).get("--reject-with", default)
        step()
        raise Fate("rejected", at, with_=with_)
    if target == "RETURN":
        step()
        return False
    if target in QUIET:
        step()
        return None
    if target in CHANGING:
        step(change(rule, sight))
        return None
    if target in NAT:
        if table.name != "nat":
            raise unknown(f"{target} in table {table.name} of {sight.stack.name}", sight.stack.name)
        changed = nat.bind(run, rule, sight, at)
        step(changed)
        return True
    if target is not None and table.has(target):
        step()
        if _walk(run, filters, table, sight, target, depth + 1):
            return True
        return False if rule.goto else None
    if target == "NFQUEUE" and "--queue-bypass" in nat.options_of(rule):
        raise unknown(f"who reads queue {nat.options_of(rule).get('--queue-num')}", sight.stack.name)
    raise unknown(f"what target {target} of {at.chain} rule {at.rule} on {sight.stack.name} does", sight.stack.name)
