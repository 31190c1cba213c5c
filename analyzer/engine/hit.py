"""Facts whose messages fit the log patterns of a clause, and what the patterns captured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from analyzer.facts.fact import Fact
from analyzer.facts.store import Facts
from analyzer.logs.template import captures, compile_template, folded

Lowered = dict[str | None, str]

_KEPT: WeakKeyDictionary[Facts, dict[type[Fact], Lowered]] = WeakKeyDictionary()


class Hit(msgspec.Struct, frozen=True, eq=False):
    """A fact and the fields that `text:` captured from its message."""

    fact: Fact
    captured: dict[str, Any]


def fact_of(item: Any) -> Any:
    """The fact itself, out of its Hit if it is in one."""
    return item.fact if isinstance(item, Hit) else item


def lowered(facts: Facts, kind: type[Fact]) -> Lowered:
    """The messages of all facts of a type, each with what literals are sought in; made once for all rules."""
    kept = _KEPT.setdefault(facts, {})
    if kind not in kept:
        messages = {getattr(fact, "message", None) for fact in facts.of(kind)}
        kept[kind] = {message: folded(message)[1] if message else "" for message in messages}
    return kept[kind]


def hits(texts: Sequence[str], found: Sequence[Any], low: Lowered) -> list[Hit]:
    """The facts that one of the patterns fits; nearly all others lack the longest literal of each."""
    literals = [compile_template(text).longest for text in texts]
    if len(literals) == 1:
        (literal,) = literals
        near = [fact for fact in found if literal in low[fact.message]]
    else:
        near = [fact for fact in found if any(literal in low[fact.message] for literal in literals)]
    return [hit for fact in near if (hit := hit_of(texts, fact))]


def hit_of(texts: Sequence[str], fact: Any) -> Hit | None:
    """A fact with what the first fitting pattern captures from its message."""
    message = fact.message
    if message:
        for text in texts:
            found = captures(text, message)
            if found is not None:
                return Hit(fact, found)
    return None


def crowd(found: Sequence[Any], at_least: int, within: float | None) -> Sequence[Any]:
    """The facts if there are enough, or the fullest span of `within` seconds, the earliest of equals; else nothing."""
    if within is None:
        return found if len(found) >= at_least else ()
    dated = sorted((item for item in found if fact_of(item).time is not None), key=lambda item: fact_of(item).time)
    best: Sequence[Any] = ()
    first = 0
    for last, item in enumerate(dated):
        while fact_of(item).time - fact_of(dated[first]).time > within:
            first += 1
        if last + 1 - first > len(best):
            best = dated[first : last + 1]
    return best if len(best) >= at_least else ()
