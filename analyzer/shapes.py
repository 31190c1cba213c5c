"""Token shapes: a record's words by class, and the Lark parse that each distinct shape needs once.

The class of a word is the set of terminals that match all of it. Which of them it stands for depends on the parser's
state alone, so records whose words have the same classes have the same tree, and a tree can serve as a template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import lark
import msgspec
from lark import Lark, Token, Tree
from lark.exceptions import GrammarError, UnexpectedToken
from lark.grammar import Rule
from lark.lexer import Lexer, TerminalDef
from lark.parsers.lalr_analysis import Shift

from analyzer.cache import kept
from analyzer.errors import DefinitionError
from analyzer.lines import Choice, Lines, without_groups
from analyzer.plans import Template
from analyzer.templates import build
from analyzer.typed import Memo

Meaning = Callable[[str], Callable[[str], str] | None]
LONGEST = 4000
# No tool prints such a word, and patterns may take the square of its length
LONGEST_WORD = 8192
SHAPES = 4096


class Misfit(msgspec.Struct, frozen=True):
    """A record that the grammar does not allow: the number of the first word that does not fit, and what would have."""

    word: int
    expected: str


class Shapes:
    """The templates of one grammar, by shape.

    `template` takes the words of a record and gives its Template or Misfit; `parse` asks Lark each time.
    """

    def __init__(self, name: str, body: str, quoted: bool, meaning: Meaning) -> None:
        self.name, self.quoted, self.meaning = name, quoted, meaning
        self._literal: dict[str, tuple[str, ...]] = {}
        self._general: tuple[tuple[str, ...], ...] = ()
        self._spelt: dict[str, str] = {}
        self._candidates: list[tuple[str, ...]] = []
        self._ids: dict[tuple[str, ...], int] = {}
        self.classes = Memo(self._class)
        self._known: dict[tuple[int, ...], Template | Misfit] = {}
        try:
            self._lark = _parser(name, body, _lexer(self))
        except GrammarError as error:
            raise DefinitionError(name, 0, str(error).split("\n", 1)[0]) from error
        self._groups: dict[str, tuple[str, ...]] = {}
        patterns: dict[str, re.Pattern[str]] = {}
        literal: list[tuple[int, str]] = []
        general: list[tuple[int, str]] = []
        for terminal in self._lark.terminals:
            patterns[terminal.name] = pattern = re.compile(terminal.pattern.to_regexp())
            (literal if terminal.pattern.type == "str" else general).append((terminal.priority, terminal.name))
            if terminal.pattern.type == "str":
                self._spelt[terminal.name] = terminal.pattern.value
            if pattern.groupindex:
                self._groups[terminal.name] = tuple(pattern.groupindex)
        for _, name in sorted(literal, key=lambda entry: -entry[0]):
            self._literal[self._spelt[name]] = (*self._literal.get(self._spelt[name], ()), name)
        alike: dict[str, list[str]] = {}
        for _, name in sorted(general, key=lambda entry: -entry[0]):
            groupless = without_groups(patterns[name].pattern)
            alike.setdefault(groupless, []).append(name)
        self._order = {name: number for number, (_, name) in enumerate(sorted(general, key=lambda e: -e[0]))}
        # One look at a word tells every pattern that matches all of it: each is an optional look-ahead with a group.
        self._all = re.compile("".join(rf"(?:(?=({pattern})\Z)|)" for pattern in alike))
        self._general = tuple(tuple(names) for names in alike.values())
        self._plain: dict[tuple[bool, ...], int] = {}
        self.patterns = patterns
        self.memos: dict[Any, Memo] = {}
        self._choices: list[Choice] | None = None
        self._lines: dict[str, Lines] = {}

    def template(self, words: Sequence[str]) -> Template | Misfit:
        """The template of a record with these words; Lark is asked if their shape is new."""
        shape = tuple(map(self.classes.__getitem__, words))
        known = self._known.get(shape)
        if known is None:
            known = self.parse(words)
            if len(self._known) >= SHAPES:
                self._known.clear()
            self._known[shape] = known
        return known

    def parse(self, words: Sequence[str]) -> Template | Misfit:
        """What Lark makes of a record with these words."""
        if len(words) > LONGEST:
            return Misfit(LONGEST, f"a record of at most {LONGEST} words")
        try:
            tree: Tree[Token] = self._lark.parse(words)
        except _Unexpected as error:
            return Misfit(error.word, self._wanted(error.terminals))
        except UnexpectedToken as error:
            return Misfit(len(words), self._wanted(sorted(error.accepts or error.expected)))
        return build(tree, self)

    def lines(self, words: str) -> Lines:
        """The patterns of common lines that this regex cuts into words."""
        if words not in self._lines:
            self._lines[words] = Lines(words, self)
        return self._lines[words]

    def choices(self, words: Sequence[str]) -> list[Choice]:
        """What Lark takes each word of a record for that has a template."""
        found: list[Choice] = []
        self._choices = found
        try:
            self._lark.parse(words)
        finally:
            self._choices = None
        return found

    def took(self, name: str, accepted: Sequence[str]) -> None:
        """Note, if asked to, that a word was taken for a terminal where these would have been accepted."""
        if self._choices is None:
            return
        before = self._order.get(name, -1)
        rather = tuple(one for one in accepted if one in self._order and self._order[one] < before)
        texts = tuple(sorted(self._spelt[one] for one in accepted if one in self._spelt))
        self._choices.append(Choice(name, rather, texts))

    @property
    def asked(self) -> bool:
        """Whether the choices are to be noted."""
        return self._choices is not None

    @property
    def known(self) -> int:
        """How many shapes have been met."""
        return len(self._known)

    def groups(self, terminal: str) -> tuple[str, ...]:
        """The named groups of a terminal, which are fields."""
        return self._groups.get(terminal, ())

    def candidates(self, word: str) -> tuple[str, ...]:
        """The terminals a word can stand for, keywords first."""
        number: int = self.classes[word]
        return self._candidates[number]

    def _class(self, word: str) -> int:
        if len(word) > LONGEST_WORD:
            return self._numbered(())
        found = self._all.match(word)
        key = tuple(map(bool, found.groups())) if found else ()
        literal = self._literal.get(word)
        if literal is None:
            known = self._plain.get(key)
            if known is not None:
                return known
        matching = [name for matched, names in zip(key, self._general, strict=True) if matched for name in names]
        names = (*(literal or ()), *sorted(matching, key=self._order.__getitem__))
        number = self._numbered(names)
        if literal is None:
            self._plain[key] = number
        return number

    def _numbered(self, names: tuple[str, ...]) -> int:
        """The number of the class of words that can stand for these terminals."""
        if names not in self._ids:
            self._ids[names] = len(self._candidates)
            self._candidates.append(names)
        return self._ids[names]

    def _wanted(self, terminals: Sequence[str]) -> str:
        told = [name for name in terminals if name != "$END"]
        spelt = [repr(self._spelt[name]) if name in self._spelt else name.lower() for name in told]
        if "$END" in terminals:
            spelt.append("the end of the line")
        return " or ".join(sorted(spelt)[:8])


def _parser(name: str, body: str, lexer: type[Lexer]) -> Lark:
    """A Lark parser of words; its tables come from the user's cache if they were made of the same text before."""
    made: list[Lark] = []

    def make() -> Any:
        made.append(Lark(body, parser="lalr", lexer=lexer, propagate_positions=True, maybe_placeholders=False))
        data, memo = made[0].memo_serialize([TerminalDef, Rule])
        _set_lexer(data, None)  # a class of this process; whoever loads the tables puts its own there
        return {"data": data, "memo": memo}

    tables = kept(f"grammar-{name}", [lark.__version__, body], make)
    if made:
        return made[0]
    _set_lexer(tables["data"], lexer)
    parser: Lark = Lark.__new__(Lark)._load(tables)
    return parser


