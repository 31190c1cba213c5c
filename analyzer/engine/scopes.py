"""The outcome of a rule for each node, where it decides by node."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from analyzer.engine.collected import collected
from analyzer.engine.fields import FieldType, fields
from analyzer.engine.hit import fact_of
from analyzer.engine.outcome import Word
from analyzer.engine.rule import Rule
from analyzer.engine.search import Doubt
from analyzer.facts.nodes import Node
from analyzer.facts.store import Facts


def scopes(rule: Rule, facts: Facts, found: Iterable[str], doubts: Iterable[Doubt]) -> dict[str, Word]:
    """The outcome per node, for rules whose `each` is about nodes or what stands on them."""
    about = [
        position
        for position, clause in enumerate(rule.match)
        if clause.quantifier == "each"
        and (clause.fact == "Node" or fields(clause.kind).get("node", FieldType("text")).refers)
    ]
    if not about:
        return {}
    known = collected(facts)
    words: dict[str, Word] = dict.fromkeys(sorted({*known.listed, *found}), "clear")
    nodes = known.nodes.keys() | words.keys()
    told: dict[int, list[str]] = {}
    doubted: set[str] = set()
    for doubt in doubts:
        places = told.get(id(doubt.lacks))
        if places is None:
            places = told[id(doubt.lacks)] = [lack.scope for lack in doubt.lacks if lack.scope in nodes]
            doubted.update(places)
        if not places:
            bound = doubt.bound[about[0]]
            place = place_of(fact_of(bound)) if bound is not None else ""
            doubted.add(place)
    if "" in doubted:  # somewhere, nobody knows where
        doubted = (doubted | words.keys()) - {""}
    words |= dict.fromkeys(sorted(doubted), "not collected")
    return words | dict.fromkeys(found, "found")


def place_of(fact: Any) -> str:
    """The node that a fact is or stands on, or ""."""
    return str(fact.name) if isinstance(fact, Node) else str(getattr(fact, "node", None) or "")
