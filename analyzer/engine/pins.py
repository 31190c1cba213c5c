"""Which part of the cluster a clause speaks of: the dimensions of coverage that its equalities fix."""

from __future__ import annotations

import msgspec

from analyzer.engine.expression import Compare, Constant, Contained, Refer, Test, Value, conjuncts, mentioned
from analyzer.engine.fields import fields
from analyzer.engine.rule import Clause
from analyzer.facts.fact import Fact

# Facts that come from many logs, of which any may hold the line that is looked for.
LOGS = frozenset({"LogLine", "LogWindow"})
# Facts of which one dump may hold only some tables.
TABLES = frozenset({"Rule", "Chain", "Counter"})


class Pin(msgspec.Struct, frozen=True):
    """A dimension and the values it is fixed to, one or several; `namespaced` takes the namespace of a reference."""

    dimension: str
    values: tuple[Value, ...]
    namespaced: bool = False


def dimension(kind: type[Fact], field: str) -> tuple[str, bool] | None:
    """The dimension of coverage that a field of a fact type fixes, and whether only its namespace part does."""
    if kind.__name__ in LOGS:
        return (field, False) if field in ("node", "pod", "component") else None
    if field == "table" and kind.__name__ in TABLES:
        return "table", False
    if field == "protocol" and kind.__name__ == "Listener":
        return "component", False  # ss and netstat list the sockets of one protocol at a time
    if field == "kind" and kind.__name__ == "Workload":
        return "component", False  # each kind of workload is a list of its own
    if kind.per == "node":
        return {"node": ("node", False), "netns": ("pod", False)}.get(field)
    if kind.per == "namespace":
        if field == "namespace":
            return "namespace", False
        if field == "":
            return "namespace", True
        found = fields(kind).get(field)
        if found and found.sort == "reference" and found.refers != "Node":
            return "namespace", True
    return None


def pins(clause: Clause) -> tuple[Pin, ...]:
    """Every pin of a clause, in the order of its conditions; the first of a dimension counts."""
    found: dict[str, Pin] = {}
    for condition in clause.where:
        for test in conjuncts(condition.test):
            pin = _pin(test, clause)
            if pin:
                found.setdefault(pin.dimension, pin)
    return tuple(found.values())


def _pin(test: Test, clause: Clause) -> Pin | None:
    if isinstance(test, Compare) and test.operator == "==":
        for own, other in ((test.left, test.right), (test.right, test.left)):
            if isinstance(own, Refer) and own.name == clause.name and clause.name not in mentioned(other):
                where = dimension(clause.kind, own.field) if own.item is None and not own.captured else None
                if where:
                    return Pin(where[0], (other,), where[1])
    if isinstance(test, Contained) and isinstance(test.item, Refer) and test.item.name == clause.name:
        where = dimension(clause.kind, test.item.field) if test.item.item is None and not test.item.captured else None
        listed = test.container
        if where and isinstance(listed, Constant) and listed.type.sort == "list" and listed.type.of:
            of = listed.type.of
            return Pin(where[0], tuple(Constant(value, of, str(value)) for value in listed.value), where[1])
    return None


def unpinned(clause: Clause) -> str:
    """The pin that a `none` clause lacks, as advice; "" if absence is well defined."""
    kind, name = clause.kind, clause.name
    fixed = {pin.dimension for pin in pins(clause)}
    if clause.fact in LOGS:
        if not fixed:
            return (
                f"logs are collected one by one: add `{name}.node == …`, `{name}.pod == …` or `{name}.component == …`"
            )
    elif kind.per == "node" and not fixed & {"node", "pod"}:
        return f"{clause.fact} is collected per node: add `{name}.node == …`"
    elif kind.per == "namespace" and "namespace" not in fixed:
        field = "namespace" if "namespace" in fields(kind) else _reference(kind)
        return f"{clause.fact} is collected per namespace: add `{name}.{field} == …`"
    if clause.fact in TABLES and "table" not in fixed:
        return f'a dump may lack some tables: add `{name}.table == "…"`'
    return ""


def _reference(kind: type[Fact]) -> str:
    for name in fields(kind):
        if dimension(kind, name):
            return name
    return "namespace"
