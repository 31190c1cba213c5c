"""All ways in which the clauses of one rule hold together, depth first, and where too little was collected to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from analyzer.engine.collected import Looked, collected
from analyzer.engine.expression import Refer, references
from analyzer.engine.hit import Hit
from analyzer.engine.outcome import Lack
from analyzer.engine.plan import Step, step
from analyzer.engine.rule import Rule
from analyzer.facts.derived import Cluster
from analyzer.facts.store import Facts
from analyzer.logs.template import captures

NOTHING: tuple[str, ...] = ()


class Absent(msgspec.Struct, frozen=True):
    """A `none` clause that found nothing: its position, and the artifacts that were searched."""

    position: int
    searched: tuple[str, ...]


class Row(msgspec.Struct, frozen=True):
    """One way in which all clauses hold: for each clause a fact, or a list of facts; and what was absent."""

    bound: tuple[Any, ...]
    absent: tuple[Absent, ...]


class Doubt(msgspec.Struct, frozen=True):
    """A binding that may or may not hold, since something was not collected."""

    bound: tuple[Any, ...]
    lacks: tuple[Lack, ...]


class Search:
    """The search for one rule; `rows` and `doubts` are what it found, `evaluated` how many bindings it looked at."""

    def __init__(self, rule: Rule, facts: Facts) -> None:
        self.rule, self.facts = rule, facts
        self.coverage = collected(facts)
        self.cluster = cluster_of(facts)
        self.rows: list[Row] = []
        self.doubts: list[Doubt] = []
        self.evaluated = 0
        each = [position for position, clause in enumerate(rule.match) if clause.quantifier == "each"]
        self._deepest = each[-1] if each else -1
        self._bound: list[Any] = [None] * len(rule.match)
        self._absent: list[Absent] = []
        self._steps = [step(rule, position) for position in range(len(rule.match))]
        self._standing: dict[Step, Any] = {}
        self._indexes: dict[int, Mapping[tuple[Any, ...], Sequence[Any]]] = {}
        self._looked: dict[tuple[Any, ...], Looked] = {}

    def run(self) -> None:
        """Look at every binding."""
        self._next(0)
        if self._deepest < 0:
            self.evaluated = 1

    def _next(self, position: int) -> None:
        if position == len(self._steps):
            self.rows.append(Row(tuple(self._bound), tuple(self._absent)))
            return
        this = self._steps[position]
        match this.clause.quantifier:
            case "none":
                self._none(this)
            case "maybe":
                self._bound[position] = self.candidates(this)
                self._next(position + 1)
            case _:
                self._some(this)

    def _none(self, this: Step) -> None:
        if this.known is not None and this.known(self._bound, self.cluster) is None:
            # What it compares with is missing, so it is neither true nor false that there is none.
            self._doubt(this)
        elif not self.candidates(this) and not self._doubt(this):
            self._absent.append(Absent(this.position, self.look(this).searched))
            self._next(this.position + 1)
            self._absent.pop()

    def _some(self, this: Step) -> None:
        clause, position = this.clause, this.position
        found = self.candidates(this)
        if clause.at_least > 1:
            found = crowd(found, clause.at_least, clause.within)
        if position == self._deepest:
            self.evaluated += len(found)
        if found and this.expanded:
            for fact in found:
                self._bound[position] = fact
                self._next(position + 1)
        elif found:
            self._bound[position] = found
            self._next(position + 1)
        self._bound[position] = None
        # What was not collected may hold further facts to report; for `some` one is enough.
        if not found or clause.quantifier == "each":
            self._doubt(this)

    def _doubt(self, this: Step) -> bool:
        """Whether too little was collected to say that a clause has no more facts; if so it is noted."""
        looked = self.look(this)
        if looked.lacks:
            self.doubts.append(Doubt(tuple(self._bound), looked.lacks))
        return bool(looked.lacks)

    def candidates(self, this: Step) -> Sequence[Any]:
        """The facts for which the conditions of a clause hold, given what is bound."""
        if this.standing:
            found = self._standing.get(this)
            if found is None:
                found = self._standing[this] = self._stand(this)
            if this.inner_key is not None:
                key = this.inner_key(self._bound, self.cluster)
                found = found.get(key, NOTHING) if key is not None else NOTHING
        else:
            key = this.key(self._bound, self.cluster)
            index = self._indexes.get(this.position)
            if index is None:
                index = self._indexes[this.position] = self.facts.index(this.kind, this.fields)
            found = index.get(key, NOTHING) if key is not None else NOTHING
        test = this.test
        if test is None or not found:
            return found
        bound, cluster = self._bound, self.cluster
        return [fact for fact in found if test(bound, fact, cluster)]

    def _stand(self, this: Step) -> Any:
        """What a clause finds whatever was bound: filtered once, and indexed by what is joined."""
        found: Sequence[Any] = self.facts.of(this.kind)
        if this.fields:
            key = this.key(self._bound, self.cluster)
            found = self.facts.index(this.kind, this.fields).get(key, NOTHING) if key is not None else NOTHING
        if this.clause.text:
            found = [hit for fact in found if (hit := hit_of(this.clause.text, fact))]
        if this.local is not None:
            local, bound, cluster = this.local, self._bound, self.cluster
            found = [fact for fact in found if local(bound, fact, cluster)]
        if this.inner is None:
            return found
        table: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for fact in found:
            inner = this.inner(fact, self.cluster)
            if inner is not None:
                table[inner].append(fact)
        return dict(table)

    def look(self, this: Step) -> Looked:
        """What it means that a clause found nothing, given what is bound."""
        bound, cluster = self._bound, self.cluster
        asked = (this.position, *[key(bound, cluster) for key in this.scope])
        known = self._looked.get(asked)
        if known is None:
            known = self._looked[asked] = self._look(this, asked[1:])
        return known

    def _look(self, this: Step, scopes: Sequence[Any]) -> Looked:
        scope: dict[str, tuple[str, ...]] = {}
        for pin, values in zip(this.pins, scopes, strict=True):
            if values is None:
                return self._unsaid(this, [refer for value in pin.values for refer in references(value)])
            scope[pin.dimension] = tuple(
                str(value).partition("/")[0] if pin.namespaced else str(value) for value in values
            )
        return self.coverage.look(this.kind, scope)

    def _unsaid(self, this: Step, refers: Sequence[Refer]) -> Looked:
        """A bound fact does not say where to look: not collected if no fact of its type says it, else truly nothing."""
        for refer in refers:
            kind = next((clause.kind for clause in self.rule.match if clause.name == refer.name), Cluster)
            if (
                refer.field
                and not refer.captured
                and all(getattr(one, refer.field) is None for one in self.facts.of(kind))
            ):
                note = f"no artifact tells the {refer.field} of a {kind.__name__}"
                return Looked((), (Lack(fact=this.kind.__name__, command=kind.command, note=note),))
        return Looked()


def hit_of(texts: Sequence[str], fact: Any) -> Hit | None:
    """A fact with what the first fitting pattern captures from its message."""
    message = fact.message
    if message:
        for text in texts:
            found = captures(text, message)
            if found is not None:
                return Hit(fact, found)
    return None


def fact_of(item: Any) -> Any:
    """The fact itself, out of its Hit if it is in one."""
    return item.fact if isinstance(item, Hit) else item


def crowd(found: Sequence[Any], at_least: int, within: float | None) -> Sequence[Any]:
    """The facts if there are enough, or the fullest span of `within` seconds, the earliest of equals; else nothing."""
    if within is None:
        return found if len(found) >= at_least else ()
    dated = sorted((item for item in found if fact_of(item).time is not None), key=lambda item: fact_of(item).time)
    best: Sequence[Any] = ()
    first = 0
    for last, item in enumerate(dated):
        while fact_of(item).time - fact_of(dated[first]).time > within:
            first += 1
        if last + 1 - first > len(best):
            best = dated[first : last + 1]
    return best if len(best) >= at_least else ()


def cluster_of(facts: Facts) -> Cluster:
    """The Cluster fact, or one that knows nothing."""
    return next(iter(facts.of(Cluster)), None) or Cluster()