def _set_lexer(data: Any, lexer: type[Lexer] | None) -> None:
    data["options"]["lexer"] = data["parser"]["lexer_conf"]["lexer_type"] = lexer


class _Unexpected(Exception):
    """A word that no acceptable terminal matches."""

    def __init__(self, word: int, terminals: Sequence[str]) -> None:
        self.word, self.terminals = word, terminals
        super().__init__(word)


def _lexer(shapes: Shapes) -> type[Lexer]:
    """A Lark lexer over words: of the terminals that match a word, the first that the parser can accept."""

    class Words(Lexer):
        __future_interface__ = 2

        def __init__(self, configuration: Any) -> None:
            pass

        def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:
            states = parser_state.parse_conf.parse_table.states
            for number, word in enumerate(lexer_state.text):
                stack = parser_state.state_stack
                for name in shapes.candidates(word):
                    if _accepts(states, stack, name):
                        if shapes.asked:
                            possible = _terminals(states[stack[-1]])
                            shapes.took(name, [one for one in possible if _accepts(states, stack, one)])
                        yield Token(name, word, start_pos=number, line=1, column=number, end_pos=number + 1)
                        break
                else:
                    raise _Unexpected(number, _terminals(states[stack[-1]]))

    return Words


def _terminals(steps: Iterable[str]) -> list[str]:
    return [name for name in steps if name.isupper() or name == "$END"]


def _accepts(states: Any, stack: Sequence[Any], terminal: str) -> bool:
    """Whether an LALR parser with this stack of states takes the terminal, all reductions before it included."""
    stack = list(stack)
    while True:
        step = states[stack[-1]].get(terminal)
        if step is None:
            return False
        action, argument = step
        if action is Shift:
            return True
        size = len(argument.expansion)
        if size:
            del stack[-size:]
        stack.append(states[stack[-1]][argument.origin.name][1])
