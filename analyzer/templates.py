"""Templates: where the words of a record of one shape go, worked out once from its parse tree."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lark import Token, Tree

from analyzer.errors import DefinitionError
from analyzer.facts import fact_types
from analyzer.plans import Nested, Plan, Slot, Template
from analyzer.typed import Field, Memo, fields, unquote

if TYPE_CHECKING:
    from analyzer.shapes import Shapes


class _Draft:
    """A plan in the making."""

    def __init__(self, kind: type[Any], parent: int, word: int, last: int) -> None:
        self.kind, self.parent, self.word, self.last = kind, parent, word, last
        self.constants: dict[str, Any] = {}
        self.slots: dict[str, Slot] = {}
        self.nested: dict[str, list[Plan]] = {}

    def done(self) -> Plan:
        known = fields(self.kind)
        nested = tuple(Nested(name, known[name].many, tuple(parts)) for name, parts in self.nested.items())
        return Plan(self.kind, self.constants, tuple(self.slots.values()), nested, self.parent, self.word, self.last)


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
            hint = close[0] if close else ""
            raise DefinitionError(self.shapes.name, 0, f"{name!r} is no fact and no field here", hint)
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
            owner.nested.setdefault(name, []).append(draft.done())
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
                    whole = _is_whole(self.shapes.patterns[str(token.type)].pattern, group)
                    pick = None if whole else (str(token.type), group)
                    self.slot(owner, group, field, (token.start_pos or 0,), pick)
                    break
            else:
                raise DefinitionError(self.shapes.name, 0, f"group {group!r} of {token.type} is no field here")

    def slot(
        self, owner: _Draft, name: str, field: Field, words: tuple[int, ...], pick: tuple[str, str] | None
    ) -> None:
        before = owner.slots.get(name)
        items = (*before.items, words) if field.many and before else (words,)
        owner.slots[name] = Slot(name, items, self.memo(name, field.convert, pick), field.many)

    def memo(self, name: str, convert: Callable[[str], Any], pick: tuple[str, str] | None) -> Memo:
        """Values by word, for every slot that makes the same of a word."""
        meaning = self.shapes.meaning(name)
        key = (convert, pick, name if meaning else "")
        known = self.shapes.memos.get(key)
        if known is not None:
            return known
        part = _group(self.shapes.patterns[pick[0]], pick[1]) if pick else None
        quoted = self.shapes.quoted

        def make(word: str) -> Any:
            text = part(word) if part else word
            text = unquote(text) if quoted else text
            return convert(meaning(text) if meaning else text)

        plain = convert is str and not part and not meaning
        self.shapes.memos[key] = Memo((unquote if quoted else str) if plain else make)
        return self.shapes.memos[key]


def _group(pattern: re.Pattern[str], group: str) -> Callable[[str], str]:
    def pick(word: str) -> str:
        found = pattern.fullmatch(word)
        return (found[group] or "") if found else ""

    return pick


def _is_whole(pattern: str, group: str) -> bool:
    """Whether a pattern is nothing but this group, so that the word itself is the group's text."""
    inner = re.sub(r"^\(\?[a-z]+:(.*)\)$", r"\1", pattern)
    while inner.startswith("(?P<") and inner.endswith(")"):
        depth, index = 0, 0
        plain = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]", lambda found: "_" * len(found[0]), inner)
        for index, letter in enumerate(plain):  # noqa: B007
            depth += (letter == "(") - (letter == ")")
            if depth == 0:
                break
        if index != len(inner) - 1:
            return False
        name, inner = inner[4:].split(">", 1)
        inner = inner[:-1]
        if name == group:
            return True
    return False


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
