"""What evaluating one rule over the facts of a cluster gives."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzer.facts.fact import Fact

Word = Literal["found", "clear", "not collected", "not applicable", "broken"]
Severity = Literal["error", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """What a `none` clause looked for and did not find: the fact type, the conditions, the artifacts searched."""

    fact: str
    where: tuple[str, ...]
    searched: tuple[str, ...]


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """A fact type that was not collected where a rule needed it.

    `scope` is a node, a namespace, or "" for the cluster; `command` collects it; `note` says what is wrong with what
    there is ("cut off at line 812").
    """

    fact: str
    scope: str = ""
    command: str = ""
    note: str = ""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a rule matched: rendered texts, the facts that prove it, the entities it touches.

    `entities` are "Node/worker-1", "Pod/shop/web-1", "Service/shop/web": those bound, and those they refer to.
    `subjects` are the entities bound by `each` clauses: with the rule's id they identify the finding across bundles.
    """

    title: str
    why: str
    fix: tuple[str, ...]
    facts: tuple[Fact, ...]
    absent: tuple[Absence, ...] = ()
    entities: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one rule.

    `scopes` tells the outcome per node for rules that decide per node. `evaluated` counts the bindings looked at.
    `error` is the text of our own bug, for `broken`.
    """

    rule: str
    word: Word
    matches: tuple[Match, ...] = ()
    lacks: tuple[Lack, ...] = ()
    scopes: dict[str, Word] = {}
    evaluated: int = 0
    error: str = ""
