"""Plans: how the facts of records of one shape are made of their words, written as Python expressions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from analyzer.typed import Memo, fields

Words = Sequence[str]
Values = Callable[[Words], dict[str, Any]]


class Slot(msgspec.Struct, frozen=True):
    """One field and the numbers of the words of each of its items; `values` converts one word, or the joined words."""

    name: str
    items: tuple[tuple[int, ...], ...]
    values: Memo
    many: bool


class Nested(msgspec.Struct, frozen=True):
    """A field that holds structs, each made by its plan."""

    name: str
    many: bool
    parts: tuple[Plan, ...]


class Plan(msgspec.Struct, frozen=True):
    """How one fact or struct is made of a record's words.

    `parent` is the number of the plan of the fact around it, -1 for none; `word` and `last` are its words. `given` are
    the fields that records of this shape state.
    """

    kind: type[Any]
    constants: dict[str, Any]
    slots: tuple[Slot, ...]
    nested: tuple[Nested, ...]
    parent: int = -1
    word: int = 0
    last: int = 0

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the fields that records of this shape state."""
        return (*self.constants, *(slot.name for slot in self.slots), *(nested.name for nested in self.nested))


class Spelling:
    """How the words of a record are spelt in expressions: word n as `w[n]`.

    An expression is the name of a constant in `names`, or holds numbers and our own names; never text of a bundle.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names

    def named(self, value: Any) -> str:
        """The name of a constant."""
        name = f"x{len(self.names)}"
        self.names[name] = value
        return name

    def value(self, memo: Memo, numbers: tuple[int, ...]) -> str:
        """What `memo` makes of these words, joined by spaces."""
        if len(numbers) == 1:
            return f"{self.named(memo)}[w[{numbers[0]}]]"
        return f"{self.named(memo)}[' '.join((" + ",".join(f"w[{number}]" for number in numbers) + "))]"

    def checked(self, expression: str) -> str:
        """The expression, with what must be true of words that it does not use."""
        return expression

    def arguments(self, plan: Plan, but: Sequence[str] = ()) -> dict[str, str]:
        """The fields of a fact or struct, but for some."""
        made = {name: self.named(value) for name, value in plan.constants.items()}
        for slot in (slot for slot in plan.slots if slot.name not in but):
            items = [self.value(slot.values, item) for item in slot.items]
            made[slot.name] = self._tuple(items) if slot.many else items[-1]
        for nested in (nested for nested in plan.nested if nested.name not in but):
            items = [self._struct(part) for part in nested.parts]
            made[nested.name] = self._tuple(items) if nested.many else items[-1]
        return made

    def _struct(self, plan: Plan) -> str:
        given = self.arguments(plan)
        if all(value in self.names for value in given.values()):
            return self.named(plan.kind(**{name: self.names[value] for name, value in given.items()}))
        order = plan.kind.__struct_fields__
        if tuple(given) == order[: len(given)] and not _kw_only(plan.kind):
            return f"{self.named(plan.kind)}({', '.join(given.values())})"
        return f"{self.named(plan.kind)}({keywords(given)})"

    def _tuple(self, items: Sequence[str]) -> str:
        if all(item in self.names for item in items):
            return self.named(tuple(self.names[item] for item in items))
        return "(" + "".join(f"{item}," for item in items) + ")"


class Template:
    """The facts that records of one shape state, an enclosing fact before those inside it."""

    __slots__ = ("_makers", "_values", "plans")

    def __init__(self, plans: tuple[Plan, ...]) -> None:
        self.plans = plans
        self._values: list[Values] = []
        self._makers: dict[Any, Callable[..., Any] | None] = {}

    @property
    def values(self) -> list[Values]:
        """`values[n](words)` are the stated fields of plan n; ValueError if a word cannot be what it must be."""
        if not self._values:
            for plan in self.plans:
                spelling = self.spelling()
                given = keywords(spelling.arguments(plan))
                self._values.append(eval(f"lambda w: dict({given})", spelling.names))
        return self._values

    def spelling(self) -> Spelling:
        """How the words are spelt that these facts are made of."""
        return Spelling({})

    def maker(
        self, context: tuple[str, ...], numbered: Mapping[str, str], forced: tuple[str, ...]
    ) -> Callable[..., Any] | None:
        """For a shape that states one fact: a function of words, origin, context values and counters, to the fact.

        `context` names further fields, of which `forced` count more than what the record states; `numbered` maps
        fields to those they count by: `counters` gives the function that counts for each value of these. None if a
        needed field lacks.
        """
        key = (context, forced)
        if key not in self._makers:
            plan, spelling = self.plans[0], self.spelling()
            around = {name: f"c[{number}]" for number, name in enumerate(context)}
            given = around | spelling.arguments(plan, forced) | {name: around[name] for name in forced}
            order = {name: number for number, name in enumerate(plan.kind.__struct_fields__)}
            given = {name: given[name] for name in sorted(given, key=order.__getitem__)}
            # counted last, when nothing can fail any more
            counted = {name: f"n[{given[by]}]()" for name, by in numbered.items() if by in given}
            given = {name: value for name, value in given.items() if name not in counted} | counted
            lacking = [name for name, field in fields(plan.kind).items() if field.required and name not in given]
            call = f"{spelling.named(plan.kind)}(origin=origin, {keywords(given)})"
            made = spelling.checked(call)
            self._makers[key] = None if lacking else eval(f"lambda w, origin, c, n: {made}", spelling.names)
        return self._makers[key]


_KW_ONLY: dict[type[Any], bool] = {}


def _kw_only(kind: type[Any]) -> bool:
    if kind not in _KW_ONLY:
        parameters = inspect.signature(kind).parameters.values()
        _KW_ONLY[kind] = any(one.kind is one.KEYWORD_ONLY for one in parameters)
    return _KW_ONLY[kind]


def keywords(arguments: Mapping[str, str]) -> str:
    """Arguments of a call."""
    return ", ".join(f"{name}={expression}" for name, expression in arguments.items())
