"""The kinds of artifacts: every grammar and every reader, found by being in their folders, in one shape."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Literal

import msgspec

from analyzer import readers, text
from analyzer.errors import DefinitionError
from analyzer.facts.fact import Parsed
from analyzer.facts.source import Place
from analyzer.grammar import Grammar, grammars

Read = Callable[[bytes, str, Place, int, str], Parsed]
LOG = "log"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of artifact: how it is recognised, what collects it, and what reads it.

    `files` are globs against a path; `begins` patterns, one of which is found near the start of its text; `sniff`, if
    there is one, must agree too. `parse` takes bytes, path, place, number of the first line, and command.
    """

    name: str
    command: str
    per: Literal["cluster", "namespace", "node"]
    files: tuple[str, ...]
    begins: tuple[re.Pattern[str], ...]
    rank: int
    parse: Read
    sniff: Callable[[str], bool] | None = None

    def start(self, head: str) -> int:
        """Where in a text's first lines it looks like this kind; -1 if nowhere."""
        found = [match.start() for pattern in self.begins if (match := pattern.search(head))]
        if self.begins and not found:
            return -1
        if self.sniff is not None and not self.sniff(head):
            return -1
        return min(found, default=0) if self.begins or self.sniff else -1


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by name. DefinitionError if two have the same name."""
    found: dict[str, Kind] = {}
    for kind in (*map(_of_grammar, grammars().values()), *map(_of_reader, _modules())):
        if kind.name in found:
            raise DefinitionError(f"readers/{kind.name}", 0, f"two definitions of the artifact {kind.name!r}")
        found[kind.name] = kind
    return found


def _modules() -> list[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(readers.__path__))
    modules = [importlib.import_module(f"analyzer.readers.{name}") for name in names]
    # a module without ARTIFACT holds what several readers share
    return [module for module in modules if hasattr(module, "ARTIFACT")]


def _of_grammar(grammar: Grammar) -> Kind:
    def parse(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
        return grammar.read(text.decode(data), path, place, first_line, command)

    return Kind(
        name=grammar.name,
        command=grammar.command,
        per=grammar.per,
        files=tuple(grammar.files),
        begins=_patterns(grammar.name, grammar.begins),
        rank=grammar.rank,
        parse=parse,
    )


def _of_reader(module: ModuleType) -> Kind:
    return Kind(
        name=module.ARTIFACT,
        command=module.COMMAND,
        per=module.PER,
        files=tuple(module.FILES),
        begins=_patterns(module.ARTIFACT, tuple(module.BEGINS)),
        rank=module.RANK,
        parse=module.read,
        sniff=getattr(module, "SNIFF", None),
    )


def _patterns(name: str, sources: object) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(
            source if isinstance(source, re.Pattern) else re.compile(source, re.MULTILINE)
            for source in ([sources] if isinstance(sources, str) else sources)  # type: ignore[attr-defined]
            if source
        )
    except re.error as error:
        raise DefinitionError(name, 0, f"{error.pattern!r} is no pattern: {error}") from error
