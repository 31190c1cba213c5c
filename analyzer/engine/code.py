"""Typed conditions to Python functions.

A function gets `b`, the facts bound so far by position, `x`, the fact under test, and `c`, the Cluster. A test becomes
two expressions, "is true" and "is false", neither of which holds where a value is missing: that is Kleene logic without
a third value at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

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
    Part,
    Presence,
    Refer,
    Selects,
    Sum,
    Test,
    Truth,
    Value,
)
from analyzer.engine.pattern import LENGTH
from analyzer.facts.address import contains


@lru_cache(maxsize=4096)
def _compiled(source: str) -> CodeType:
    """The same few conditions stand in many rules, and compiling takes longer than most rules do."""
    return compile(source, "<rule>", "eval")


class Slot(msgspec.Struct, frozen=True):
    """How code reaches a fact: a Python expression, its fact type's name, and whether it is wrapped in a Hit."""

    code: str
    kind: str
    hit: bool = False


class Code:
    """Makes functions over bound facts; `slots` tells how each name of the rule is reached."""

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        self.slots = slots
        self.globals: dict[str, Any] = {"contains": contains}
        self.temporaries = 0

    def predicate(self, tests: Sequence[Test]) -> Callable[[Any, Any, Any], Any] | None:
        """A function (b, x, c) that is true if all tests are; None if there is nothing to test."""
        if not tests:
            return None
        made: Callable[[Any, Any, Any], Any] = self._function("b, x, c", " and ".join(map(self.true, tests)))
        return made

    def key(self, values: Sequence[Value]) -> Callable[[Any, Any], tuple[Any, ...] | None]:
        """A function (b, c) that gives these values as a tuple, or None if one is missing."""
        guards, codes = self._values(values)
        inner = "(" + "".join(f"{code}, " for code in codes) + ")"
        body = f"{inner} if {' and '.join(guards)} else None" if guards else inner
        made: Callable[[Any, Any], tuple[Any, ...] | None] = self._function("b, c", body)
        return made

    def _function(self, parameters: str, body: str) -> Any:
        return eval(_compiled(f"lambda {parameters}: {body}"), self.globals)

    def true(self, test: Test) -> str:
        """Code that is truthy exactly if the test is true."""
        match test:
            case Both(of):
                return "(" + " and ".join(self.true(one) for one in of) + ")"
            case Either(of):
                return "(" + " or ".join(self.true(one) for one in of) + ")"
            case Negation(of):
                return self.false(of)
            case Truth(value):
                return self._value(value)[1]
            case Presence(value, present):
                return f"({self._value(value)[1]} is {'not ' if present else ''}None)"
            case _:
                return self._guarded(test, "{}")

    def false(self, test: Test) -> str:
        """Code that is truthy exactly if the test is false."""
        match test:
            case Both(of):
                return "(" + " or ".join(self.false(one) for one in of) + ")"
            case Either(of):
                return "(" + " and ".join(self.false(one) for one in of) + ")"
            case Negation(of):
                return self.true(of)
            case Truth(value):
                return f"({self._value(value)[1]} is False)"
            case Presence(value, present):
                return f"({self._value(value)[1]} is {'' if present else 'not '}None)"
            case _:
                return self._guarded(test, "(not {})")

    def _guarded(self, test: Test, form: str) -> str:
        match test:
            case Compare(operator, left, right):
                guards, (one, other) = self._values((left, right))
                body = f"({one} {operator} {other})"
            case Near(left, right, length):
                guards, (one, other) = self._values((left, right))
                body = f"(abs({one} - {other}) <= {length})"
            case Selects(selector, labels):
                guards, (one, other) = self._values((selector, labels))
                body = f"{one}.selects({other})"
            case Matches(value, pattern):
                guards, (one,) = self._values((value,))
                body = f"({self._constant(re.compile(pattern).search)}({one}, 0, {LENGTH}) is not None)"
            case Contained(item, container):
                guards, (one, other) = self._values((item, container))
                body = self._contained(item, container, one, other)
            case _:
                raise TypeError(test)
        return "(" + " and ".join([*guards, form.format(body)]) + ")"

    def _contained(self, item: Value, container: Value, one: str, other: str) -> str:
        if container.type.sort == "cidr":
            return f"({one} in {other})" if item.type.sort == "ip" else f"contains({other}, {one})"
        of = container.type.of
        if of and of.sort == "cidr" and item.type.sort == "ip":
            return f"any({one} in n for n in {other})"
        if of and of.sort == "cidr":
            return f"any(contains(n, {one}) for n in {other})"
        return f"({one} in {other})"

    def _values(self, values: Sequence[Value]) -> tuple[list[str], list[str]]:
        """Guards that hold if no value is missing, and the code of each value behind them."""
        guards: list[str] = []
        codes: list[str] = []
        for value in values:
            if isinstance(value, Sum):
                inner, (left, right) = self._values((value.left, value.right))
                guards += inner
                codes.append(f"({left} {value.operator} {right})")
                continue
            if isinstance(value, Part):
                inner, (code,) = self._values((value.of,))
                guards += inner
                codes.append(f"{code}.partition('/')[{0 if value.first else 2}]")
                continue
            optional, code = self._value(value)
            if optional:
                self.temporaries += 1
                name = f"t{self.temporaries}"
                guards.append(f"(({name} := {code}) is not None)")
                code = name
            codes.append(code)
        return guards, codes

    def _value(self, value: Value) -> tuple[bool, str]:
        """Whether a value may be missing, and its code."""
        if isinstance(value, Constant):
            return False, self._constant(value.value)
        assert isinstance(value, Refer)
        slot = self.slots[value.name]
        if value.captured:
            return value.type.optional, f"{slot.code}.captured.get({value.field!r})"
        fact = f"{slot.code}.fact" if slot.hit else slot.code
        if not value.field:
            return False, f"{fact}.name" if slot.kind == "Node" else f"f'{{{fact}.namespace}}/{{{fact}.name}}'"
        if value.item is not None:
            return True, f"({fact}.{value.field} or {{}}).get({value.item!r})"
        return value.type.optional, f"{fact}.{value.field}"

    def _constant(self, value: object) -> str:
        if isinstance(value, bool | int | float) or (isinstance(value, str) and value.isidentifier()):
            return repr(value)
        if isinstance(value, tuple) and all(isinstance(item, str | int) for item in value):
            value = frozenset(value)
        name = f"k{len(self.globals)}"
        self.globals[name] = value
        return name
