"""The parsed text of one condition to its typed tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from analyzer.engine.expression import (
    Both,
    Compare,
    Constant,
    Contained,
    Either,
    Matches,
    Near,
    Negation,
    Presence,
    Refer,
    Selects,
    Sum,
    Test,
    Truth,
    Value,
)
from analyzer.engine.fields import BOOLEAN, NUMBER, TEXT, FieldType, fields, own_reference
from analyzer.engine.pattern import pattern_fault
from analyzer.engine.spot import Bound, Spot, nearest, seconds
from analyzer.errors import DefinitionError
from analyzer.facts import address
from analyzer.facts.fact import Selector


class Reader:
    """Types one condition; DefinitionError says what is wrong with it."""

    def __init__(self, text: str, names: Mapping[str, Bound], spot: Spot) -> None:
        self.text, self.names, self.spot = text, names, spot

    def fail(self, message: str, hint: str = "") -> NoReturn:
        raise self.error(message, hint)

    def error(self, message: str, hint: str = "") -> DefinitionError:
        return self.spot.error(f"`{self.text}`: {message}", hint)

    def test(self, tree: Any) -> Test:
        parts = tree.children
        match tree.data:
            case "either":
                return self.test(parts[0]) if len(parts) == 1 else Either(tuple(self.test(part) for part in parts))
            case "both":
                return self.test(parts[0]) if len(parts) == 1 else Both(tuple(self.test(part) for part in parts))
            case "no":
                return Negation(self.test(parts[0]))
            case "compare":
                return self.compare(str(parts[1]), self.value(parts[0]), self.value(parts[2]))
            case "contained":
                return self.contained(self.value(parts[0]), self.value(parts[1]))
            case "selects":
                return self.selects(self.value(parts[0]), self.value(parts[1]))
            case "matches":
                return self.matches(self.value(parts[0]), _unquoted(parts[1]))
            case "within":
                return self.near(self.value(parts[0]), seconds(str(parts[1])) or 0.0, self.value(parts[2]))
            case "missing" | "present":
                return self.presence(self.value(parts[0]), tree.data == "present")
            case _:
                value = self.value(tree)
                if isinstance(value, Refer) and value.type.sort == "boolean" and value.field:
                    return Truth(value)
                raise self.error(f"this is {_a(value.type)}, not a condition; compare it with something")

    def value(self, tree: Any) -> Value:
        parts = tree.children
        match tree.data:
            case "fact":
                return self.fact(str(parts[0]))
            case "field":
                return self.field(str(parts[0]), str(parts[1]))
            case "item":
                labels = self.field(str(parts[0]), str(parts[1]))
                if labels.type.sort != "labels":
                    self.fail(f"{labels.name}.{labels.field} is {_a(labels.type)}, only labels have keys")
                return msgspec.structs.replace(labels, item=_unquoted(parts[2]), type=FieldType("text", True))
            case "text":
                return Constant(_unquoted(parts[0]), TEXT, str(parts[0]))
            case "number":
                text = str(parts[0])
                return Constant(float(text) if "." in text else int(text), NUMBER, text)
            case "duration":
                return Constant(seconds(str(parts[0])), NUMBER, str(parts[0]))
            case "true" | "false":
                return Constant(tree.data == "true", BOOLEAN, str(tree.data))
            case "list":
                return self.listed([self.value(part) for part in parts])
            case "plus" | "minus":
                left, right = self.value(parts[0]), self.value(parts[1])
                for side in (left, right):
                    if side.type.sort != "number":
                        self.fail(f"+ and - need numbers, this is {_a(side.type)}")
                return Sum("+" if tree.data == "plus" else "-", left, right, NUMBER)
            case _:
                raise self.error("a condition stands where a value is needed")

    def listed(self, items: list[Value]) -> Constant:
        constants = [item for item in items if isinstance(item, Constant)]
        if not constants:
            self.fail("an empty list contains nothing")
        if len({item.type.sort for item in constants}) > 1:
            self.fail("a list holds values of one type")
        text = "[" + ", ".join(item.text for item in constants) + "]"
        return Constant(tuple(item.value for item in constants), FieldType("list", of=constants[0].type), text)

    def bound(self, name: str) -> Bound:
        if name not in self.names:
            self.fail(f"no fact is named {name!r} here", nearest(name, self.names))
        if self.names[name].barred:
            self.fail(self.names[name].barred)
        return self.names[name]

    def fact(self, name: str) -> Refer:
        kind = self.bound(name).kind
        reference = own_reference(kind)
        if reference is None:
            self.fail(f"a {kind.__name__} has no name that others refer to; use one of its fields")
        return Refer(name, "", reference)

    def field(self, name: str, field: str) -> Refer:
        bound = self.bound(name)
        if field in bound.captures:
            return Refer(name, field, bound.captures[field], captured=True)
        known = fields(bound.kind)
        if field not in known:
            self.fail(f"{bound.kind.__name__} has no field {field!r}", nearest(field, {**known, **bound.captures}))
        return Refer(name, field, known[field])

    def compare(self, operator: str, left: Value, right: Value) -> Test:
        left, right = self.agreed(left, right)
        if isinstance(left, Constant) and isinstance(right, Constant):
            self.fail("this compares two literals")
        if left == right:
            self.fail("this compares a value with itself")
        if left.type.sort in ("list", "labels", "selector", "structure"):
            self.fail(f"{operator} does not compare {_a(left.type)}; use `in`, `selects` or `is present`")
        if operator not in ("==", "!=") and left.type.sort != "number":
            self.fail(f"{operator} compares numbers and times, this is {_a(left.type)}")
        return Compare(operator, left, right)

    def agreed(self, left: Value, right: Value) -> tuple[Value, Value]:
        """Both sides of a comparison, of one type: a text literal becomes the address or name it is held against."""
        if isinstance(left, Constant) and not isinstance(right, Constant):
            left = self.coerced(left, right.type)
        elif isinstance(right, Constant):
            right = self.coerced(right, left.type)
        if _bare(left.type) != _bare(right.type) and not (_names_node(left, right) or _names_node(right, left)):
            self.fail(f"{_a(left.type)} is compared with {_a(right.type)}")
        return left, right

    def coerced(self, constant: Constant, wanted: FieldType) -> Constant:
        if constant.type.sort != "text" or wanted.sort == "text":
            return constant
        made: object = None
        match wanted.sort:
            case "ip":
                made = address.ip(constant.value)
            case "cidr":
                made = address.cidr(constant.value)
            case "reference":
                namespaced = "/" in constant.value
                made = constant.value if namespaced == (wanted.refers != "Node") else None
                if made is None:
                    form = "a name" if wanted.refers == "Node" else '"namespace/name"'
                    self.fail(f"a {wanted.refers} is written as {form}")
            case _:
                self.fail(f"{_a(wanted)} is compared with text")
        if made is None:
            self.fail(f"{constant.text} is not {_a(wanted)}")
        return Constant(made, msgspec.structs.replace(wanted, optional=False), constant.text)

    def contained(self, item: Value, container: Value) -> Test:
        if isinstance(container, Constant) and isinstance(item, Constant):
            self.fail("this compares two literals")
        if isinstance(container, Constant) and container.type.sort == "list":
            container = self.coerced_list(container, item.type)
        elif isinstance(container, Constant) and item.type.sort in ("ip", "cidr"):
            container = self.coerced(container, FieldType("cidr"))
        elif isinstance(item, Constant):
            wanted = container.type.of if container.type.sort == "list" else container.type
            item = self.coerced(item, FieldType("text") if wanted is None or wanted.sort == "labels" else wanted)
        inner, outer = item.type.sort, container.type.sort
        of = container.type.of
        if (
            (inner == "text" and outer in ("text", "labels"))
            or (inner in ("ip", "cidr") and outer == "cidr")
            or (outer == "list" and of and inner in ("ip", "cidr") and of.sort == "cidr")
            or (outer == "list" and of and _bare(of) == _bare(item.type))
        ):
            return Contained(item, container)
        raise self.error(f"{_a(item.type)} is never in {_a(container.type)}")

    def coerced_list(self, constant: Constant, wanted: FieldType) -> Constant:
        of = constant.type.of or TEXT
        if wanted.sort == "ip" and any("/" in str(value) for value in constant.value):
            wanted = FieldType("cidr")
        items = [self.coerced(Constant(value, of, json.dumps(value)), wanted) for value in constant.value]
        return Constant(tuple(item.value for item in items), FieldType("list", of=items[0].type), constant.text)

    def selects(self, selector: Value, labels: Value) -> Test:
        if isinstance(selector, Constant) and selector.type.sort == "text":
            pairs = [part.split("=", 1) for part in selector.value.split(",")]
            if not all(len(pair) == 2 for pair in pairs):
                self.fail(f'{selector.text} is not a label selector such as "k8s-app=kube-dns"')
            selector = Constant(Selector(dict(pairs)), FieldType("selector"), selector.text)
        if selector.type.sort != "selector" or labels.type.sort != "labels":
            self.fail(f"`selects` holds a selector against labels, not {_a(selector.type)} against {_a(labels.type)}")
        return Selects(selector, labels)

    def matches(self, value: Value, pattern: str) -> Test:
        if value.type.sort not in ("text", "reference"):
            self.fail(f"`matches` searches text, this is {_a(value.type)}")
        fault = pattern_fault(pattern)
        if fault:
            self.fail(fault)
        return Matches(value, pattern)

    def near(self, left: Value, length: float, right: Value) -> Test:
        for side in (left, right):
            if side.type.sort != "number":
                self.fail(f"`within` compares two times, this is {_a(side.type)}")
        return Near(left, right, length)

    def presence(self, value: Value, present: bool) -> Test:
        if not isinstance(value, Refer):
            self.fail("only a field can be missing")
        if not value.type.optional:
            what = f"{value.name}.{value.field}" if value.field else value.name
            self.fail(f"{what} is never missing, so this test cannot " + ("fail" if present else "succeed"))
        return Presence(value, present)


def _names_node(text: Value, node: Value) -> bool:
    """What a log pattern caught may be the name of a node; a pod or service needs two names, which logs print apart."""
    return isinstance(text, Refer) and text.captured and text.type.sort == "text" and node.type.refers == "Node"


def _bare(kind: FieldType) -> tuple[str, str]:
    return kind.sort, kind.refers


def _a(kind: FieldType) -> str:
    match kind.sort:
        case "ip":
            return "an IP"
        case "labels" | "text":
            return kind.sort
        case "boolean":
            return "true/false"
        case "reference":
            return f"a reference to a {kind.refers}"
        case _:
            return f"a {kind}"


def _unquoted(token: Any) -> str:
    """The text of a quoted literal: only the quote is escaped, so that the backslashes of patterns stay single."""
    return str(token)[1:-1].replace('\\"', '"')
