"""Facts that a rule's test states: only what matters is written, the rest is what a healthy cluster would say."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import msgspec

from analyzer.engine.document import Entry
from analyzer.engine.fields import declared, referring
from analyzer.engine.spot import Spot, nearest
from analyzer.facts import address, fact_types
from analyzer.facts.derived import Cluster
from analyzer.facts.fact import Coverage, Fact, Selector
from analyzer.facts.nodes import Node
from analyzer.facts.workloads import Pod

# What a healthy object says where a test says nothing.
HEALTHY: dict[str, dict[str, Any]] = {
    "Node": {"ready": True},
    "Pod": {
        "namespace": "default",
        "host_network": False,
        "phase": "Running",
        "status": "Running",
        "ready": True,
        "restarts": 0,
        "labels": {},
        "terminating": False,
    },
    "Container": {"ready": True, "restarts": 0, "state": "running"},
    "Service": {"namespace": "default", "type": "ClusterIP", "headless": False, "publish_not_ready": False},
    "Endpoint": {"terminating": False},
    "NetworkPolicy": {"namespace": "default", "pod_selector": Selector(), "ingress": False, "egress": False},
    "Interface": {"up": True, "lower_up": True, "promiscuous": False},
    "LogLine": {"message": ""},
}
_EMPTY = {str: "", int: 0, float: 0.0, bool: False}


def build_facts(given: Sequence[Entry], path: str) -> list[Fact]:
    """The facts of `given:`, each `Type: {field: value}`; DefinitionError with the line of what is wrong."""
    return [_fact(entry, path) for entry in given]


def _fact(entry: Entry, path: str) -> Fact:
    spot = Spot(path, entry.line)
    if not isinstance(entry.value, dict) or len(entry.value) != 1:
        spot.fail("a given fact is written as `Type: {field: value}`")
    ((name, body),) = entry.value.items()
    if name not in fact_types():
        spot.fail(f"there is no fact type {name!r}", nearest(name, fact_types()))
    kind = fact_types()[name]
    stated = {} if body.value is None else body.value
    if not isinstance(stated, dict):
        spot.fail(f"{name} is given as {{field: value}}")
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = dict(HEALTHY.get(name, {}))
    for field, value in stated.items():
        if field not in declared(kind):
            spot.fail(f"{name} has no field {field!r}", nearest(field, declared(kind)))
        try:
            values[field] = _value(hints[field], value.plain())
        except (TypeError, ValueError) as error:
            Spot(path, value.line).fail(f"{name}.{field}: {error}")
    for info in msgspec.structs.fields(kind):
        if info.required and info.name not in values:
            plain = _EMPTY.get(hints[info.name])
            if plain is None:
                spot.fail(f"{name} needs {info.name}")
            values[info.name] = plain
    return kind(**values)


def _value(hint: Any, value: Any) -> Any:
    """A value as a field of this type holds it; TypeError or ValueError says what is wrong."""
    members = set(typing.get_args(hint)) if typing.get_origin(hint) in (typing.Union, types.UnionType) else {hint}
    if value is None:
        if type(None) not in members:
            raise ValueError("cannot be null")
        return None
    members.discard(type(None))
    if IPv4Address in members or IPv4Network in members:
        made = (address.ip if IPv4Address in members else address.cidr)(str(value))
        if made is None:
            raise ValueError(f"{value!r} is not an {'address' if IPv4Address in members else 'address range'}")
        return made
    (member,) = members
    if member in (str, int, float, bool):
        return _plain(member, value)
    if member in referring():
        if ("/" in str(value)) == (referring()[member] == "Node"):
            raise ValueError(f'{value!r}: a {referring()[member]} is written as "namespace/name"')
        return member(value)
    if typing.get_origin(member) is tuple:
        if not isinstance(value, list):
            raise TypeError("needs a list")
        arguments = typing.get_args(member)
        several = len(arguments) == 2 and arguments[1] is Ellipsis
        return tuple(_value(arguments[0 if several else at], one) for at, one in enumerate(value))
    if typing.get_origin(member) is dict:
        return {str(key): str(one) for key, one in value.items()}
    if member is Selector and isinstance(value, dict) and not set(value) & {"labels", "expressions"}:
        value = {"labels": value}
    return _struct(member, value)


def _plain(member: Any, value: Any) -> Any:
    if member is str and not isinstance(value, bool | list | dict):
        return str(value)
    if member is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is not member:
        raise TypeError(
            f"{value!r} is not {'true or false' if member is bool else 'a number' if member is int else 'text'}"
        )
    return value


def _struct(member: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError("needs {field: value}")
    hints = typing.get_type_hints(member)
    for name in value:
        if name not in member.__struct_fields__:
            raise ValueError(f"has no field {name!r}")
    return member(**{name: _value(hints[name], one) for name, one in value.items()})


def build_coverage(missing: Sequence[str], facts: Sequence[Fact], spot: Spot) -> list[Coverage]:
    """Everything was collected, except what `missing` names: `Type`, `Type on node`, `Type in namespace` and so on."""
    left_out: dict[str, list[tuple[str, str]]] = {}
    for text in missing:
        name, _, where = text.partition(" ")
        if name not in fact_types():
            spot.fail(f"missing: there is no fact type {name!r}", nearest(name, fact_types()))
        word, _, place = where.partition(" ")
        dimension = {"": "", "on": "node", "in": "namespace", "of": "pod", "from": "component"}.get(word)
        if dimension is None or bool(dimension) != bool(place):
            spot.fail(
                f"missing: {text!r} is not like `Route`, `Route on worker-1`, `Pod in shop`, `LogLine of shop/web-1`"
            )
        left_out.setdefault(name, []).append((dimension, place))
    return [entry for name in fact_types() for entry in _entries(name, left_out.get(name, []), facts)]


def _entries(name: str, left_out: Sequence[tuple[str, str]], facts: Sequence[Fact]) -> list[Coverage]:
    if not left_out:
        return [Coverage(fact=name)]
    entries = []
    dimension = left_out[0][0]
    places = {place for one, place in left_out if one == dimension}
    if dimension == "node":
        entries = [Coverage(fact=name, node=node) for node in sorted(_nodes(facts) - places)]
        if name == "LogLine":
            pods = [fact for fact in facts if isinstance(fact, Pod) and fact.node not in places]
            entries += [Coverage(fact=name, pod=pod.key, node=pod.node) for pod in pods]
    elif dimension == "namespace":
        names = {str(getattr(fact, "namespace", None) or "") for fact in facts} - places - {""}
        entries = [Coverage(fact=name, namespace=one) for one in sorted(names)]
    elif dimension == "pod":
        pods = [fact for fact in facts if isinstance(fact, Pod) and fact.key not in places]
        entries = [Coverage(fact=name, pod=pod.key, node=pod.node) for pod in pods]
    elif dimension == "component":
        names = {str(getattr(fact, "component", None) or "") for fact in facts} - places - {""}
        entries = [Coverage(fact=name, component=one) for one in sorted(names)]
    return entries


def _nodes(facts: Sequence[Fact]) -> set[str]:
    found = {str(fact.name) for fact in facts if isinstance(fact, Node)}
    return found | {str(node) for fact in facts if (node := getattr(fact, "node", None))}


def with_cluster(facts: Sequence[Fact]) -> list[Fact]:
    """These facts and a Cluster, if none of them is one."""
    return [*facts] if any(isinstance(fact, Cluster) for fact in facts) else [*facts, Cluster()]
