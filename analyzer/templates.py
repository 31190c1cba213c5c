"""Templates: where the words of a record of one shape go, worked out once from its parse tree."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from lark import Token, Tree

from analyzer.errors import DefinitionError
from analyzer.facts import fact_types
from analyzer.typed import LIMIT, Field, Memo, fields, unquote

if TYPE_CHECKING:
    from analyzer.shapes import Shapes

Words = Sequence[str]


class Slot(msgspec.Struct, frozen=True):
    """One field and the numbers of the words it is made of; `values` converts one word, or the joined words."""

    name: str
    words: tuple[int, ...]
    values: Memo
    many: bool


class Nested(msgspec.Struct, frozen=True):
    """A field that holds structs: they are made of words `first` to `last` (exclusive), and kept by those words."""

    name: str
    first: int
    last: int
    many: bool
    parts: tuple[Plan, ...]
    made: dict[tuple[str, ...], Any]

    def value(self, words: Words) -> Any:
        """The structs that these words of the record state; one object for every record that repeats them."""
        key = tuple(words[self.first : self.last])
        found = self.made.get(key)
        if found is None:
            items = tuple([plan.kind(**plan.values(words)) for plan in self.parts])
            found = items if self.many else items[-1]
            if len(self.made) >= LIMIT:
                self.made.clear()
            self.made[key] = found
        return found


class Plan(msgspec.Struct, frozen=True):
    """How one fact or struct is made of a record's words.

    `parent` is the number of the plan of the fact around it, -1 for none; `word` is the number of its first word.
    """

    kind: type[Any]
    constants: dict[str, Any]
    single: tuple[tuple[str, int, Memo], ...]
    slots: tuple[Slot, ...]
    nested: tuple[Nested, ...]
    parent: int = -1
    word: int = 0
    last: int = 0

    def values(self, words: Words) -> dict[str, Any]:
        """The fields that a record with these words states; ValueError if a word cannot be what it must be."""
        result = self.constants.copy()
        for name, number, memo in self.single:
            result[name] = memo[words[number]]
        for slot in self.slots:
            if slot.many:
                result[slot.name] = tuple([slot.values[words[number]] for number in slot.words])
            else:
                result[slot.name] = slot.values[" ".join([words[number] for number in slot.words])]
        for nested in self.nested:
            result[nested.name] = nested.value(words)
        return result


class Template(msgspec.Struct, frozen=True):
    """The facts that records of one shape state, an enclosing fact before those inside it."""

    plans: tuple[Plan, ...]


class _Draft:
    """A plan in the making."""

    def __init__(self, kind: type[Any], parent: int, word: int, last: int) -> None:
        self.kind, self.parent, self.word, self.last = kind, parent, word, last
        self.constants: dict[str, Any] = {}
        self.slots: dict[str, Slot] = {}
        self.nested: dict[str, tuple[int, int, list[Plan]]] = {}

    def done(self) -> Plan:
        known = fields(self.kind)
        single = tuple((slot.name, slot.words[0], slot.values) for slot in self.slots.values() if _is_single(slot))
        slots = tuple(slot for slot in self.slots.values() if not _is_single(slot))
        nested = tuple(
            Nested(name, first, last, known[name].many, tuple(parts), {})
            for name, (first, last, parts) in self.nested.items()
        )
        return Plan(self.kind, self.constants, single, slots, nested, self.parent, self.word, self.last)


def _is_single(slot: Slot) -> bool:
    return not slot.many and len(slot.words) == 1


def build(tree: Tree[Token], shapes: Shapes) -> Template:
    """The template that a parse tree stands for; DefinitionError if it names what is no fact and no field."""
    return Template(_Builder(shapes).facts(tree))


class _Builder:
    """One walk over a parse tree."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.drafts: list[_Draft] = []

    def facts(self, tree: Tree[Token]) -> tuple[Plan, ...]:
        for child in tree.children:
            self.visit(child, ())
        return tuple(draft.done() for draft in self.drafts)

    def visit(self, node: Tree[Token] | Token, around: tuple[_Draft, ...]) -> None:
        if isinstance(node, Token):
            self.token(node, around)
            return
        name = str(node.data)
        for owner in reversed(around):
            field = fields(owner.kind).get(name)
            if field is not None:
                self.field(owner, name, field, node, around)
                return
        kind = fact_types().get(camel(name))
        if kind is None:
            choices = [*(snake(fact) for fact in fact_types()), *(f for owner in around for f in fields(owner.kind))]
            close = difflib.get_close_matches(name, choices, 1)
            raise DefinitionError(self.shapes.name, 0, f"{name!r} is no fact and no field here", close[0] if close else "")
        first, last = _span(node)
        parents = [number for number, draft in enumerate(self.drafts) if draft in around]
        draft = _Draft(kind, parents[-1] if parents else -1, first, last)
        self.drafts.append(draft)
        for child in node.children:
            self.visit(child, (*around, draft))

    def field(self, owner: _Draft, name: str, field: Field, node: Tree[Token], around: tuple[_Draft, ...]) -> None:
        first, last = _span(node)
        if field.struct is not None:
            draft = _Draft(field.struct, -1, first, last)
            for child in node.children:
                self.visit(child, (*around, draft))
            before = owner.nested.get(name)
            parts = [*(before[2] if before and field.many else ()), draft.done()]
            owner.nested[name] = (before[0] if before and field.many else first, last, parts)
            return
        if not node.children and not field.many and field.convert("on") is True:
            owner.constants[name] = True
            return
        if not node.children and first == last:
            owner.constants[name] = field.convert("")
            return
        words: list[int] = [] if node.children else list(range(first, last))
        for token in _tokens(node):
            if not self.shapes.groups(str(token.type)):
                words.append(token.start_pos or 0)
        for child in node.children:
            self.visit(child, around)
        if words:
            self.slot(owner, name, field, tuple(words), None)

    def token(self, token: Token, around: tuple[_Draft, ...]) -> None:
        for group in self.shapes.groups(str(token.type)):
            for owner in reversed(around):
                field = fields(owner.kind).get(group)
                if field is not None:
                    pattern = self.shapes.patterns[str(token.type)]
                    self.slot(owner, group, field, (token.start_pos or 0,), _group(pattern, group))
                    break
            else:
                raise DefinitionError(self.shapes.name, 0, f"group {group!r} of {token.type} is no field here")

    def slot(
        self, owner: _Draft, name: str, field: Field, words: tuple[int, ...], pick: Callable[[str], str] | None
    ) -> None:
        convert, quoted = field.convert, self.shapes.quoted

        def make(word: str) -> Any:
            text = pick(word) if pick else word
            return convert(unquote(text) if quoted else text)

        before = owner.slots.get(name)
        if field.many and before:
            words = (*before.words, *words)
        owner.slots[name] = Slot(name, words, Memo(make), field.many)


def _group(pattern: re.Pattern[str], group: str) -> Callable[[str], str]:
    def pick(word: str) -> str:
        found = pattern.fullmatch(word)
        return (found[group] or "") if found else ""

    return pick


def _tokens(node: Tree[Token]) -> Iterator[Token]:
    for child in node.children:
        if isinstance(child, Token):
            yield child
        else:
            yield from _tokens(child)


def _span(node: Tree[Token]) -> tuple[int, int]:
    return getattr(node.meta, "start_pos", 0), getattr(node.meta, "end_pos", 0)


def camel(name: str) -> str:
    """`interface_address` as the name of its fact type: `InterfaceAddress`."""
    return "".join(part.title() for part in name.split("_"))


def snake(name: str) -> str:
    """`InterfaceAddress` as the name of its rule: `interface_address`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


