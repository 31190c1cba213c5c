"""How a clause finds its facts: a hash index over what is compared with `==`, a test for the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from analyzer.engine.code import Code, Slot
from analyzer.engine.expression import (
    Compare,
    Contained,
    Near,
    Negation,
    Part,
    Refer,
    Selects,
    Test,
    Value,
    conjuncts,
    mentioned,
    references,
)
from analyzer.engine.fields import TEXT, fields
from analyzer.engine.pins import Pin, pins
from analyzer.engine.rule import Clause, Rule
from analyzer.facts.fact import Fact

Key = Callable[[Any, Any], tuple[Any, ...] | None]
Predicate = Callable[[Any, Any, Any], Any]


class Step(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One clause made ready to run.

    `fields` are indexed and looked up by `key`; `local` is tested of a fact whatever was bound before, `test` the rest.
    A step that is `standing` looks up the same facts whatever was bound before: `local` filters them once, then `inner`
    (getters) and `inner_key` join them. `expanded`: later clauses speak of its fact, so its facts are tried one by one.
    `scope` gives the values of `pins`; `stated`: none of them can be missing. `known` is None where a bound fact does
    not say what this clause compares with. `keyed`: the index answers all of it, and `known` is None where `key` is.
    """

    clause: Clause
    kind: type[Fact]
    position: int
    expanded: bool
    fields: tuple[str, ...]
    key: Key
    test: Predicate | None
    standing: bool
    local: Predicate | None
    inner: Callable[[Any, Any], tuple[Any, ...] | None] | None
    inner_key: Key | None
    pins: tuple[Pin, ...]
    scope: tuple[Key, ...]
    stated: bool
    known: Key | None
    keyed: bool


def slots(rule: Rule, own: str = "") -> dict[str, Slot]:
    """How code reaches the facts of a rule; `own` is the fact under test."""
    found = {"cluster": Slot("c", "Cluster")}
    for position, clause in enumerate(rule.match):
        code = "x" if clause.name == own else f"b[{position}]"
        found[clause.name] = Slot(code, clause.fact, bool(clause.text))
    return found


@lru_cache(maxsize=8192)
def step(rule: Rule, position: int) -> Step:
    """The step of a clause."""
    clause = rule.match[position]
    tests = [test for condition in clause.where for test in conjuncts(condition.test)]
    code = Code(slots(rule, clause.name))
    joins: dict[str, Value] = {}
    rest: list[Test] = []
    for test in tests:
        found = _equality(test, clause)
        if found and not found.keys() & joins.keys():
            joins |= found
        else:
            rest.append(test)
    bound = {field for field, value in joins.items() if mentioned(value) - {"cluster"}}
    local = [test for test in rest if mentioned(test) <= {clause.name, "cluster"}]
    # Patterns are costly, and without a join everything would be tested for every row: filter once, then join that.
    standing = bool(clause.text) or not bound
    early = {field: value for field, value in joins.items() if not standing or field not in bound}
    late = {field: joins[field] for field in sorted(bound)} if standing else {}
    names = tuple(sorted(early))
    operands = [side for test in tests for side in _operands(test, clause.name)]
    fixed = pins(clause)
    return Step(
        clause=clause,
        kind=clause.kind,
        position=position,
        expanded=clause.quantifier == "each" or _used_later(rule, position),
        fields=names,
        key=code.key([early[name] for name in names]),
        test=code.predicate([test for test in rest if test not in local]),
        standing=standing,
        local=code.predicate(local),
        inner=Code({**slots(rule), clause.name: Slot("b", clause.fact, bool(clause.text))}).key(
            [Refer(clause.name, name, fields(clause.kind)[name]) for name in late]
        )
        if late
        else None,
        inner_key=code.key(list(late.values())) if late else None,
        pins=fixed,
        scope=tuple(code.key(pin.values) for pin in fixed),
        stated=not any(refer.type.optional for pin in fixed for value in pin.values for refer in references(value)),
        known=code.key(operands) if operands else None,
        keyed=not standing and not rest and all(_whole(side) in map(_whole, joins.values()) for side in operands),
    )


def _operands(test: Test, own: str) -> list[Value]:
    """What a condition compares its own fact with, where that may be missing."""
    while isinstance(test, Negation):
        test = test.of
    if not isinstance(test, Compare | Contained | Selects | Near):
        return []
    sides: list[Value] = [getattr(test, name) for name in test.__struct_fields__ if name not in ("operator", "seconds")]
    return [
        side for side in sides if own not in mentioned(side) and any(refer.type.optional for refer in references(side))
    ]


def _whole(value: Value) -> Value:
    """The reference that a part was taken of."""
    return value.of if isinstance(value, Part) else value


def _equality(test: Test, clause: Clause) -> dict[str, Value] | None:
    """Fields and the values they must have, of an equality that an index can answer."""
    if not isinstance(test, Compare) or test.operator != "==":
        return None
    for own, other in ((test.left, test.right), (test.right, test.left)):
        if not isinstance(own, Refer) or own.name != clause.name or clause.name in mentioned(other):
            continue
        if own.item is not None or own.captured:
            return None
        if own.field or clause.fact == "Node":
            return {own.field or "name": other}
        return {"namespace": Part(other, True, TEXT), "name": Part(other, False, TEXT)}
    return None


def _used_later(rule: Rule, position: int) -> bool:
    name = rule.match[position].name
    return any(name in mentioned(condition.test) for clause in rule.match[position + 1 :] for condition in clause.where)
