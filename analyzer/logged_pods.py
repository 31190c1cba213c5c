"""Pods that are known by their log alone, and nodes by their pods: who pastes one need not have listed the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from analyzer.facts.fact import Coverage, Fact, NodeName
from analyzer.facts.nodes import Node
from analyzer.facts.source import Place, Source
from analyzer.facts.workloads import Pod


def logged_pods(places: Iterable[tuple[Place, str]], coverage: Iterable[Coverage]) -> list[tuple[int, Fact]]:
    """A Pod of lowest rank for each pod whose log lies at a path, unless all pods of its namespace are listed."""
    listed = {entry.namespace for entry in coverage if entry.fact == "Pod" and entry.complete and entry.pod is None}
    found: dict[tuple[str, str], str] = {}
    for place, path in places:
        if place.namespace and place.pod and not listed & {None, place.namespace}:
            found.setdefault((place.namespace, place.pod), path)
    return [
        (-1, Pod(namespace=namespace, name=name, origin=Source(path, 1, 1)))
        for (namespace, name), path in found.items()
    ]


def nodes_of_pods(facts: Iterable[Fact], known: Collection[str]) -> list[tuple[int, Fact]]:
    """A Node of lowest rank for each node that pods run on and that is not known; nothing else is said of it."""
    found: dict[str, Source] = {}
    for fact in facts:
        if isinstance(fact, Pod) and fact.node and fact.node not in known:
            found.setdefault(fact.node, fact.origin)
    return [(-1, Node(name=NodeName(name), origin=origin)) for name, origin in found.items()]
