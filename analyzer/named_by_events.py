"""Pods that a pasted table of events names in its messages, where the pod is known from elsewhere."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from analyzer.facts.fact import Fact, PodName
from analyzer.facts.workloads import Event, Pod

_NAMES = (
    re.compile(r"Successfully assigned ([a-z0-9-]+)/([a-z0-9.-]+) to "),
    re.compile(r'set ?up pod "([a-z0-9.-]+)_([a-z0-9-]+)" network'),
)


def with_pods_of_events(pairs: Iterable[tuple[int, Fact]]) -> list[tuple[int, Fact]]:
    """The (rank, fact) pairs, with the pod of events of no named object; a pod that nobody listed stays unknown."""
    told = list(pairs)
    tables: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for _, fact in told:
        if isinstance(fact, Event) and _nameless(fact):
            tables[fact.name] |= _named(fact.message)
    if not any(tables.values()):
        return told
    pods = {(fact.namespace, fact.name) for _, fact in told if isinstance(fact, Pod)}
    # two pods in one table: several tables that were pasted as one
    of_table = {name: next(iter(found)) for name, found in tables.items() if len(found) == 1 and found <= pods}
    return [(rank, _with(fact, of_table) if isinstance(fact, Event) else fact) for rank, fact in told]


def _nameless(event: Event) -> bool:
    return event.kind == "Object" and not event.namespace


def _named(message: str) -> set[tuple[str, str]]:
    assigned, network = (pattern.search(message) for pattern in _NAMES)
    found = {(assigned[1], assigned[2])} if assigned else set()
    return found | ({(network[2], network[1])} if network else set())


def _with(event: Event, of_table: dict[str, tuple[str, str]]) -> Event:
    if not _nameless(event) or event.name not in of_table:
        return event
    namespace, name = of_table[event.name]
    return msgspec.structs.replace(
        event, namespace=namespace, kind="Pod", name=name, pod=PodName(f"{namespace}/{name}")
    )
