"""The types of fact fields as a rule author sees them: text, number, true/false, IP, CIDR, labels, lists and so on."""

from __future__ import annotations

import types
import typing
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Literal

import msgspec

from analyzer.facts import fact_types
from analyzer.facts.fact import Fact, Selector

Sort = Literal["text", "number", "boolean", "ip", "cidr", "labels", "selector", "reference", "list", "structure"]

# Numbers of these names are points in time, which messages print as dates.
TIMES = frozenset({"time", "first", "last", "started", "last_finished", "not_after", "not_before"})


class FieldType(msgspec.Struct, frozen=True):
    """The type of a value: its sort, whether it may be missing, what it refers to, what a list holds."""

    sort: Sort
    optional: bool = False
    refers: str = ""
    of: FieldType | None = None
    time: bool = False

    def __str__(self) -> str:
        match self.sort:
            case "boolean":
                return "true/false"
            case "ip" | "cidr":
                return self.sort.upper()
            case "reference":
                return self.refers
            case "list":
                return f"list of {self.of}"
            case _:
                return self.sort


TEXT = FieldType("text")
NUMBER = FieldType("number")
BOOLEAN = FieldType("boolean")
_PLAIN: dict[frozenset[Any], Sort] = {
    frozenset({str}): "text",
    frozenset({int}): "number",
    frozenset({float}): "number",
    frozenset({bool}): "boolean",
    frozenset({IPv4Address, IPv6Address}): "ip",
    frozenset({IPv4Network, IPv6Network}): "cidr",
    frozenset({Selector}): "selector",
}


@cache
def fields(kind: type[Fact]) -> dict[str, FieldType]:
    """The fields of a fact type that rules may read, in the order of their declaration."""
    hints = typing.get_type_hints(kind)
    return {name: _field(name, hints[name]) for name in declared(kind)}


@cache
def declared(kind: type[Fact]) -> tuple[str, ...]:
    """Names of the fields of a fact type, without its origin."""
    return tuple(name for name in kind.__struct_fields__ if name != "origin")


@cache
def referring() -> dict[type[str], str]:
    """Reference types and the name of the fact type they refer to."""
    return {kind.reference: name for name, kind in fact_types().items() if kind.reference}


def own_reference(kind: type[Fact]) -> FieldType | None:
    """The type of a fact's own name when a condition mentions it bare; None if nothing refers to such facts."""
    return FieldType("reference", refers=kind.__name__) if kind.reference else None


def _field(name: str, hint: Any) -> FieldType:
    found = _type(hint)
    if found.sort == "number" and name in TIMES:
        return msgspec.structs.replace(found, time=True)
    return found


def _type(hint: Any) -> FieldType:
    members = set(typing.get_args(hint)) if _is_union(hint) else {hint}
    optional = type(None) in members
    members.discard(type(None))
    sort = _PLAIN.get(frozenset(members))
    if sort:
        return FieldType(sort, optional)
    (member,) = members if len(members) == 1 else (object,)
    if member in referring():
        return FieldType("reference", optional, refers=referring()[member])
    if typing.get_origin(member) is tuple:
        return FieldType("list", optional, of=_type(typing.get_args(member)[0]))
    if typing.get_origin(member) is dict:
        return FieldType("labels", optional)
    return FieldType("structure", optional)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)
