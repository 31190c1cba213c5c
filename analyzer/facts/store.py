"""All facts of a cluster: by type, by field, and what was collected of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from analyzer.facts.fact import Coverage, Fact

F = TypeVar("F", bound=Fact)

ALIKE = 256  # facts that are looked at to guess whether an index has one fact for each key
DIMENSIONS = ("node", "namespace", "pod", "component", "table")


class Facts:
    """Facts by type, with hash indexes made on demand, and their coverage. Not changed after it is made."""

    def __init__(self, facts: Iterable[Fact], coverage: Iterable[Coverage] = ()) -> None:
        by_type: dict[type[Fact], list[Fact]] = defaultdict(list)
        for fact in facts:
            by_type[type(fact)].append(fact)
        self._by_type = {kind: tuple(found) for kind, found in by_type.items()}
        self._indexes: dict[tuple[type[Fact], tuple[str, ...]], dict[tuple[Any, ...], Sequence[Any]]] = {}
        self._coverage: dict[str, list[Coverage]] = defaultdict(list)
        self._by_node: dict[str, dict[str | None, list[tuple[int, Coverage]]]] = {}
        self._looked: dict[tuple[Any, ...], tuple[Coverage, ...]] = {}
        for entry in coverage:
            self._coverage[entry.fact].append(entry)

    def of(self, kind: type[F]) -> tuple[F, ...]:
        """Every fact of a type, in a stable order."""
        return self._by_type.get(kind, ())  # type: ignore[return-value]

    def named(self, name: str) -> tuple[Fact, ...]:
        """Every fact of the type of this name."""
        return next((found for kind, found in self._by_type.items() if kind.__name__ == name), ())

    def where(self, kind: type[F], **fields: Any) -> Sequence[F]:
        """Facts of a type whose fields equal these values; a hash look-up."""
        names = tuple(sorted(fields))
        return self.index(kind, names).get(tuple(fields[name] for name in names), ())

    def index(self, kind: type[F], fields: tuple[str, ...]) -> Mapping[tuple[Any, ...], Sequence[F]]:
        """Facts of a type by the values of these fields; made once, kept."""
        wanted = (kind, fields)
        if wanted not in self._indexes:
            self._indexes[wanted] = _indexed(self.of(kind), fields)
        return self._indexes[wanted]

    def all(self) -> Iterable[Fact]:
        """Every fact, type by type."""
        for kind in sorted(self._by_type, key=lambda kind: kind.__name__):
            yield from self._by_type[kind]

    def coverage(self, kind: type[Fact] | str, **pins: str | None) -> tuple[Coverage, ...]:
        """The coverage entries of a fact type that speak of the pinned part of the cluster.

        `pins` are dimensions (node, namespace, pod, component, table); an entry that leaves a dimension open covers
        all of it. No entries: not collected there. Only incomplete ones: collected in part.
        """
        name = kind if isinstance(kind, str) else kind.__name__
        asked = (name, *pins.items())
        found = self._looked.get(asked)
        if found is None:
            entries: Iterable[Coverage] = self._coverage.get(name, ())
            if pins.get("node") is not None:
                entries = self._near(name, pins["node"])  # what a node has is few of what a cluster has
            found = self._looked[asked] = tuple(
                entry
                for entry in entries
                if all(
                    value is None or getattr(entry, dimension) is None or getattr(entry, dimension) == value
                    for dimension, value in pins.items()
                )
            )
        return found

    def _near(self, name: str, node: str | None) -> Iterable[Coverage]:
        """The entries of a fact type that name the node or none, in their order."""
        if name not in self._by_node:
            numbered: dict[str | None, list[tuple[int, Coverage]]] = defaultdict(list)
            for number, entry in enumerate(self._coverage.get(name, ())):
                numbered[entry.node].append((number, entry))
            self._by_node[name] = numbered
        cells = self._by_node[name]
        both = (*cells.get(None, ()), *cells.get(node, ()))
        return [entry for _, entry in sorted(both, key=lambda pair: pair[0])]

    def collected(self, kind: type[Fact] | str, **pins: str | None) -> bool:
        """Whether the pinned part of the cluster was collected completely, so that absence there means something."""
        return any(entry.complete for entry in self.coverage(kind, **pins))

    def all_coverage(self) -> tuple[Coverage, ...]:
        """Every coverage entry, by fact type."""
        return tuple(entry for name in sorted(self._coverage) for entry in self._coverage[name])

    def plus(self, facts: Iterable[Fact], coverage: Iterable[Coverage] = ()) -> Facts:
        """These facts and further ones; the original is left alone."""
        added = tuple(facts)
        whole = Facts((*self.all(), *added), (*self.all_coverage(), *coverage))
        kinds = {type(fact) for fact in added}
        whole._indexes = {key: index for key, index in self._indexes.items() if key[0] not in kinds}
        return whole


def _indexed(facts: Sequence[Fact], fields: tuple[str, ...]) -> dict[tuple[Any, ...], Sequence[Any]]:
    if not fields:
        return {(): facts} if facts else {}
    values = map(attrgetter(*fields), facts)
    keys: list[tuple[Any, ...]] = list(values if len(fields) > 1 else zip(values, strict=True))
    # Where the fields tell facts apart, a tuple of one is made far faster than a list for each, and holds less.
    if len(set(keys[:ALIKE])) == len(keys[:ALIKE]):
        single: dict[tuple[Any, ...], Sequence[Any]] = dict(zip(keys, zip(facts, strict=True), strict=True))
        if len(single) == len(facts):
            return single
    table: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for key, fact in zip(keys, facts, strict=True):
        table[key].append(fact)
    return dict(table)


def merge(ranked: Iterable[tuple[int, Fact]]) -> list[Fact]:
    """One fact for each thing that was stated, however many artifacts stated it.

    Takes (rank, fact) pairs; a higher rank is a richer artifact and wins where two disagree; the others fill in what
    it left unknown. Facts whose type names a `whole` come from one artifact for each such group: rule sets that were
    read at different times must not be mixed. Of facts whose type names a `richest`, those of poorer artifacts than the
    group's best are dropped. Order of input decides nothing.
    """
    ordered = sorted(ranked, key=lambda pair: (-pair[0], pair[1].origin.path, pair[1].origin.line))
    holder: dict[tuple[Any, ...], str] = {}
    best: dict[tuple[Any, ...], int] = {}
    seen: dict[tuple[Any, ...], int] = {}
    result: list[Fact] = []
    keys: dict[type[Fact], _Keys] = {}
    for rank, fact in ordered:
        kind = type(fact)
        mine = keys.get(kind)
        if mine is None:
            mine = keys[kind] = _Keys(kind)
        if mine.richest is not None and best.setdefault((kind, mine.richest(fact)), rank) != rank:
            continue
        if mine.whole is not None:
            path = fact.origin.path
            if holder.setdefault((kind, mine.whole(fact)), path) != path:
                continue
        key = (kind, mine.identity(fact))
        place = seen.setdefault(key, len(result))
        if place < len(result):
            result[place] = _filled(result[place], fact)
        else:
            result.append(fact)
    return result


class _Keys:
    """How facts of one type are told apart, and which belong together."""

    def __init__(self, kind: type[Fact]) -> None:
        self._values = attrgetter(*(kind.identity or _all_fields(kind)))
        self.whole = attrgetter(*kind.whole) if kind.whole else None
        self.richest = attrgetter(*kind.richest) if kind.richest else None

    def identity(self, fact: Fact) -> Any:
        """The values that say which thing a fact states, as a key."""
        values = self._values(fact)
        try:
            hash(values)
        except TypeError:
            return _frozen(values)
        return values


def _all_fields(kind: type[Fact]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name != "origin")


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted((key, _frozen(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, msgspec.Struct) and not value.__struct_config__.frozen:
        return repr(value)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _filled(winner: Fact, other: Fact) -> Fact:
    """`winner` with what it left unknown taken from `other`."""
    missing = {
        name: getattr(other, name)
        for name in winner.__struct_fields__
        if name != "origin" and getattr(winner, name) is None and getattr(other, name) is not None
    }
    if not missing:
        return winner
    also = winner.origin.also + tuple((name, msgspec.structs.replace(other.origin, also=())) for name in missing)
    return msgspec.structs.replace(winner, **missing, origin=msgspec.structs.replace(winner.origin, also=also))
