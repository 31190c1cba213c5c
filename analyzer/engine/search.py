"""All ways in which the clauses of one rule hold together, depth first, and where too little was collected to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from analyzer.engine.collected import Looked, collected
from analyzer.engine.expression import Refer, references
from analyzer.engine.hit import crowd, hits, lowered
from analyzer.engine.outcome import Lack
from analyzer.engine.plan import Step, step
from analyzer.engine.rule import Rule
from analyzer.facts.derived import Cluster
from analyzer.facts.store import Facts

NOTHING: tuple[str, ...] = ()
Walk = Callable[[], None]


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
    """The search for one rule; `rows` and `doubts` are what it found, `evaluated` how many bindings it looked at.

    Each clause becomes a function that finds its facts, given what is bound, and calls that of the next clause. They
    are made when they are first reached: most rules end at a clause of which a cluster has no facts.
    """

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

    def run(self) -> None:
        """Look at every binding."""
        self._walk(0)()
        if self._deepest < 0:
            self.evaluated = 1

    def _walk(self, position: int) -> Walk:
        """What is to be done at a clause whenever those before it are bound."""
        if position == len(self.rule.match):
            return self._hold
        this = step(self.rule, position)
        match this.clause.quantifier:
            case "none":
                return self._none(this)
            case "maybe":
                return self._maybe(this)
            case _:
                return self._some(this)

    def _hold(self) -> None:
        self.rows.append(Row(tuple(self._bound), tuple(self._absent)))

    def _maybe(self, this: Step) -> Walk:
        bound, position, find = self._bound, this.position, self._finder(this)
        after = self._walk(position + 1)

        def walk() -> None:
            bound[position] = find()
            after()

        return walk

    def _none(self, this: Step) -> Walk:
        bound, cluster, absent = self._bound, self.cluster, self._absent
        look = self._looker(this)
        doubt = self._doubter(this, look)
        after: Walk | None = None

        def gone() -> None:
            nonlocal after
            if not doubt():
                absent.append(Absent(this.position, look().searched))
                after = after or self._walk(this.position + 1)
                after()
                absent.pop()

        if this.keyed:
            key, index = this.key, self.facts.index(this.kind, this.fields)

            def walk() -> None:
                sought = key(bound, cluster)
                if sought is None:
                    doubt()
                elif sought not in index:
                    gone()

            return walk

        known, find = this.known, self._finder(this)

        def sift() -> None:
            if known is not None and known(bound, cluster) is None:
                # What it compares with is missing, so it is neither true nor false that there is none.
                doubt()
            elif not find():
                gone()

        return sift

    def _some(self, this: Step) -> Walk:
        clause, position, bound = this.clause, this.position, self._bound
        find, doubt = self._finder(this), self._doubter(this, self._looker(this))
        counted, every = position == self._deepest, clause.quantifier == "each"
        after: Walk | None = None

        def walk() -> None:
            nonlocal after
            found = find()
            if clause.at_least > 1:
                found = crowd(found, clause.at_least, clause.within)
            if found:
                if counted:
                    self.evaluated += len(found)
                after = after or self._walk(position + 1)
                if this.expanded:
                    for fact in found:
                        bound[position] = fact
                        after()
                else:
                    bound[position] = found
                    after()
                bound[position] = None
                if not every:
                    return
            # What was not collected may hold further facts to report; for `some` one is enough.
            doubt()

        return walk

    def _doubter(self, this: Step, look: Callable[[], Looked]) -> Callable[[], bool]:
        """Whether too little was collected to say that a clause has no more facts; if so it is noted."""
        if this.stated and self.coverage.everywhere(this.kind):
            return lambda: False
        bound, doubts = self._bound, self.doubts

        def doubt() -> bool:
            lacks = look().lacks
            if lacks:
                doubts.append(Doubt(tuple(bound), lacks))
            return bool(lacks)

        return doubt

    def _looker(self, this: Step) -> Callable[[], Looked]:
        """What it means that a clause finds nothing, given what is bound; asked once for each scope."""
        bound, cluster, keys = self._bound, self.cluster, this.scope
        known = self.coverage.answered((this.kind, tuple((pin.dimension, pin.namespaced) for pin in this.pins)))
        unsaid: dict[tuple[Any, ...], Looked] = {}

        def look() -> Looked:
            asked = tuple([key(bound, cluster) for key in keys])
            found = known.get(asked) or unsaid.get(asked)
            if found is None:
                # What a missing value means depends on the rule.
                found = (unsaid if None in asked else known)[asked] = self._look(this, asked)
            return found

        return look

    def _finder(self, this: Step) -> Callable[[], Sequence[Any]]:
        """The facts for which the conditions of a clause hold, given what is bound."""
        find, test = self._joined(this), this.test
        if test is None:
            return find
        bound, cluster = self._bound, self.cluster

        def sift() -> Sequence[Any]:
            found = find()
            return [fact for fact in found if test(bound, fact, cluster)] if found else found

        return sift

    def _joined(self, this: Step) -> Callable[[], Sequence[Any]]:
        """The facts that fit by the clause's equalities and by what it says of them alone."""
        bound, cluster = self._bound, self.cluster
        if this.standing:
            found, inner_key = self._stand(this), this.inner_key
            if inner_key is None:
                return lambda: found

            def join() -> Sequence[Any]:
                key = inner_key(bound, cluster)
                return found.get(key, NOTHING) if key is not None else NOTHING

            return join

        key_of, index, local = this.key, self.facts.index(this.kind, this.fields), this.local

        def look_up() -> Sequence[Any]:
            key = key_of(bound, cluster)
            return index.get(key, NOTHING) if key is not None else NOTHING

        if local is None:
            return look_up
        sifted: dict[Any, Sequence[Any]] = {}

        def look_up_sifted() -> Sequence[Any]:
            key = key_of(bound, cluster)
            if key is None:
                return NOTHING
            known = sifted.get(key)
            if known is None:
                known = sifted[key] = [fact for fact in index.get(key, NOTHING) if local(bound, fact, cluster)]
            return known

        return look_up_sifted

    def _stand(self, this: Step) -> Any:
        """What a clause finds whatever was bound: filtered once, and indexed by what is joined."""
        found: Sequence[Any] = self.facts.of(this.kind)
        if this.fields:
            key = this.key(self._bound, self.cluster)
            found = self.facts.index(this.kind, this.fields).get(key, NOTHING) if key is not None else NOTHING
        if this.clause.text:
            found = hits(this.clause.text, found, lowered(self.facts, this.kind))
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


def cluster_of(facts: Facts) -> Cluster:
    """The Cluster fact, or one that knows nothing."""
    return next(iter(facts.of(Cluster)), None) or Cluster()
