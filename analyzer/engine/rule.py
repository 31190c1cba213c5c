"""A rule as it was loaded and checked: data, nothing compiled yet."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzer.engine.document import Entry
from analyzer.engine.expression import Test
from analyzer.engine.outcome import Confidence, Severity
from analyzer.facts import fact_types
from analyzer.facts.fact import Fact

Quantifier = Literal["each", "some", "none", "maybe"]
Status = Literal["stable", "experimental", "deprecated"]
QUANTIFIERS: tuple[Quantifier, ...] = ("each", "some", "none", "maybe")


class Condition(msgspec.Struct, frozen=True):
    """A condition: as written, and as a typed tree."""

    text: str
    test: Test
    line: int = 0


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One clause of `match`: a quantifier, a fact type, the name it binds, and its conditions.

    `text` holds log patterns of which one must fit. `at_least` facts are needed, `within` that many seconds.
    """

    quantifier: Quantifier
    fact: str
    name: str
    text: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    at_least: int = 1
    within: float | None = None
    line: int = 0

    @property
    def kind(self) -> type[Fact]:
        """The fact type that the clause is about."""
        return fact_types()[self.fact]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's own test, not yet built: facts (or files), what is missing, and the titles or outcome word expected."""

    name: str
    given: tuple[Entry, ...] | None = None
    files: dict[str, str] = {}
    missing: tuple[str, ...] = ()
    expect: str | tuple[str, ...]
    line: int = 0

    @property
    def fires(self) -> bool:
        """Whether the test expects findings."""
        return not isinstance(self.expect, str) or self.expect == "found"


class Rule(msgspec.Struct, frozen=True, kw_only=True, eq=False, weakref=True):
    """A failure signature. Two rules are the same only if they are the same object, so a rule can key a cache.

    `area` is the folder it lies in; `path` its file; `lines` has the lines of its keys and of what it explains.
    """

    id: str
    title: str
    severity: Severity
    confidence: Confidence
    status: Status = "stable"
    only_if: Condition | None = None
    match: tuple[Clause, ...]
    why: str
    fix: tuple[str, ...]
    docs: tuple[str, ...]
    explains: tuple[str, ...] = ()
    tests: tuple[Trial, ...] = ()
    area: str = ""
    path: str = ""
    lines: dict[str, int] = {}

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the fact types that decide the rule, in the order in which it asks for them."""
        return tuple(dict.fromkeys(clause.fact for clause in self.match if clause.quantifier != "maybe"))

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of all fact types that the rule looks at."""
        return tuple(dict.fromkeys(clause.fact for clause in self.match))
