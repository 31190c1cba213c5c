"""Pods that are known by their log alone: whoever pastes `kubectl logs` need not have pasted the list of pods."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.facts.fact import Coverage, Fact
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
