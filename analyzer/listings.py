"""Rule sets that are here twice: as `iptables -L` lists them, which does not name its backend, and as a dump that does.

The kernel has them once. A packet that walked both would meet each rule twice. A listing whose built-in chains say
anything else, a policy or a rule, is another rule set: that of the other backend.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from analyzer.facts.fact import Fact
from analyzer.facts.firewall import Chain, Rule

BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
ALIKE = 0.8  # the share of a listing's rules that the dump has too; kube-proxy may write between the two

_Table = tuple[str | None, str | None, int, str]
_Line = tuple[str, str | None, object, object]  # chain, target or policy, source, destination


def without_copies(ranked: Iterable[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
    """The (rank, fact) pairs without rules and chains of an unnamed backend whose table a named one tells as well."""
    pairs = list(ranked)
    told: dict[_Table, dict[str | None, set[_Line]]] = defaultdict(lambda: defaultdict(set))
    for _, fact in pairs:
        if isinstance(fact, Rule):
            told[_table(fact)][fact.backend].add((fact.chain, fact.target, fact.source, fact.destination))
        elif isinstance(fact, Chain):
            told[_table(fact)][fact.backend].add((fact.name, fact.policy, None, None))
    copies = {table for table, backends in told.items() if _copied(backends)}
    if not copies:
        return pairs
    return [
        pair
        for pair in pairs
        if not (isinstance(pair[1], Rule | Chain) and pair[1].backend is None and _table(pair[1]) in copies)
    ]


def _table(fact: Rule | Chain) -> _Table:
    return fact.node, fact.netns, fact.family, fact.table


def _copied(backends: dict[str | None, set[_Line]]) -> bool:
    listed = backends.get(None)
    if not listed:
        return False
    base = {line for line in listed if line[0] in BUILT_IN}
    return any(
        base <= lines and len(listed & lines) >= ALIKE * len(listed)
        for name, lines in backends.items()
        if name is not None
    )
