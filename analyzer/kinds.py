"""The kinds of artifacts: every grammar and every reader, found by being in their folders, in one shape."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Hashable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec

from analyzer import facts, logs, readers, text
from analyzer.cache import kept_data, stamps
from analyzer.errors import DefinitionError
from analyzer.facts.fact import Parsed
from analyzer.facts.source import Place
from analyzer.grammar import Grammar, grammars

Read = Callable[[bytes, str, Place, int, str], Parsed]
Per = Literal["cluster", "namespace", "node"]
LOG = "log"


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of artifact is recognised, and what collects it.

    `files` are globs against a path; `begins` patterns with their flags, one of which is found near the start of its
    text.
    """

    name: str
    command: str
    per: Per
    files: tuple[str, ...]
    begins: tuple[tuple[str, int], ...]
    rank: int


class Kind(Described, frozen=True, kw_only=True, dict=True):
    """One kind of artifact, with what reads it.

    `parse` takes bytes, path, place, number of the first line, and command; `sniff`, if there is one, must agree with
    `begins`. `beside` tells what of path, place and command its facts depend on, besides the node's name; None if
    they may depend on anything.
    """

    parse: Read
    beside: Callable[[str, Place, str], Hashable] | None = None
    sniff: Callable[[str], bool] | None = None

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        """`begins` compiled: few kinds of the many are ever asked."""
        return tuple(re.compile(source, flags) for source, flags in self.begins)

    def start(self, head: str) -> int:
        """Where in a text's first lines it looks like this kind; -1 if nowhere."""
        found = [match.start() for pattern in self.patterns if (match := pattern.search(head))]
        if self.begins and not found:
            return -1
        if self.sniff is not None and not self.sniff(head):
            return -1
        return min(found, default=0) if self.begins or self.sniff else -1


class Reader(Described, frozen=True, kw_only=True):
    """What a module in `readers` says of itself: enough to recognise its kind without importing it."""

    module: str
    sniffs: bool


@cache
def kinds() -> dict[str, Kind]:
    """Every kind by name. DefinitionError if two have the same name."""
    found: dict[str, Kind] = {}
    for kind in (*map(_of_grammar, grammars().values()), *map(_of_reader, _readers())):
        if kind.name in found:
            raise DefinitionError(f"readers/{kind.name}", 0, f"two definitions of the artifact {kind.name!r}")
        found[kind.name] = kind
    return found


def _of_grammar(grammar: Grammar) -> Kind:
    def parse(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
        return grammar.read(text.decode(data), path, place, first_line, command)

    return Kind(
        name=grammar.name,
        command=grammar.command,
        per=grammar.per,
        files=grammar.files,
        begins=tuple((source, int(re.MULTILINE)) for source in grammar.begins),
        rank=grammar.rank,
        parse=parse,
        beside=grammar.beside,
    )


def _of_reader(reader: Reader) -> Kind:
    def parse(data: bytes, path: str, place: Place, first_line: int, command: str) -> Parsed:
        parsed: Parsed = _module(reader.module).read(data, path, place, first_line, command)
        return parsed

    def sniff(head: str) -> bool:
        return bool(_module(reader.module).SNIFF(head))

    return Kind(
        name=reader.name,
        command=reader.command,
        per=reader.per,
        files=reader.files,
        begins=reader.begins,
        rank=reader.rank,
        parse=parse,
        sniff=sniff if reader.sniffs else None,
    )


def _readers() -> tuple[Reader, ...]:
    """What the readers say: they are imported to be asked, and again only when some of our code has changed."""
    places = (Path(__file__).parent, *(Path(package.__path__[0]) for package in (readers, facts, logs)))
    return kept_data("readers", [stamps(*places)], _asked, tuple[Reader, ...])


def _asked() -> tuple[Reader, ...]:
    modules = {info.name: _module(info.name) for info in pkgutil.iter_modules(readers.__path__)}
    # a module without ARTIFACT holds what several readers share
    return tuple(
        Reader(
            module=name,
            name=module.ARTIFACT,
            command=module.COMMAND,
            per=module.PER,
            files=tuple(module.FILES),
            begins=_patterns(module.ARTIFACT, module.BEGINS),
            rank=module.RANK,
            sniffs=getattr(module, "SNIFF", None) is not None,
        )
        for name, module in sorted(modules.items())
        if hasattr(module, "ARTIFACT")
    )


def _module(name: str) -> Any:
    return importlib.import_module(f"analyzer.readers.{name}")


def _patterns(name: str, sources: tuple[str | re.Pattern[str], ...]) -> tuple[tuple[str, int], ...]:
    try:
        compiled = [one if isinstance(one, re.Pattern) else re.compile(one, re.MULTILINE) for one in sources]
    except re.error as error:
        raise DefinitionError(name, 0, f"{error.pattern!r} is no pattern: {error}") from error
    return tuple((one.pattern, one.flags) for one in compiled)
