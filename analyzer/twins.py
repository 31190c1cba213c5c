"""Large dumps that are equal on several nodes: read once, and told of each node.

This is for texts that a grammar reads. There a node's name enters facts as `node` and `netns`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import sha256

import msgspec

from analyzer.facts.fact import Coverage, Fact, NodeName, Parsed
from analyzer.facts.source import Gap, Place, Source
from analyzer.kinds import Kind

LARGE = 16 << 10  # bytes; a smaller text is read as fast as it is told again


class Twins:
    """What was read of large texts, by their digest."""

    def __init__(self) -> None:
        self._read: dict[Hashable, tuple[Place, Parsed]] = {}

    def parse(self, kind: Kind, data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
        """What a text says, as `kind.parse` tells it."""
        if kind.beside is None or len(data) < LARGE:
            return kind.parse(data, path, place, first_line, command)
        key = (kind.name, sha256(data).digest(), first_line, kind.beside(path, place, command))
        known = self._read.get(key)
        if known is not None and not _names(data, known[0]):
            return _moved(known[1], known[0], place, path)
        parsed = kind.parse(data, path, place, first_line, command)
        self._read.setdefault(key, (place, parsed))
        return parsed


def _names(data: bytes, place: Place) -> bool:
    """Whether a text names the node itself, so that it cannot be told which of its facts the path named."""
    names = [name for name in (place.node, place.netns) if name is not None]
    return any(not name.isascii() or name.encode() in data for name in names)


def _moved(parsed: Parsed, old: Place, new: Place, path: str) -> Parsed:
    return msgspec.structs.replace(
        parsed,
        facts=tuple(_fact(fact, old, new, path) for fact in parsed.facts),
        gaps=tuple(Gap(Source(path, gap.source.line, gap.source.end), gap.expected, gap.text) for gap in parsed.gaps),
        coverage=tuple(_entry(entry, old, new, path) for entry in parsed.coverage),
    )


def _fact(fact: Fact, old: Place, new: Place, path: str) -> Fact:
    changes: dict[str, object] = {"origin": Source(path, fact.origin.line, fact.origin.end)}
    if old.node is not None and getattr(fact, "node", None) == old.node:
        changes["node"] = NodeName(new.node or "")
    if old.netns is not None and getattr(fact, "netns", None) == old.netns:
        changes["netns"] = new.netns
    return msgspec.structs.replace(fact, **changes)


def _entry(entry: Coverage, old: Place, new: Place, path: str) -> Coverage:
    node = new.node if entry.node is not None and entry.node == old.node else entry.node
    pod = new.netns if entry.pod is not None and entry.pod == old.netns else entry.pod
    return msgspec.structs.replace(entry, node=node, pod=pod, path=path)
