"""What was collected: whether finding nothing in a part of the cluster means anything, and what to collect if not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from analyzer.engine.outcome import Lack
from analyzer.engine.pins import LOGS
from analyzer.facts.fact import Coverage, Fact
from analyzer.facts.nodes import Node
from analyzer.facts.store import DIMENSIONS, Facts
from analyzer.facts.workloads import Pod

Scope = Mapping[str, tuple[str, ...]]
CELL = ("node", "namespace", "pod")
Cell = tuple[str | None, str | None, str | None]
# A fact type, and of each pin its dimension and whether it takes the namespace of a reference.
Shape = tuple[type[Fact], tuple[tuple[str, bool], ...]]

# Components that run as units of the host's init system; others are containers.
UNITS = frozenset(
    {"kubelet", "containerd", "docker", "crio", "k3s", "k3s-agent", "rke2-server", "rke2-agent", "firewalld"}
)


class Looked(msgspec.Struct, frozen=True):
    """What looking somewhere means: the artifacts searched, and what is lacking; absence counts if nothing is."""

    searched: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()


class Collected:
    """The coverage of a cluster, asked for by fact type and scope; answers are kept.

    Entries stand in cells by what CELL names, so that a question meets only those that may speak of it.
    """

    def __init__(self, facts: Facts) -> None:
        self._cells: dict[str, dict[Cell, list[Coverage]]] = defaultdict(lambda: defaultdict(list))
        self._partial: dict[str, list[Coverage]] = defaultdict(list)
        self._by_node: dict[str, dict[str | None, list[Coverage]]] = defaultdict(lambda: defaultdict(list))
        self._by_pod: dict[str, dict[str | None, list[Coverage]]] = defaultdict(lambda: defaultdict(list))
        self._answers: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], Looked] = {}
        self._answered: dict[Shape, dict[tuple[Any, ...], Looked]] = defaultdict(dict)
        home = {pod.key: str(pod.node) for pod in facts.of(Pod) if pod.node}
        self.listed = tuple(sorted({str(node.name) for node in facts.of(Node)}))
        nodes = set(self.listed)
        for entry in facts.all_coverage():
            self._cells[entry.fact][entry.node, entry.namespace, entry.pod].append(entry)
            if not entry.complete:
                self._partial[entry.fact].append(entry)
            if entry.fact in LOGS:
                node = entry.node or home.get(entry.pod or "")
                self._by_node[entry.fact][node].append(entry)
                if entry.pod is not None or entry.node is None:
                    self._by_pod[entry.fact][entry.pod].append(entry)
            if entry.node:
                nodes.add(entry.node)
        self.nodes = dict.fromkeys(sorted(nodes))

    def everywhere(self, kind: type[Fact]) -> bool:
        """Whether one artifact holds all facts of a type that the cluster has, so that no scope lacks any."""
        return any(
            entry.complete and all(getattr(entry, name) is None for name in DIMENSIONS)
            for entry in self._cells.get(kind.__name__, {}).get((None, None, None), ())
        )

    def answered(self, shape: Shape) -> dict[tuple[Any, ...], Looked]:
        """The answers so far to questions of one shape, by the values they were asked for; rules share them."""
        return self._answered[shape]

    def look(self, kind: type[Fact], scope: Scope) -> Looked:
        """What finding no fact of this type within the scope means."""
        wanted = (kind.__name__, tuple(sorted(scope.items())))
        if wanted not in self._answers:
            self._answers[wanted] = self._logs(kind, scope) if kind.__name__ in LOGS else self._dumps(kind, scope)
        return self._answers[wanted]

    def _dumps(self, kind: type[Fact], scope: Scope) -> Looked:
        everywhere = self._one(kind, {}) if not scope else None
        if everywhere and not everywhere.lacks:
            return everywhere
        if kind.per == "node" and "node" not in scope and "pod" not in scope and self.nodes:
            scope = {**scope, "node": tuple(self.nodes)}
        looked = [
            self._one(kind, dict(zip(scope, values, strict=True)))
            for values in product(*(scope[name] for name in scope))
        ]
        return Looked(
            tuple(sorted({path for one in looked for path in one.searched})),
            tuple(dict.fromkeys(lack for one in looked for lack in one.lacks)),
        )

    def _one(self, kind: type[Fact], scope: Mapping[str, str]) -> Looked:
        found = [entry for entry in self._near(kind.__name__, scope) if _covers(entry, scope)]
        if any(entry.complete for entry in found):
            return Looked(tuple(sorted({entry.path for entry in found if entry.path})))
        if not found and "node" not in scope:
            found = [entry for entry in self._partial[kind.__name__] if _meets(entry, scope)]
        place = scope.get("node") or scope.get("namespace") or scope.get("pod") or ""
        return Looked((), (Lack(fact=kind.__name__, scope=place, command=_filled(kind, scope), note=_note(found)),))

    def _logs(self, kind: type[Fact], scope: Scope) -> Looked:
        """Any log of the scope may hold the line: one that is complete will do."""
        found = [entry for entry in self._near_logs(kind.__name__, scope) if _may_hold(entry, scope)]
        if any(entry.complete for entry in found):
            return Looked(tuple(sorted({entry.path for entry in found if entry.path})))
        place = next((scope[name][0] for name in ("node", "pod") if name in scope), "")
        return Looked((), (Lack(fact=kind.__name__, scope=place, command=_log_command(scope), note=_note(found)),))

    def _near(self, fact: str, scope: Mapping[str, str]) -> Iterator[Coverage]:
        """The entries that leave node, namespace and pod open or name those of the scope."""
        cells = self._cells.get(fact)
        if cells:
            sides = [(None,) if (value := scope.get(name)) is None else (None, value) for name in CELL]
            for node, namespace, pod in product(*sides):
                yield from cells.get((node, namespace, pod), ())

    def _near_logs(self, fact: str, scope: Scope) -> Iterable[Coverage]:
        """The logs of the scope's nodes or of its pods, and those that may be anybody's; all if it names neither."""
        if "node" in scope:
            logs, names = self._by_node[fact], scope["node"]
        elif "pod" in scope:
            logs, names = self._by_pod[fact], scope["pod"]
        else:
            return [entry for found in self._by_node[fact].values() for entry in found]
        return [*logs.get(None, ()), *(entry for name in dict.fromkeys(names) for entry in logs.get(name, ()))]


def _covers(entry: Coverage, scope: Mapping[str, str]) -> bool:
    """Whether an artifact covers the whole scope; which tables a dump holds only matters where a table is asked for."""
    for name in DIMENSIONS:
        value = getattr(entry, name)
        if value is not None and scope.get(name) != value and not (name == "table" and name not in scope):
            return False
    return True


def _meets(entry: Coverage, scope: Mapping[str, str]) -> bool:
    """Whether an artifact covers some of the scope."""
    return all(getattr(entry, name) in (None, value) for name, value in scope.items())


def _may_hold(entry: Coverage, scope: Scope) -> bool:
    """Whether a log may hold a line of the scope."""
    if "component" in scope and entry.component is not None and entry.component not in scope["component"]:
        return False
    if "pod" in scope:
        return entry.pod in scope["pod"] or (entry.pod is None and entry.node is None)
    # The log of one container says nothing about a node as a whole, unless it is the component that is asked for.
    return entry.pod is None or "node" not in scope or ("component" in scope and entry.component is not None)


def _note(found: list[Coverage]) -> str:
    notes = sorted({f"{entry.path}: {entry.note}" if entry.path else entry.note for entry in found if entry.note})
    return notes[0] if notes else ""


def _filled(kind: type[Fact], scope: Mapping[str, str]) -> str:
    command = kind.command
    for name in ("node", "namespace"):
        command = command.replace("{" + name + "}", scope.get(name) or f"<{name}>")
    return command


def _log_command(scope: Scope) -> str:
    if "pod" in scope:
        namespace, _, name = scope["pod"][0].partition("/")
        return f"kubectl -n {namespace} logs {name} --all-containers --timestamps"
    components = scope.get("component", ())
    if "kernel" in components:
        return "dmesg; journalctl -k --no-pager"
    units = [name for name in components if name in UNITS]
    if units:
        return "; ".join(f"journalctl -u {name} --no-pager" for name in units)
    if components:
        return f"kubectl logs of {', '.join(components)}, with --all-containers --timestamps"
    return "journalctl --no-pager"


_KEPT: WeakKeyDictionary[Facts, Collected] = WeakKeyDictionary()


def collected(facts: Facts) -> Collected:
    """The coverage of these facts; made once for all rules."""
    if facts not in _KEPT:
        _KEPT[facts] = Collected(facts)
    return _KEPT[facts]
