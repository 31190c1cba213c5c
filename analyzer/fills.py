"""What a grammar's front matter fills into facts where their record, or what is known around it, asks for it."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from analyzer.facts import fact_types
from analyzer.facts.fact import Fact
from analyzer.frontmatter import Fill, Head
from analyzer.plans import Plan
from analyzer.templates import camel
from analyzer.typed import fields

Tests = dict[str, re.Pattern[str]]


class Fills:
    """The `fill` entries of a front matter, by the fact type they are for."""

    def __init__(self, head: Head) -> None:
        self._by_kind: dict[type[Fact], list[tuple[Fill, Tests]]] = {}
        for fill in head.fill:
            tests = {name: re.compile(pattern) for name, pattern in fill.when.items()}
            self._by_kind.setdefault(fact_types()[camel(fill.fact)], []).append((fill, tests))

    def fill(self, plan: Plan, said: dict[str, Any], text: str) -> None:
        """Fill the fields of one fact, whose record is `text`."""
        for fill, tests in self._by_kind.get(plan.kind, ()):
            _fill(fill, tests, plan, said, said, text)

    def settled(self, plan: Plan, base: dict[str, Any], varying: Collection[str]) -> dict[str, Any] | None:
        """What is filled in by the settled fields `base` alone; None if it depends on a field that varies."""
        said, settled = dict(base), dict[str, Any]()
        for fill, tests in self._by_kind.get(plan.kind, ()):
            if any(name in varying or name == "text" for name in tests):
                return None
            if not fill.force and any(name in varying for name in fill.set):
                return None
            _fill(fill, tests, plan, said, settled, "")
            said |= settled
        return settled


def _fill(fill: Fill, tests: Tests, plan: Plan, said: dict[str, Any], filled: dict[str, Any], text: str) -> None:
    if all(_holds(test, text if name == "text" else said.get(name)) for name, test in tests.items()):
        known = fields(plan.kind)
        for name, value in fill.set.items():
            if fill.force or said.get(name) is None:
                filled[name] = known[name].convert(str(value)) if value is not None else None


def _holds(test: re.Pattern[str], value: Any) -> bool:
    if test.pattern == "":
        return value is None
    return value is not None and test.search(str(value)) is not None
