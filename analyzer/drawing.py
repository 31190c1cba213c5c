"""The boxes of a drawn packet path, from the Path fact that a finding rests on."""

from __future__ import annotations

from analyzer.engine.outcome import Match
from analyzer.facts.derived import Path
from analyzer.report import Hop


def drawn_path(match: Match) -> tuple[tuple[Hop, ...], str]:
    """The hops and the caption of the first broken path among a finding's facts; empty if it names none."""
    path = next((fact for fact in match.facts if isinstance(fact, Path) and fact.ok is False), None)
    return path_hops(path) if path is not None else ((), "")


def path_hops(path: Path) -> tuple[tuple[Hop, ...], str]:
    """The hops and the caption of a broken path."""
    labels: list[tuple[str, str]] = []
    if path.from_pod:
        labels.append((path.from_pod, "pod"))
    elif path.kind.startswith("outside"):
        labels.append(("outside", "outside"))
    labels.append((path.node, "node"))
    if path.service:
        labels.append((path.service, "service"))
    if path.peer and path.peer != path.node:
        labels.append((path.peer, "node"))
    if path.to_pod:
        labels.append((path.to_pod, "pod"))
    elif path.target:
        labels.append((path.target, "address"))
    at = _broken_at(labels, path)
    hops = tuple(Hop(label=str(label), kind=kind, broken=number == at) for number, (label, kind) in enumerate(labels))
    where = f"broken between {labels[at][0]} and {labels[at + 1][0]}" if at + 1 < len(labels) else "broken"
    return hops, f"{where}: {path.reason}" if path.reason else where


def _broken_at(labels: list[tuple[str, str]], path: Path) -> int:
    """The box after which the packet, or its reply, dies: the node that the packet path names."""
    for number in range(len(labels) - 2, -1, -1):
        if labels[number] == (path.at_node, "node"):
            return number
    return max(0, len(labels) - 2)
