"""What was collected: whether finding nothing in a part of the cluster means anything, and what to collect if not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from weakref import WeakKeyDictionary

import msgspec

from analyzer.engine.outcome import Lack
from analyzer.engine.pins import LOGS
from analyzer.facts.fact import Coverage, Fact
from analyzer.facts.nodes import Node
from analyzer.facts.store import DIMENSIONS, Facts
from analyzer.facts.workloads import Pod

Scope = Mapping[str, tuple[str, ...]]

# Components that run as units of the host's init system; others are containers.
UNITS = frozenset(
    {"kubelet", "containerd", "docker", "crio", "k3s", "k3s-agent", "rke2-server", "rke2-agent", "firewalld"}
)


class Looked(msgspec.Struct, frozen=True):
    """What looking somewhere means: the artifacts searched, and what is lacking; absence counts if nothing is."""

    searched: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] = ()


class Collected:
    """The coverage of a cluster, asked for by fact type and scope; answers are kept."""

    def __init__(self, facts: Facts) -> None:
        self._entries: dict[str, dict[str | None, list[Coverage]]] = defaultdict(lambda: defaultdict(list))
        self._home = {pod.key: str(pod.node) for pod in facts.of(Pod) if pod.node}
        self._answers: dict[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], Looked] = {}
        nodes = {str(node.name) for node in facts.of(Node)}
        for entry in facts.all_coverage():
            node = entry.node or (self._home.get(entry.pod or "") if entry.fact in LOGS else None)
            self._entries[entry.fact][node].append(entry)
            if entry.node:
                nodes.add(entry.node)
        self.nodes = tuple(sorted(nodes))

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
            scope = {**scope, "node": self.nodes}
        looked = [
            self._one(kind, dict(zip(scope, values, strict=True)))
            for values in product(*(scope[name] for name in scope))
        ]
        return Looked(
            tuple(sorted({path for one in looked for path in one.searched})),
            tuple(dict.fromkeys(lack for one in looked for lack in one.lacks)),
        )

    def _one(self, kind: type[Fact], scope: Mapping[str, str]) -> Looked:
        found = [entry for entry in self._near(kind.__name__, scope.get("node")) if _covers(entry, scope)]
        if any(entry.complete for entry in found):
            return Looked(tuple(sorted({entry.path for entry in found if entry.path})))
        if not found and "node" not in scope:
            found = [entry for entry in self._all(kind.__name__) if not entry.complete and _meets(entry, scope)]
        place = scope.get("node") or scope.get("namespace") or scope.get("pod") or ""
        return Looked((), (Lack(fact=kind.__name__, scope=place, command=_filled(kind, scope), note=_note(found)),))

    def _logs(self, kind: type[Fact], scope: Scope) -> Looked:
        """Any log of the scope may hold the line: one that is complete will do."""
        nodes = scope.get("node", (None,))
        near = [entry for node in nodes for entry in self._near(kind.__name__, node)] if "node" in scope else None
        found = [entry for entry in near or self._all(kind.__name__) if _may_hold(entry, scope)]
        if any(entry.complete for entry in found):
            return Looked(tuple(sorted({entry.path for entry in found if entry.path})))
        place = next((scope[name][0] for name in ("node", "pod") if name in scope), "")
        return Looked((), (Lack(fact=kind.__name__, scope=place, command=_log_command(scope), note=_note(found)),))

    def _near(self, fact: str, node: str | None) -> list[Coverage]:
        entries = self._entries.get(fact, {})
        return [*entries.get(None, ()), *(entries.get(node, ()) if node else ())]

    def _all(self, fact: str) -> list[Coverage]:
        return [entry for found in self._entries.get(fact, {}).values() for entry in found]


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
