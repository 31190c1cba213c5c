"""Grammars: the text artifacts that `grammars/*.lark` describe, read record by record into typed facts."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import msgspec

from analyzer.cache import kept_data, stamps
from analyzer.context import Context
from analyzer.data import grammar_dir
from analyzer.errors import DefinitionError
from analyzer.facts import fact_types
from analyzer.facts.fact import Fact, Parsed
from analyzer.facts.source import Place
from analyzer.frontmatter import Head, load
from analyzer.records import Reading
from analyzer.shapes import Shapes
from analyzer.templates import camel


class Grammar(msgspec.Struct, frozen=True, dict=True):
    """One text artifact: its front matter, and the grammar of one record.

    `file` is its path in `grammars/`; `body` the Lark grammar.
    """

    file: str
    head: Head
    body: str

    @property
    def name(self) -> str:
        """The kind of artifact: `iptables-save`."""
        return self.head.artifact

    @property
    def command(self) -> str:
        """What prints it."""
        return self.head.command

    @property
    def per(self) -> Literal["cluster", "namespace", "node"]:
        """The scope at which it is collected."""
        return self.head.per

    @property
    def files(self) -> tuple[str, ...]:
        """Globs of paths that usually hold it."""
        return self.head.files

    @property
    def begins(self) -> tuple[str, ...]:
        """Patterns of which one is found near the beginning of its text."""
        return self.head.begins

    @property
    def rank(self) -> int:
        """How rich it is: where two artifacts state the same fact, the higher rank wins."""
        return self.head.rank

    @cached_property
    def facts(self) -> tuple[type[Fact], ...]:
        """The fact types it can hold."""
        types = fact_types()
        names = self.head.covers
        if names is None:
            rules = re.findall(r"^[?!]*([a-z][a-z_]*)\b.*:", self.body, re.MULTILINE)
            names = tuple(camel(rule) for rule in rules if camel(rule) in types)
        unknown = [name for name in names if name not in types]
        if unknown:
            raise DefinitionError(self.file, 1, f"front matter: {unknown[0]!r} is no fact")
        return tuple(types[name] for name in dict.fromkeys(names))

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of its records met so far; made when first needed, because Lark takes its time."""
        return Shapes(self.file, self.body, self.head.quoted, self.head.meaning)

    def read(self, text: str, path: str, place: Place, first_line: int = 1, command: str = "") -> Parsed:
        """The facts in `text`, which begins at line `first_line` of `path`; what cannot be read becomes gaps."""
        return Reading(self.head, self.facts, self.shapes, path, place, command).read(text, first_line)

    def beside(self, path: str, place: Place, command: str) -> Hashable:
        """What the facts of a text depend on besides the text and the names of node and namespace."""
        return Context(self.head, self.facts, path, place, command).beside()


@cache
def grammars() -> dict[str, Grammar]:
    """Every grammar by the name of its artifact; DefinitionError if two have the same."""
    return load_grammars(grammar_dir())


def load_grammars(folder: Path) -> dict[str, Grammar]:
    """The grammars in a folder."""
    files = sorted(folder.glob("*.lark"))
    parts = [stamps(Path(__file__).parent), *(f"{file}\n{file.read_text(encoding='utf-8')}" for file in files)]
    made = kept_data("grammars", parts, lambda: _loaded(files), tuple[tuple[str, Head, str], ...])
    return {head.artifact: Grammar(name, head, body) for name, head, body in made}


def _loaded(files: Iterable[Path]) -> tuple[tuple[str, Head, str], ...]:
    found: dict[str, tuple[str, Head, str]] = {}
    for file in files:
        head, body = load(file)
        if head.artifact in found:
            raise DefinitionError(file.name, 1, f"{found[head.artifact][0]} already describes {head.artifact!r}")
        found[head.artifact] = (file.name, head, body)
    return tuple(found.values())
